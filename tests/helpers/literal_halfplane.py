"""Literal half-plane operators, written out over offsets and pixels from the definitions.

A *straight* half-plane is {dy <= 0}, a *diagonal* one {dy <= dx} (rows count downwards, columns to the right).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "conv_reference",
    "moved_reference",
    "sees",
    "window_attention_reference",
]


def sees(plane: str, rows: Tensor, columns: Tensor) -> Tensor:
    """Whether the offsets (dy, dx) lie in the closed half-plane."""
    return rows <= 0 if plane == "straight" else rows <= columns


def moved_reference(x: Tensor, rows: int, columns: int) -> Tensor:
    """``out[i, j] = x[i - rows, j - columns]``, zero where that lies outside."""
    height, width = x.shape[-2:]
    out = torch.zeros_like(x)
    for i in range(height):
        for j in range(width):
            if 0 <= i - rows < height and 0 <= j - columns < width:
                out[..., i, j] = x[..., i - rows, j - columns]
    return out


def conv_reference(x: Tensor, weight: Tensor, bias: Tensor | None, plane: str) -> Tensor:
    """Sum over the taps of a 3 x 3 kernel that lie in the half-plane; compare `directional_conv`."""
    lift = 1 if plane == "straight" else 0  # the straight kernel stands one row higher, so that all nine taps count
    out = x.new_zeros(x.shape[0], weight.shape[0], *x.shape[-2:])
    for row in range(3):
        for column in range(3):
            dy, dx = row - 1 - lift, column - 1
            if sees(plane, torch.tensor(dy), torch.tensor(dx)):
                out = out + torch.einsum("oc,nchw->nohw", weight[:, :, row, column], moved_reference(x, -dy, -dx))
    return out if bias is None else out + bias[:, None, None]


def window_attention_reference(
    q: Tensor, k: Tensor, v: Tensor, table: Tensor, window: int, heads: int, plane: str
) -> Tensor:
    """Attention of each pixel on its own; compare `directional_window_attention`."""
    n, channels, height, width = q.shape
    depth = channels // heads
    out = torch.zeros_like(v)
    for i in range(height):
        for j in range(width):
            keys = [
                (a, b)
                for a in range((i // window - 1) * window, (i // window + 1) * window)
                for b in range(
                    (j // window - (plane == "diagonal")) * window, (j // window + 1 + (plane == "diagonal")) * window
                )
                if 0 <= a < height and 0 <= b < width and bool(sees(plane, torch.tensor(a - i), torch.tensor(b - j)))
            ]
            where = torch.tensor(keys)
            query = q[:, :, i, j].reshape(n, heads, 1, depth)
            key = k[:, :, where[:, 0], where[:, 1]].reshape(n, heads, depth, -1)
            value = v[:, :, where[:, 0], where[:, 1]].reshape(n, heads, depth, -1)
            middle_row, middle_column = table.shape[1] // 2, table.shape[2] // 2
            bias = table[:, where[:, 0] - i + middle_row, where[:, 1] - j + middle_column]
            weights = F.softmax(query @ key / math.sqrt(depth) + bias[:, None], dim=-1)
            out[:, :, i, j] = (weights @ value.transpose(-1, -2)).reshape(n, channels)
    return out
