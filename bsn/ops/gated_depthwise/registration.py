"""The gated depth-wise convolution's kernels as operators of PyTorch; nothing here needs Triton to import."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bsn.ops.layout import new_like

__all__ = ["gated_depthwise_conv_triton"]


@torch.library.custom_op("bsn::gated_depthwise_conv", mutates_args=())
def _forward(x: Tensor, weight: Tensor, bias: Tensor | None, slope: Tensor | None) -> Tensor:
    from bsn.ops.gated_depthwise import triton as kernels

    with torch.cuda.device_of(x):
        return kernels.forward(x, weight, bias, slope)


@_forward.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor | None, slope: Tensor | None) -> Tensor:
    return new_like(x, channels=x.shape[1] // 2)


@torch.library.custom_op("bsn::gated_depthwise_conv_backward", mutates_args=())
def _backward(
    grad: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, slope: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    from bsn.ops.gated_depthwise import triton as kernels

    with torch.cuda.device_of(grad):
        return kernels.backward(grad, x, weight, bias, slope)


@_backward.register_fake
def _(
    grad: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, slope: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    double = x.shape[1]
    dweight, dbias, dslope = (x.new_empty(n, dtype=torch.float32) for n in (9 * double, double, 1))
    return new_like(x), dweight.reshape(double, 1, 3, 3), dbias, dslope


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, weight, bias, slope = inputs
    ctx.dtypes = [None if t is None else t.dtype for t in (weight, bias, slope)]
    ctx.save_for_backward(x, weight, bias, slope)


def _gradients(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    dx, *parameters = _backward(grad, *ctx.saved_tensors)
    return dx, *(None if t is None else d.to(t) for d, t in zip(parameters, ctx.dtypes, strict=True))


_forward.register_autograd(_gradients, setup_context=_keep)


def gated_depthwise_conv_triton(x: Tensor, weight: Tensor, bias: Tensor | None, slope: Tensor | None) -> Tensor:
    """Kernel form of :func:`bsn.ops.gated_depthwise.reference.gated_depthwise_conv_reference`.

    Parameters
    ----------
    x : Tensor, shape (N, 2 C, H, W)
        Features; the first half of the channels becomes the gate.
    weight : Tensor, shape (2 C, 1, 3, 3)
        One 3x3 kernel per channel.
    bias : Tensor, shape (2 C,), optional
        Offsets of the convolution.
    slope : Tensor, optional
        Slope of the PReLU; None selects the GELU.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    return _forward(x, weight, bias, slope)
