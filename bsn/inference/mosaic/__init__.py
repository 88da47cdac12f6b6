"""Mosaics of sensors, denoised before demosaicing by models that were trained on photographs."""

from bsn.inference.mosaic.denoising import bands_of_mosaic

__all__ = ["bands_of_mosaic"]
