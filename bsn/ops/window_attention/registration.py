"""The window attention's kernels as operators of PyTorch: shapes for tracing, gradients, no import of Triton."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bsn.ops.layout import new_like
from bsn.ops.window_attention.reference import WindowGeometry

__all__ = ["window_attention_triton"]

# The schema of an operator knows lists of integers, not pairs of pairs: (rows, columns) of window and key window.


def _geometry(sides: list[int]) -> WindowGeometry:
    return (sides[0], sides[1]), (sides[2], sides[3])


@torch.library.custom_op("bsn::window_attention", mutates_args=())
def _forward(
    q: Tensor, k: Tensor, v: Tensor, rel_height: Tensor | None, rel_width: Tensor | None, bias_table: Tensor | None,
    sides: list[int], heads: int, dilation: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    from bsn.ops.window_attention import triton as kernels

    with torch.cuda.device_of(q):
        return kernels.forward(q, k, v, (rel_height, rel_width, bias_table), _geometry(sides), heads, dilation)


@_forward.register_fake
def _(
    q: Tensor, k: Tensor, v: Tensor, rel_height: Tensor | None, rel_width: Tensor | None, bias_table: Tensor | None,
    sides: list[int], heads: int, dilation: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    n, _, h, w = q.shape
    windows = (h // (sides[0] * dilation)) * (w // (sides[1] * dilation))
    lse = q.new_empty((n * dilation**2, heads, windows, sides[0] * sides[1]), dtype=torch.float32)
    return new_like(q), lse


@torch.library.custom_op("bsn::window_attention_backward", mutates_args=())
def _backward(
    grad: Tensor, q: Tensor, k: Tensor, v: Tensor, rel_height: Tensor | None, rel_width: Tensor | None,
    bias_table: Tensor | None, out: Tensor, lse: Tensor, sides: list[int], heads: int, dilation: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    from bsn.ops.window_attention import triton as kernels

    tables = (rel_height, rel_width, bias_table)
    with torch.cuda.device_of(grad):
        return kernels.backward(grad, q, k, v, tables, out, lse, _geometry(sides), heads, dilation)


@_backward.register_fake
def _(
    grad: Tensor, q: Tensor, k: Tensor, v: Tensor, rel_height: Tensor | None, rel_width: Tensor | None,
    bias_table: Tensor | None, out: Tensor, lse: Tensor, sides: list[int], heads: int, dilation: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    tables = [t.new_empty(t.shape, dtype=torch.float32) for t in (rel_height, rel_width, bias_table) if t is not None]
    second = tables[1] if len(tables) == 2 else q.new_empty(0, dtype=torch.float32)
    return new_like(q), new_like(k), new_like(v), tables[0], second


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *tensors, ctx.sides, ctx.heads, ctx.dilation = inputs
    ctx.save_for_backward(*tensors, *output)
    ctx.mark_non_differentiable(output[1])


def _gradients(ctx: Any, grad: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
    q, k, v, rel_height, rel_width, bias_table, out, lse = ctx.saved_tensors
    dq, dk, dv, first, second = _backward(
        grad, q, k, v, rel_height, rel_width, bias_table, out, lse, ctx.sides, ctx.heads, ctx.dilation
    )
    if bias_table is not None:
        tables = None, None, first.to(bias_table.dtype)
    else:
        tables = first.to(rel_height.dtype), second.to(rel_width.dtype), None
    return dq, dk, dv, *tables, None, None, None


_forward.register_autograd(_gradients, setup_context=_keep)


def window_attention_triton(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    rel_height: Tensor | None,
    rel_width: Tensor | None,
    geometry: WindowGeometry,
    heads: int,
    bias_table: Tensor | None = None,
    mask: Tensor | None = None,
    dilation: int = 1,
) -> Tensor:
    """Kernel form of :func:`bsn.ops.window_attention.reference.window_attention_reference`, without its mask.

    With `dilation` the sides are those within a phase, and the phases of the image are addressed by stride.

    Parameters
    ----------
    q, k, v, rel_height, rel_width, geometry, heads, bias_table
        See :func:`bsn.ops.window_attention.reference.window_attention_reference`.
    mask : None
        This form takes no mask.
    dilation : int
        Distance of neighbouring pixels of a phase.

    Returns
    -------
    Tensor, shape (N, heads d, H, W)
    """
    sides = [side for pair in geometry for side in pair]
    return _forward(q, k, v, rel_height, rel_width, bias_table, sides, heads, dilation)[0]
