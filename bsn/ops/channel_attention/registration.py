"""The channel attention's kernels as operators of PyTorch: shapes for tracing, gradients, no import of Triton."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bsn.ops.channel_attention.reference import NORM_FLOOR
from bsn.ops.layout import new_like

__all__ = ["apply_channel_weights_triton", "channel_attention_weights_triton"]


@torch.library.custom_op("bsn::channel_gram", mutates_args=())
def _gram(x: Tensor, y: Tensor, heads: int, pooled: int) -> Tensor:
    from bsn.ops.channel_attention import triton as kernels

    with torch.cuda.device_of(x):
        return kernels.gram(x, y, heads, pooled)


@_gram.register_fake
def _(x: Tensor, y: Tensor, heads: int, pooled: int) -> Tensor:
    group = x.shape[1] // heads
    return x.new_empty((x.shape[0] // pooled, heads, group, group + 2), dtype=torch.float32)


@torch.library.custom_op("bsn::channel_mix", mutates_args=())
def _mix(
    matrices: Tensor, x: Tensor, factors: Tensor | None, y: Tensor | None, pooled: int, transposed: bool
) -> Tensor:
    from bsn.ops.channel_attention import triton as kernels

    with torch.cuda.device_of(matrices):
        return kernels.mix(matrices, x, factors, y, pooled, transposed)


@_mix.register_fake
def _(matrices: Tensor, x: Tensor, factors: Tensor | None, y: Tensor | None, pooled: int, transposed: bool) -> Tensor:
    return new_like(x)


@torch.library.custom_op("bsn::channel_softmax", mutates_args=())
def _softmax(stats: Tensor, temperature: Tensor, kept: list[int], factors: Tensor | None) -> tuple[Tensor, Tensor]:
    from bsn.ops.channel_attention import triton as kernels

    with torch.cuda.device_of(stats):
        return kernels.softmax(stats, temperature, kept, factors)


@_softmax.register_fake
def _(stats: Tensor, temperature: Tensor, kept: list[int], factors: Tensor | None) -> tuple[Tensor, Tensor]:
    shape = (*stats.shape[:3], stats.shape[2])
    return stats.new_empty(shape), stats.new_empty((0 if factors is None else len(kept), *shape))


def _keep_gram(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, y, _, ctx.pooled = inputs
    ctx.save_for_backward(x, y)


def _gram_gradients(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    x, y = ctx.saved_tensors
    products, of_x, of_y = grad[..., :-2].contiguous(), grad[..., -2], grad[..., -1]
    dx = _mix(products, y, of_x.contiguous(), x, ctx.pooled, False)
    return dx, _mix(products, x, of_y.contiguous(), y, ctx.pooled, True), None, None


def _keep_mix(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    matrices, x, factors, _, ctx.pooled, ctx.transposed = inputs
    assert factors is None, "the two-image form is a gradient itself"
    ctx.save_for_backward(matrices, x)


def _mix_gradients(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    matrices, x = ctx.saved_tensors
    pair = (x, grad) if ctx.transposed else (grad, x)
    of_matrices = _gram(*pair, matrices.shape[1], ctx.pooled)[..., :-2].to(matrices.dtype)
    return of_matrices, _mix(matrices, grad, None, None, ctx.pooled, not ctx.transposed), None, None, None, None


def _keep_softmax(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    stats, temperature, _, factors = inputs
    weights, branches = output
    ctx.save_for_backward(stats, temperature, factors, weights, branches)
    ctx.mark_non_differentiable(branches)


def _softmax_gradients(ctx: Any, grad: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
    """Matrices of a few thousand numbers: plain PyTorch, from the weights of each branch."""
    stats, temperature, factors, weights, branches = ctx.saved_tensors
    if factors is None:
        of_factors, branches, parts = None, weights[None], (weights * grad)[None]
    else:
        of_factors = (branches * grad).flatten(1).sum(1).to(factors.dtype)
        parts = branches * grad * factors.float().view(-1, 1, 1, 1, 1)
    total = (parts - branches * parts.sum(-1, keepdim=True)).sum(0)
    products, squares = stats[..., :-2], stats[..., -2:]
    scales = squares.sqrt().clamp_min(NORM_FLOOR).reciprocal()
    cosine = products * scales[..., :1] * scales[..., 1:].mT
    of_temperature = (total * cosine).sum((0, 2, 3)).view_as(temperature).to(temperature.dtype)
    of_cosine = total * temperature.float().view(-1, 1, 1)
    # The norms enter as 1 / |q|: a factor -1 / (2 |q|^2), none where the floor holds.
    share = torch.stack([(of_cosine * cosine).sum(-1), (of_cosine * cosine).sum(-2)], -1)
    of_squares = torch.where(squares > NORM_FLOOR**2, -0.5 * share * scales.square(), 0.0)
    of_products = of_cosine * scales[..., :1] * scales[..., 1:].mT
    return torch.cat([of_products, of_squares], -1), of_temperature, None, of_factors


_gram.register_autograd(_gram_gradients, setup_context=_keep_gram)
_mix.register_autograd(_mix_gradients, setup_context=_keep_mix)
_softmax.register_autograd(_softmax_gradients, setup_context=_keep_softmax)


def channel_attention_weights_triton(
    q: Tensor,
    k: Tensor,
    temperature: Tensor,
    heads: int,
    phases: int,
    kept: tuple[int, ...] | None = None,
    mix: Tensor | None = None,
) -> Tensor:
    """Kernel form of :func:`bsn.ops.channel_attention.reference.channel_attention_weights`.

    Parameters
    ----------
    q, k : Tensor, shape (N, C, H, W)
        Queries and keys.
    temperature : Tensor, shape (heads, 1, 1)
        Factor of the logits of each head.
    heads, phases : int
        Number of heads, which divides C, and of consecutive entries of the batch that share a matrix.
    kept : tuple of int, optional
        Number of entries that each branch keeps of a row; None keeps all of them in one branch.
    mix : Tensor, optional
        Factors of the branches.

    Returns
    -------
    Tensor, shape (N / phases, heads, C / heads, C / heads)
    """
    stats = _gram(q, k, heads, phases)
    if kept is not None and mix is None:
        mix = q.new_ones(1)
    return _softmax(stats, temperature.contiguous(), list(kept or (stats.shape[2],)), mix)[0]


def apply_channel_weights_triton(weights: Tensor, v: Tensor, phases: int) -> Tensor:
    """Kernel form of :func:`bsn.ops.channel_attention.reference.apply_channel_weights`.

    Parameters
    ----------
    weights : Tensor, shape (N / phases, heads, C / heads, C / heads)
        Attention matrices.
    v : Tensor, shape (N, C, H, W)
        Queries, keys and values.
    phases : int
        Number of heads, which divides C, and of consecutive entries of the batch that share a matrix.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    return _mix(weights, v, None, None, phases, False)
