"""Gaussian mean around each pixel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["gaussian_mean"]


def gaussian_mean(x: Tensor, width: float, reach: int) -> Tensor:
    """Mean around each pixel with Gaussian weights; beyond the edges nothing is counted.

    Parameters
    ----------
    x : Tensor, shape (..., H, W)
        Images.
    width : float
        Standard deviation in pixels.
    reach : int
        Pixels to each side that are looked at.

    Returns
    -------
    Tensor, shape (..., H, W)

    Examples
    --------
    >>> gaussian_mean(torch.ones(2, 5, 7), width=2.0, reach=4).allclose(torch.ones(2, 5, 7))
    True
    """
    offsets = torch.arange(-reach, reach + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-0.5 * (offsets / width).square())
    planes = x.reshape(-1, 1, *x.shape[-2:])
    for axis in (0, 1):
        shape = (1, 1, -1, 1) if axis == 0 else (1, 1, 1, -1)
        padding = (reach, 0) if axis == 0 else (0, reach)
        line = torch.ones(planes.shape[2 + axis], dtype=x.dtype, device=x.device).reshape(shape)
        weight = F.conv2d(line, kernel.reshape(shape), padding=padding)
        planes = F.conv2d(planes, kernel.reshape(shape), padding=padding) / weight
    return planes.reshape(x.shape)
