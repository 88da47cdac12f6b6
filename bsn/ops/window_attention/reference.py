"""Overlapping window attention in plain PyTorch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bsn.constants import device_constant

__all__ = ["Size", "WindowGeometry", "bias_rows", "window_attention_reference"]

Size = tuple[int, int]  # rows, columns
WindowGeometry = tuple[Size, Size]  # (window, key_window)


@device_constant()
def _table_rows(window: int, key_window: int) -> Tensor:
    """Row of the position table for each (query coordinate, key coordinate): shape (window, key_window)."""
    return torch.arange(key_window)[None, :] - torch.arange(window)[:, None] + key_window - 1


@device_constant()
def bias_rows(geometry: WindowGeometry) -> Tensor:
    """Row of the bias table for each pair of query and key of a window.

    Parameters
    ----------
    geometry : WindowGeometry
        Sides of the windows of queries and keys.

    Returns
    -------
    Tensor, shape (queries, keys), integer
    """
    axes = [torch.arange(k)[None, :] - torch.arange(w)[:, None] + w - 1 for w, k in zip(*geometry, strict=True)]
    columns = geometry[0][1] + geometry[1][1] - 1
    rows = axes[0][:, None, :, None] * columns + axes[1][None, :, None, :]
    return rows.flatten(2).flatten(0, 1)


def _to_windows(x: Tensor, size: Size, step: Size, halo: Size, heads: int) -> Tensor:
    """Cut (N, heads * d, H, W) into patches (N * windows, heads, positions, d), zeros outside the image."""
    n, c, h, w = x.shape
    pixels = x.permute(0, 2, 3, 1)
    if any(halo):
        pixels = F.pad(pixels, (0, 0, halo[1], halo[1], halo[0], halo[0]))
    patches = pixels.unfold(1, size[0], step[0]).unfold(2, size[1], step[1])
    rows, columns = h // step[0], w // step[1]
    patches = patches.reshape(n, rows, columns, heads, c // heads, *size)
    return patches.permute(0, 1, 2, 3, 5, 6, 4).reshape(n * rows * columns, heads, size[0] * size[1], c // heads)


def _position_logits(q: Tensor, rel_height: Tensor, rel_width: Tensor, geometry: WindowGeometry) -> Tensor:
    """Logits q . height[i - a + K - 1] + q . width[j - b + K - 1], shape (windows, heads, queries, keys)."""
    window, key_window = geometry
    grid = q.unflatten(2, window)
    heights, widths = (_table_rows(w, k, device=q.device) for w, k in zip(window, key_window, strict=True))
    along_height = torch.einsum("nhabd,aid->nhabi", grid, rel_height[heights])
    along_width = torch.einsum("nhabd,bjd->nhabj", grid, rel_width[widths])
    logits = along_height.unsqueeze(-1) + along_width.unsqueeze(-2)
    return logits.flatten(4).flatten(2, 3)


def _attend(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    tables: tuple[Tensor, Tensor],
    geometry: WindowGeometry,
    mask: Tensor | None,
) -> Tensor:
    """Attention with logits from two tables, windows first: (M, heads, queries, d)."""
    queries = queries * queries.shape[-1] ** -0.5
    logits = queries @ keys.transpose(-1, -2)
    logits = logits + _position_logits(queries, tables[0].to(queries.dtype), tables[1].to(queries.dtype), geometry)
    if mask is not None:
        logits = (logits.unflatten(0, (-1, len(mask))) + mask.to(logits.dtype).unsqueeze(1)).flatten(0, 1)
    weights = torch.softmax(logits.float() if logits.dtype != torch.float64 else logits, -1).to(values.dtype)
    return weights @ values


def _attend_with_bias(
    queries: Tensor, keys: Tensor, values: Tensor, table: Tensor, geometry: WindowGeometry, mask: Tensor | None
) -> Tensor:
    """Attention with one bias per head and offset; PyTorch's fused attention takes it whole."""
    bias = table[bias_rows(geometry, device=table.device)].permute(2, 0, 1).to(queries.dtype)
    if mask is None:
        return F.scaled_dot_product_attention(queries, keys, values, attn_mask=bias.unsqueeze(0))
    bias = (bias + mask.to(bias.dtype).unsqueeze(1)).repeat(len(queries) // len(mask), 1, 1, 1)
    return F.scaled_dot_product_attention(queries, keys, values, attn_mask=bias)


def window_attention_reference(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    rel_height: Tensor | None,
    rel_width: Tensor | None,
    geometry: WindowGeometry,
    heads: int,
    bias_table: Tensor | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Attend window by window; see :func:`bsn.ops.window_attention.window_attention`.

    Parameters
    ----------
    q, k, v : Tensor, shape (N, heads d, H, W)
        Queries, keys and values.
    rel_height, rel_width : Tensor, optional
        Tables of relative positions.
    geometry : WindowGeometry
        Sides of the windows of queries and keys.
    heads : int
        Number of heads.
    bias_table : Tensor, optional
        Bias of relative positions, in place of the two tables.
    mask : Tensor, optional
        Added to the logits.

    Returns
    -------
    Tensor, shape (N, heads d, H, W)
    """
    window, key_window = geometry
    halo = ((key_window[0] - window[0]) // 2, (key_window[1] - window[1]) // 2)
    n, c, h, w = q.shape
    queries = _to_windows(q, window, window, (0, 0), heads)
    keys = _to_windows(k, key_window, window, halo, heads)
    values = _to_windows(v, key_window, window, halo, heads)
    if rel_height is not None and rel_width is not None:
        out = _attend(queries, keys, values, (rel_height, rel_width), geometry, mask)
    elif bias_table is not None:
        out = _attend_with_bias(queries, keys, values, bias_table, geometry, mask)
    else:
        raise ValueError("window_attention: position tables are missing")
    out = out.reshape(n, h // window[0], w // window[1], heads, *window, c // heads)
    return out.permute(0, 1, 4, 2, 5, 3, 6).reshape(n, h, w, c).permute(0, 3, 1, 2)
