"""Mosaics of sensors, denoised before demosaicing by models that were trained on photographs."""

from bsn.inference.mosaic.denoising import bands_of_mosaic, is_for_mosaics

__all__ = ["bands_of_mosaic", "is_for_mosaics"]
