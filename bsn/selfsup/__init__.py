"""Pure functions of self-supervised denoising: pixel-shuffle downsampling, refinement, losses, posterior, Wiener filter."""

from bsn.selfsup.losses import LOSSES, LossName, l1_loss, l2_loss, poisson_l2_loss
from bsn.selfsup.noise_fit import NoiseCurve, fit_noise, propagated_share
from bsn.selfsup.pixel_shuffle_downsample import (
    mosaic_downsample,
    mosaic_upsample,
    pixel_shuffle_downsample,
    pixel_shuffle_upsample,
)
from bsn.selfsup.posterior import (
    Prediction,
    affine_noise_variance,
    calibrate,
    outputs_for_posterior,
    posterior,
    posterior_nll,
    split_prediction,
)
from bsn.selfsup.r3 import random_replacement_refinement
from bsn.selfsup.wiener import (
    NoiseSpectrum,
    measure_colours,
    measure_spectrum,
    wiener_filter,
    wiener_filter_independent,
)

__all__ = [
    "LOSSES",
    "LossName",
    "NoiseCurve",
    "NoiseSpectrum",
    "Prediction",
    "affine_noise_variance",
    "calibrate",
    "fit_noise",
    "l1_loss",
    "l2_loss",
    "measure_colours",
    "measure_spectrum",
    "mosaic_downsample",
    "mosaic_upsample",
    "outputs_for_posterior",
    "pixel_shuffle_downsample",
    "pixel_shuffle_upsample",
    "poisson_l2_loss",
    "posterior",
    "posterior_nll",
    "propagated_share",
    "random_replacement_refinement",
    "split_prediction",
    "wiener_filter",
    "wiener_filter_independent",
]
