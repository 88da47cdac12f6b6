"""Plain windows with a bias table on a CPU, without gradients: batched products on the tensors as they lie.

PyTorch's fused attention needs the heads apart, three copies in and one out, and reaches a quarter of the rate of batched
products for windows as small as 7 x 7. Here each head is a slice of the channels, read in place. The weights of a
window are written out, so this form is for inference; training keeps the fused one, which stores none.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bsn.ops.window_attention.reference import Size, WindowGeometry, bias_rows

__all__ = ["refuse_window_attention_cpu", "window_attention_cpu"]


def refuse_window_attention_cpu(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    rel_height: Tensor | None,
    rel_width: Tensor | None,
    geometry: WindowGeometry,
    heads: int,
    bias_table: Tensor | None = None,
    mask: Tensor | None = None,
) -> str | None:
    """Say why a call is not for this form.

    Parameters
    ----------
    q, k, v, rel_height, rel_width, geometry, heads, bias_table, mask
        See :func:`bsn.ops.window_attention.reference.window_attention_reference`.

    Returns
    -------
    str or None
        The reason; None if the form takes the call.
    """
    if q.device.type != "cpu":
        return f"the tensors are on {q.device.type}"
    if bias_table is None or mask is not None or geometry[0] != geometry[1]:
        return "it takes windows of one size, with a bias table and without a mask"
    if q.dtype not in (torch.float32, torch.float64) or not q.dtype == k.dtype == v.dtype:
        return f"it takes float32 and float64, not {q.dtype}"
    if torch.is_grad_enabled() and any(t.requires_grad for t in (q, k, v, bias_table)):
        return "it has no gradient"
    if torch.compiler.is_compiling():
        return "a compiler takes the reference"
    return None


def _tokens(x: Tensor, window: Size) -> Tensor:
    """Cut (N, C, H, W) into (windows, positions, C): a view if the images are windows already."""
    n, c, h, w = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(n, h // window[0], window[0], w // window[1], window[1], c)
    return pixels.permute(0, 1, 3, 2, 4, 5).reshape(-1, window[0] * window[1], c)


def window_attention_cpu(
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
    """Attend window by window, without gradient and mask; see :func:`bsn.ops.window_attention.window_attention`.

    Parameters
    ----------
    q, k, v, rel_height, rel_width, geometry, heads, bias_table
        See :func:`bsn.ops.window_attention.reference.window_attention_reference`.
    mask : None
        This form takes no mask.

    Returns
    -------
    Tensor, shape (N, heads d, H, W)
    """
    assert bias_table is not None  # refused before
    window, (n, c, h, w) = geometry[0], q.shape
    queries, keys, values = (_tokens(x, window) for x in (q, k, v))
    bias = bias_table[bias_rows(geometry, device=bias_table.device)].permute(2, 0, 1).to(q.dtype)
    out = torch.empty_like(queries, memory_format=torch.contiguous_format)
    depth = c // heads
    for head in range(heads):
        own = slice(head * depth, (head + 1) * depth)
        logits = torch.bmm(queries[..., own], keys[..., own].transpose(1, 2))
        weights = torch.softmax(logits.mul_(depth**-0.5).add_(bias[head]), -1)
        out[..., own] = torch.bmm(weights, values[..., own])
    pixels = out.reshape(n, h // window[0], w // window[1], *window, c).permute(0, 1, 3, 2, 4, 5)
    return pixels.reshape(n, h, w, c).permute(0, 3, 1, 2)
