"""Window attention whose keys are limited to the half-plane of each query."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from bsn.constants import device_constant
from bsn.shapes import check_divisible, check_image, check_same_shape

__all__ = ["directional_window_attention", "table_side"]


def table_side(window: int) -> int:
    """Side of the table of relative positions: offsets from -(2 w - 1) to 2 w - 1.

    Parameters
    ----------
    window : int
        w, side of a window in pixels.

    Returns
    -------
    int
    """
    return 4 * window - 1


@device_constant()
def _offset_index(window: int, columns: int) -> Tensor:
    """Index into the flat table for every pair (query, key), shape (w * w, 2 w * columns w)."""
    rows, cols = _offsets(window, columns)
    side = table_side(window)
    return (rows + side // 2) * side + cols + side // 2


def _offsets(window: int, columns: int) -> tuple[Tensor, Tensor]:
    """Offsets (dy, dx) of every key from every query; the keys start one window above and (columns // 2) to the left."""
    query = torch.cartesian_prod(torch.arange(window), torch.arange(window))
    key = torch.cartesian_prod(
        torch.arange(2 * window) - window, torch.arange(columns * window) - (columns // 2) * window
    )
    difference = key[None] - query[:, None]
    return difference[..., 0], difference[..., 1]


@device_constant()
def _unseen(window: int, columns: int) -> Tensor:
    """True for the pairs (query, key) in which the key lies outside the query's half-plane."""
    rows, cols = _offsets(window, columns)
    return rows > 0 if columns == 1 else rows > cols


def _key_windows(x: Tensor, window: int, columns: int) -> Tensor:
    """Keys of every window: shape (N, C, H / w, W / w, 2 w * columns w), zero outside the image."""
    side = (columns // 2) * window
    padded = F.pad(x, (side, side, window, 0))
    return padded.unfold(2, 2 * window, window).unfold(3, columns * window, window).flatten(-2)


def directional_window_attention(
    q: Tensor, k: Tensor, v: Tensor, table: Tensor, *, window: int, heads: int, plane: str = "straight"
) -> Tensor:
    """Multi-head attention in windows, in which every query attends only to its half-plane.

    A query sees the keys of its own window and of the window above it; the diagonal half-plane also those of the windows
    to the left and to the right of these two. Of all those keys only the ones in the query's closed half-plane take part,
    so it always sees itself and the softmax is defined. Keys outside the image do not take part.

    Parameters
    ----------
    q, k, v : Tensor, shape (N, C, H, W)
        C a multiple of `heads`; H and W multiples of `window`.
    table : Tensor, shape (heads, 4 w - 1, 4 w - 1)
        Bias of relative positions; entry (2 w - 1 + dy, 2 w - 1 + dx) belongs to the offset (dy, dx) from query to key.
    window : int
        w, side of a window in pixels.
    heads : int
        Number of heads.
    plane : {"straight", "diagonal"}
        Shape of the half-plane that the features see.

    Returns
    -------
    Tensor, shape (N, C, H, W)

    Raises
    ------
    ValueError
        For shapes that do not fit, and unknown half-planes.

    Notes
    -----
    Half-plane networks were published with convolutions only; this operator is ours.
    """
    check_image("directional_window_attention", q, "q")
    check_same_shape("directional_window_attention", q=q, k=k, v=v)
    check_divisible("directional_window_attention", q, window, f"windows of {window} pixels")
    if plane not in ("straight", "diagonal"):
        raise ValueError(
            f"directional_window_attention: the half-plane {plane!r} does not exist; use 'straight' or 'diagonal'"
        )
    n, channels, height, width = q.shape
    if heads < 1 or channels % heads:
        raise ValueError(
            f"directional_window_attention: {channels} channels do not divide into {heads} heads; use a divisor of "
            f"{channels}"
        )
    side = table_side(window)
    if table.shape != (heads, side, side):
        raise ValueError(
            f"directional_window_attention: the table has shape {tuple(table.shape)}; {heads} heads and windows of "
            f"{window} pixels need ({heads}, {side}, {side})"
        )
    columns = 1 if plane == "straight" else 3
    down, across, depth = height // window, width // window, channels // heads
    inside = _key_windows(q.new_ones(1, 1, height, width), window, columns).reshape(down * across, 1, 1, -1)
    query = q.reshape(n, heads, depth, down, window, across, window).permute(0, 3, 5, 1, 4, 6, 2)
    query = query.reshape(n, down * across, heads, window * window, depth)
    key, value = (
        _key_windows(t, window, columns).reshape(n, heads, depth, down * across, -1).permute(0, 3, 1, 2, 4)
        for t in (k, v)
    )
    index = _offset_index(window, columns, device=q.device)
    logits = query @ key / math.sqrt(depth) + table.flatten(1)[:, index]
    unseen = _unseen(window, columns, device=q.device) | (inside == 0)
    weights = torch.softmax(logits.masked_fill(unseen, -torch.inf), -1)
    out = (weights @ value.transpose(-1, -2)).reshape(n, down, across, heads, window, window, depth)
    return out.permute(0, 3, 6, 1, 4, 2, 5).reshape(n, channels, height, width)
