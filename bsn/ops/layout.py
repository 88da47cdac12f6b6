"""Memory layouts that kernels address: an image as (entry, channel, pixel) with one stride each."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["flat_pixels", "is_pixel_major", "new_like", "next_power_of_two"]


def is_pixel_major(x: Tensor) -> bool:
    """Whether neighbouring channels of an image are neighbours in memory (channels-last, or a slice of it).

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Images, in any memory layout.

    Returns
    -------
    bool
    """
    return x.shape[1] > 1 and x.stride(1) == 1


def flat_pixels(x: Tensor) -> Tensor:
    """The image itself if one stride leads from pixel to pixel in reading order, else a copy of which that is true.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Images, in any memory layout.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        ``stride(2) == W * stride(3)``: contiguous and channels-last images and slices of their channels come back as
        they are.
    """
    _, _, h, w = x.shape
    if x.numel() == 0 or h == 1 or x.stride(2) == w * x.stride(3):
        return x
    return x.contiguous(memory_format=torch.channels_last if is_pixel_major(x) else torch.contiguous_format)


def new_like(x: Tensor, dtype: torch.dtype | None = None, channels: int | None = None) -> Tensor:
    """Uninitialised dense tensor of the shape of an image, channels-last where that one is pixel-major.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Images, in any memory layout.
    dtype : torch.dtype, optional
        Type of the result; that of `x` if left out.
    channels : int, optional
        Number of channels in place of C.

    Returns
    -------
    Tensor, shape (N, channels, H, W)
    """
    layout = torch.channels_last if is_pixel_major(x) else torch.contiguous_format
    n, c, h, w = x.shape
    shape = (n, c if channels is None else channels, h, w)
    return torch.empty(shape, dtype=dtype or x.dtype, device=x.device, memory_format=layout)


def next_power_of_two(value: int, least: int = 1) -> int:
    """Smallest power of two that is large enough for the side of a kernel's block.

    Parameters
    ----------
    value : int
        Positive number.
    least : int
        Lower bound of the result.

    Returns
    -------
    int
    """
    return max(least, 1 << max(value - 1, 0).bit_length())
