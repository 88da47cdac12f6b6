"""The last stage for counts of few photons: the local mean of the result is that of the noisy image.

A network that gives medians gives too little where the noise is skewed, as that of few photons is: at 0.7 photons per pixel
the median is 0. The noise itself has the mean 0, so what is missing shows in the mean over many pixels. The stage adds the
low-pass of noisy minus denoised: counts stay quantitative, in every region of a few hundred pixels.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

__all__ = ["REACH", "keep_local_mean"]

SPREAD = 8.0
"""Standard deviation of the low-pass in pixels; it leaves 1 / 800 of the noise's variance.

From 4 to 16 the error on synthetic counts of photographs differs by less than 0.5 dB.
"""

REACH = math.ceil(3 * SPREAD)
"""Pixels by which the stage sees farther than those before it."""


def keep_local_mean(noisy: Tensor, denoised: Tensor) -> Tensor:
    """Give a result the local mean of its noisy image.

    Parameters
    ----------
    noisy, denoised : Tensor, shape (N, C, H, W)
        Image values, of the same shape.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        ``denoised`` plus the low-pass of the difference, a Gaussian of standard deviation :data:`SPREAD`.
    """
    return denoised + _low_pass(noisy - denoised)


def _low_pass(x: Tensor) -> Tensor:
    """Gaussian mean over the pixels inside the image, shape (N, C, H, W)."""
    height, width = x.shape[-2:]
    planes = x.reshape(-1, 1, height, width)
    weights = x.new_tensor([math.exp(-0.5 * (place / SPREAD) ** 2) for place in range(-REACH, REACH + 1)])
    for kernel, ones, padding in (
        (weights.view(1, 1, -1, 1), x.new_ones(1, 1, height, 1), (REACH, 0)),
        (weights.view(1, 1, 1, -1), x.new_ones(1, 1, 1, width), (0, REACH)),
    ):
        planes = F.conv2d(planes, kernel, padding=padding) / F.conv2d(ones, kernel, padding=padding)
    return planes.reshape(x.shape)
