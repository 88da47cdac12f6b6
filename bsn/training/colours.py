"""Augmentation with colours stronger than those of the training images, under the same noise."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["strengthen_colours"]

_SHARE = 0.5
_LEAST = 0.4


def strengthen_colours(pixels: np.ndarray, rng: np.random.Generator, *, grey: float, sigma: float) -> np.ndarray:
    """Weaken the luminance of half of the crops, so that their colours are strong beside it.

    White Gaussian noise stays white Gaussian noise under a linear map of the colours if what the map takes from its
    variance is given back: luminance is drawn to `grey` by a factor s, and noise of variance (1 - s^2) sigma^2 added to
    it. A network that was shown few strong colours is surer than it should be that there are none. (Ours.)

    Parameters
    ----------
    pixels : ndarray, shape (B, 3, h, w), float32
        Noisy crops.
    rng : numpy.random.Generator
    grey : float
        Luminance that stays what it is; the mean of the images.
    sigma : float
        Standard deviation of the noise, the same in all channels and independent between them.

    Returns
    -------
    ndarray, shape (B, 3, h, w), float32
        s is drawn for each crop: 1 for half of them, else uniform from 0.4 to 1.
    """
    result = pixels.copy()
    for crop in result:
        weakened, factor = rng.random() < _SHARE, rng.uniform(_LEAST, 1)
        if weakened:
            luminance = crop.mean(0) - np.float32(grey)
            # The mean of three channels has a third of their noise variance.
            fresh = math.sqrt((1 - factor**2) / 3) * sigma * rng.standard_normal(luminance.shape, dtype=np.float32)
            crop += fresh - np.float32(1 - factor) * luminance
    return result
