"""Overlapping window attention in plain PyTorch."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["WindowGeometry", "window_attention_reference"]

WindowGeometry = tuple[int, int]  # (window, key_window)


@functools.lru_cache(maxsize=64)
def _table_rows(window: int, key_window: int) -> Tensor:
    """Row of the position table for each (query coordinate, key coordinate): shape (window, key_window)."""
    return torch.arange(key_window)[None, :] - torch.arange(window)[:, None] + key_window - 1


def _to_windows(x: Tensor, size: int, step: int, halo: int, heads: int) -> Tensor:
    """Cut (N, heads * d, H, W) into patches (N * windows, heads, size * size, d), zeros outside the image."""
    n, c, h, w = x.shape
    pixels = x.permute(0, 2, 3, 1)
    if halo:
        pixels = F.pad(pixels, (0, 0, halo, halo, halo, halo))
    patches = pixels.unfold(1, size, step).unfold(2, size, step)
    rows, columns = h // step, w // step
    patches = patches.reshape(n, rows, columns, heads, c // heads, size, size)
    return patches.permute(0, 1, 2, 3, 5, 6, 4).reshape(n * rows * columns, heads, size * size, c // heads)


def _position_logits(q: Tensor, rel_height: Tensor, rel_width: Tensor, geometry: WindowGeometry) -> Tensor:
    """Logits q . height[i - a + K - 1] + q . width[j - b + K - 1], shape (windows, heads, w w, K K)."""
    window, key_window = geometry
    rows = _table_rows(window, key_window).to(q.device)
    grid = q.unflatten(2, (window, window))
    along_height = torch.einsum("nhabd,aid->nhabi", grid, rel_height[rows])
    along_width = torch.einsum("nhabd,bjd->nhabj", grid, rel_width[rows])
    logits = along_height.unsqueeze(-1) + along_width.unsqueeze(-2)
    return logits.flatten(4).flatten(2, 3)


def window_attention_reference(
    q: Tensor, k: Tensor, v: Tensor, rel_height: Tensor, rel_width: Tensor, geometry: WindowGeometry, heads: int
) -> Tensor:
    """Attend window by window; see :func:`bsn.ops.window_attention.window_attention`."""
    window, key_window = geometry
    halo = (key_window - window) // 2
    n, c, h, w = q.shape
    scale = (c // heads) ** -0.5
    queries = _to_windows(q, window, window, 0, heads) * scale
    keys = _to_windows(k, key_window, window, halo, heads)
    values = _to_windows(v, key_window, window, halo, heads)
    logits = queries @ keys.transpose(-1, -2)
    logits = logits + _position_logits(queries, rel_height.to(q.dtype), rel_width.to(q.dtype), geometry)
    weights = torch.softmax(logits.float() if logits.dtype != torch.float64 else logits, -1).to(v.dtype)
    out = (weights @ values).reshape(n, h // window, w // window, heads, window, window, c // heads)
    return out.permute(0, 1, 4, 2, 5, 3, 6).reshape(n, h, w, c).permute(0, 3, 1, 2)
