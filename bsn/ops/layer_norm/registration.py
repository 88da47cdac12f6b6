"""The layer norm's kernels as operators of PyTorch: shapes for tracing, gradients, nothing that needs Triton to import."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bsn.ops.layout import new_like

__all__ = ["add_layer_norm_triton", "layer_norm_triton"]


@torch.library.custom_op("bsn::layer_norm", mutates_args=())
def _forward(
    x: Tensor, branch: Tensor | None, weight: Tensor, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor]:
    from bsn.ops.layer_norm import triton as kernels

    with torch.cuda.device_of(x):
        return kernels.forward(x, branch, weight, bias, eps)


@_forward.register_fake
def _(x: Tensor, branch: Tensor | None, weight: Tensor, bias: Tensor | None, eps: float) -> tuple[Tensor, Tensor]:
    dtype = x.dtype if branch is None else torch.promote_types(x.dtype, branch.dtype)
    return (x.new_empty(0, dtype=dtype) if branch is None else new_like(x, dtype)), new_like(x, dtype)


@torch.library.custom_op("bsn::layer_norm_backward", mutates_args=())
def _backward(
    grad: Tensor, grad_total: Tensor | None, x: Tensor, weight: Tensor, has_bias: bool, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    from bsn.ops.layer_norm import triton as kernels

    with torch.cuda.device_of(grad):
        return kernels.backward(grad, grad_total, x, weight, has_bias, eps)


@_backward.register_fake
def _(
    grad: Tensor, grad_total: Tensor | None, x: Tensor, weight: Tensor, has_bias: bool, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    channels = x.new_empty(x.shape[1], dtype=torch.float32)
    return new_like(x), channels, torch.empty_like(channels)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, branch, weight, bias, ctx.eps = inputs
    ctx.branched, ctx.has_bias = branch is not None, bias is not None
    ctx.dtypes = [None if t is None else t.dtype for t in (x, branch, weight, bias)]
    ctx.save_for_backward(output[0] if ctx.branched else x, weight)


def _gradients(ctx: Any, grad_total: Tensor | None, grad: Tensor | None) -> tuple[Tensor | None, ...]:
    x, weight = ctx.saved_tensors
    if grad is None:
        grad = torch.zeros_like(x)
    dx, dweight, dbias = _backward(grad, grad_total if ctx.branched else None, x, weight, ctx.has_bias, ctx.eps)
    of_x, of_branch, of_weight, of_bias = ctx.dtypes
    return (
        dx.to(of_x),
        dx.to(of_branch) if ctx.branched else None,
        dweight.to(of_weight),
        dbias.to(of_bias) if ctx.has_bias else None,
        None,
    )


_forward.register_autograd(_gradients, setup_context=_keep)


def layer_norm_triton(x: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> Tensor:
    """Kernel form of :func:`bsn.ops.layer_norm.reference.layer_norm_reference`.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        The input of the residual block, and what the block adds to it.
    weight : Tensor, shape (C,)
        Factor of each channel.
    bias : Tensor, shape (C,), optional
        Offset of each channel; None selects the bias-free form.
    eps : float
        Positive number that is added to the variance.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    return _forward(x, None, weight, bias, eps)[1]


def add_layer_norm_triton(
    x: Tensor, branch: Tensor, weight: Tensor, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor]:
    """Kernel form of :func:`bsn.ops.layer_norm.reference.add_layer_norm_reference`.

    Parameters
    ----------
    x, branch : Tensor, shape (N, C, H, W)
        The input of the residual block, and what the block adds to it.
    weight : Tensor, shape (C,)
        Factor of each channel.
    bias : Tensor, shape (C,), optional
        Offset of each channel; None selects the bias-free form.
    eps : float
        Positive number that is added to the variance.

    Returns
    -------
    total, norm : Tensor, shape (N, C, H, W)
    """
    return _forward(x, branch, weight, bias, eps)
