"""Uniform random numbers that depend on the position in the image, so that tiles agree with the whole."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["position_uniform"]

_MASK = 0xFFFFFFFF


def _mix(x: Tensor) -> Tensor:
    """Integer hash of 32 bits (Wellons' low-bias family), in int64 arithmetic."""
    x = x & _MASK
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & _MASK
    x = ((x ^ (x >> 15)) * 0x846CA68B) & _MASK
    return x ^ (x >> 16)


def position_uniform(key: tuple[int, ...], channels: int, top: int, left: int, height: int, width: int) -> Tensor:
    """Uniform numbers of a region of an unbounded random image.

    Parameters
    ----------
    key : tuple of int
        Names the random image (seed, plane, pass ...).
    channels : int
        Channels of the random image.
    top, left, height, width : int
        The region.

    Returns
    -------
    Tensor, shape (1, channels, height, width), float32, range [0, 1)

    Examples
    --------
    >>> whole = position_uniform((1, 2), 1, 0, 0, 8, 8)
    >>> torch.equal(position_uniform((1, 2), 1, 3, 4, 5, 4), whole[..., 3:, 4:])
    True
    """
    state = torch.tensor(0x9E3779B9, dtype=torch.int64)
    for part in key:
        state = _mix(state + part * 0x85EBCA6B + 1)
    rows = _mix(state + torch.arange(top, top + height) * 0xC2B2AE35)
    columns = _mix(rows[:, None] + torch.arange(left, left + width)[None, :] * 0x27D4EB2F)
    values = _mix(columns[None] + torch.arange(channels)[:, None, None] * 0x165667B1)
    # 24 bits are what a float32 in [0, 1) holds without rounding up to 1.
    return ((values >> 8).float() / (1 << 24))[None]
