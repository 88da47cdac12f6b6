"""Pure functions of self-supervised denoising: pixel-shuffle downsampling, refinement, losses."""

from bsn.selfsup.losses import LOSSES, Loss, find_loss, l1_loss, l2_loss, poisson_l2_loss, register_loss
from bsn.selfsup.pixel_shuffle_downsample import (
    mosaic_downsample,
    mosaic_upsample,
    pixel_shuffle_downsample,
    pixel_shuffle_upsample,
)
from bsn.selfsup.r3 import random_replacement_refinement

__all__ = [
    "LOSSES",
    "Loss",
    "find_loss",
    "l1_loss",
    "l2_loss",
    "mosaic_downsample",
    "mosaic_upsample",
    "pixel_shuffle_downsample",
    "pixel_shuffle_upsample",
    "poisson_l2_loss",
    "random_replacement_refinement",
    "register_loss",
]
