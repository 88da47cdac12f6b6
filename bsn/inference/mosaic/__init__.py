"""Mosaics of sensors, denoised before demosaicing by models that were trained on photographs."""

from bsn.inference.mosaic.denoising import bands_of_mosaic
from bsn.inference.mosaic.passes import GreyPasses

__all__ = ["GreyPasses", "bands_of_mosaic"]
