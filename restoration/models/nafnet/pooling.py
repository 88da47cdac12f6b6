"""Means over windows, in place of the mean over a whole image."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["local_mean"]


def local_mean(x: Tensor, window: int) -> Tensor:
    """Mean over a square window around each pixel.

    The window is moved to lie inside the image where it would leave it, and cut to the image where it is larger: for images
    that are not larger than the window this is the mean of the whole image.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Features.
    window : int
        Side of the window in pixels.

    Returns
    -------
    Tensor, shape (N, C, H, W)

    References
    ----------
    Chu, Chen, Chen, Lu, ECCV 2022 (test-time local converter).
    """
    return _along(_along(x, window, -1), window, -2)


def _along(x: Tensor, window: int, axis: int) -> Tensor:
    """Running mean along an axis by differences of a cumulative sum, in float64 since sums of whole images are large."""
    size = x.shape[axis]
    if window >= size:
        return x.mean(axis, keepdim=True).expand_as(x)
    sums = x.double().cumsum(axis)
    sums = torch.cat([torch.zeros_like(sums.narrow(axis, 0, 1)), sums], axis)
    places = size - window + 1
    means = (sums.narrow(axis, window, places) - sums.narrow(axis, 0, places)) / window
    first = (torch.arange(size, device=x.device) - (window - 1) // 2).clamp(0, places - 1)
    return means.index_select(axis, first).to(x.dtype)
