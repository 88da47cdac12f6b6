"""Augmentation under white Gaussian noise: other sizes and stronger colours than those of the training images.

White Gaussian noise stays white Gaussian noise under a linear map with orthogonal rows that are no longer than one, if what the
map takes from its variance is given back. So noisy images alone show the network pictures that none of them holds. (Ours.)
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

__all__ = ["NoisyPairs", "halve_sizes", "strengthen_colours", "unchanged"]

_SHARE = 0.5
_LEAST_LUMINANCE = 0.4
_LOG_CONTRASTS = (math.log(0.7), math.log(1.8))  # of half-size copies; with 2 they would be as noisy as the images


class NoisyPairs(NamedTuple):
    """What the network sees, and what it is to predict.

    Attributes
    ----------
    inputs : ndarray, shape (B, C, h, w), float32
        Crops with the noise of the images.
    targets : ndarray, shape (B, C, h, w), float32
        The same crops with a part of that noise.
    noise_parts : ndarray, shape (B, 1, 1, 1), float32
        Standard deviation of the noise of the targets, as a fraction of that of the inputs; in (0, 1].
    """

    inputs: np.ndarray
    targets: np.ndarray
    noise_parts: np.ndarray


def unchanged(pixels: np.ndarray) -> NoisyPairs:
    """Crops (B, C, h, w) that are their own targets."""
    return NoisyPairs(pixels, pixels, np.ones((len(pixels), 1, 1, 1), np.float32))


def halve_sizes(
    pixels: np.ndarray, rng: np.random.Generator, *, grey: float, sigma: float, colours: bool = False
) -> NoisyPairs:
    """Replace half of the crops by copies of half their size; of the others, cut a part of that size.

    The mean of 2 x 2 pixels has half of their noise. It is a cleaner target than the images hold, and with fresh noise for
    the other three quarters of the variance it is a noisy image, of other sizes and sharper than the images.

    Parameters
    ----------
    pixels : ndarray, shape (B, C, 2h, 2w), float32
        Noisy crops.
    rng : numpy.random.Generator
    grey : float
        Value that stays what it is where contrast is changed; the mean of the images.
    sigma : float
        Standard deviation of the noise, the same in all channels and independent between them.
    colours : bool
        Also weaken luminance (:func:`strengthen_colours`); C must be 3.

    Returns
    -------
    NoisyPairs
        Of (h, w) pixels. The contrast of half of the half-size copies is multiplied by 0.7 to 1.8 (uniform in its logarithm),
        and so is the noise of their targets.
    """
    height, width = (side // 2 for side in pixels.shape[2:])
    inputs = np.empty((*pixels.shape[:2], height, width), np.float32)
    targets, parts = np.empty_like(inputs), np.ones((len(pixels), 1, 1, 1), np.float32)
    middle = np.float32(grey)
    for index, crop in enumerate(pixels):
        part = 1.0
        if rng.random() < _SHARE:
            target = crop[:, : 2 * height, : 2 * width].reshape(-1, height, 2, width, 2).mean((2, 4))
            part = 0.5
            if rng.random() < _SHARE:
                contrast = math.exp(rng.uniform(*_LOG_CONTRASTS))
                target = middle + np.float32(contrast) * (target - middle)
                part *= contrast
        else:
            top, left = rng.integers(0, height + 1), rng.integers(0, width + 1)
            target = crop[:, top : top + height, left : left + width]
        if colours:
            target = strengthen_colours(target[None], rng, grey=grey, sigma=sigma * part)[0]
        inputs[index] = targets[index] = target
        if part < 1:
            fresh = rng.standard_normal(target.shape, dtype=np.float32)
            inputs[index] += np.float32(sigma * math.sqrt(1 - part**2)) * fresh
        parts[index] = part
    return NoisyPairs(inputs, targets, parts)


def strengthen_colours(pixels: np.ndarray, rng: np.random.Generator, *, grey: float, sigma: float) -> np.ndarray:
    """Weaken the luminance of half of the crops, so that their colours are strong beside it.

    Luminance is drawn to `grey` by a factor s, and noise of variance (1 - s^2) sigma^2 added to it. A network that was shown
    few strong colours is surer than it should be that there are none.

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
        weakened, factor = rng.random() < _SHARE, rng.uniform(_LEAST_LUMINANCE, 1)
        if weakened:
            luminance = crop.mean(0) - np.float32(grey)
            # The mean of three channels has a third of their noise variance.
            fresh = math.sqrt((1 - factor**2) / 3) * sigma * rng.standard_normal(luminance.shape, dtype=np.float32)
            crop += fresh - np.float32(1 - factor) * luminance
    return result
