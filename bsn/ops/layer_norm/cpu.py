"""The bias-free norm on a CPU: PyTorch's fused layer norm and a hand-written gradient.

The reference, written with elementwise operators, passes over the image about six times forward and twenty backward. PyTorch's
own layer norm does mean, variance and scaling in one pass, and a rank-one update puts the mean back::

    x r w = (x - m) r w + (m r) w^T          r = 1 / sqrt(variance + eps)

The backward works through blocks of pixels that stay in the cache, so its passes do not reach the memory.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bsn.ops.layout import is_pixel_major

__all__ = ["layer_norm_cpu", "refuse_layer_norm_cpu"]

BLOCK_ELEMENTS = 1 << 16  # 256 KiB of float32: three such blocks stay in a core's second-level cache


def refuse_layer_norm_cpu(x: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> str | None:
    """Say why a call is not for this form, which pays for the bias-free norm on a CPU.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        The input of the residual block, and what the block adds to it.
    weight : Tensor, shape (C,)
        Factor of each channel.
    bias : Tensor, shape (C,), optional
        Offset of each channel; this form takes None alone.
    eps : float
        Positive number that is added to the variance.

    Returns
    -------
    str or None
        The reason; None if the form takes the call.
    """
    if x.device.type != "cpu":
        return f"the tensors are on {x.device.type}"
    if bias is not None:
        return "with a bias the reference already is PyTorch's own layer norm"
    if x.dtype == torch.float64 and weight.dtype != x.dtype:
        return f"{x.dtype} with a weight in {weight.dtype}"
    if torch.compiler.is_compiling():
        return "a compiler fuses the reference by itself"
    if not is_pixel_major(x) or x.numel() == 0:
        return "the image is not channels-last"
    return None


def _normalise(pixels: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Norm of the rows of (P, C), their means and inverse standard deviations (P, 1)."""
    y, mean, rstd = torch.native_layer_norm(pixels, (pixels.shape[1],), weight, None, eps)
    return y.addr_((mean * rstd).flatten(), weight), mean, rstd


def _rows_in_cache(channels: int) -> int:
    return max(BLOCK_ELEMENTS // channels, 1) * torch.get_num_threads()


class _BiasFree(torch.autograd.Function):
    """Statistics, products and sums in float32 at least; bfloat16 and float16 are widened block by block, in the cache."""

    @staticmethod
    @torch.autocast("cpu", enabled=False)
    def forward(ctx: Any, pixels: Tensor, weight: Tensor, eps: float) -> Tensor:
        """Normalise the rows of (P, C)."""
        wide = torch.promote_types(pixels.dtype, torch.float32)
        scale = weight.to(wide)
        if pixels.dtype == wide:
            y, mean, rstd = _normalise(pixels, scale, eps)
        else:
            y = torch.empty_like(pixels)
            mean, rstd = (torch.empty(len(pixels), 1, dtype=wide) for _ in range(2))
            rows = _rows_in_cache(pixels.shape[1])
            for block, *outs in zip(*(t.split(rows) for t in (pixels, y, mean, rstd)), strict=True):
                for out, values in zip(outs, _normalise(block.to(wide), scale, eps), strict=True):
                    out.copy_(values)
        ctx.save_for_backward(pixels, weight, mean, rstd)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        """Gradients: r g w - (r^3 / C) (sum g w x) (x - m), and sum over pixels of g x r."""
        pixels, weight, mean, rstd = ctx.saved_tensors
        wide = mean.dtype
        scale = weight.to(wide)
        out, along_weight = torch.empty_like(pixels), torch.zeros_like(scale)
        rows = _rows_in_cache(pixels.shape[1])
        with torch.autocast("cpu", enabled=False):
            for x, g, m, r, dx in zip(*(t.split(rows) for t in (pixels, grad, mean, rstd, out)), strict=True):
                x, g = x.to(wide), g.to(wide)
                product = g * x
                along_weight.addmv_(product.T, r.flatten())
                along = (product @ scale)[:, None] * r.pow(3) / -len(scale)
                inner = dx if dx.dtype == wide else torch.empty_like(x)
                torch.mul(g, scale, out=inner)
                inner.mul_(r).addcmul_(torch.sub(x, m, out=product), along)
                if inner is not dx:
                    dx.copy_(inner)
        return out, along_weight.to(weight.dtype), None


def layer_norm_cpu(x: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> Tensor:
    """Form of :func:`bsn.ops.layer_norm.reference.layer_norm_reference` for channels-last images without bias.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        The input of the residual block, and what the block adds to it.
    weight : Tensor, shape (C,)
        Factor of each channel.
    bias : None
        This form has no offsets.
    eps : float
        Positive number that is added to the variance.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    n, c, h, w = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(-1, c)
    return _BiasFree.apply(pixels, weight, eps).view(n, h, w, c).permute(0, 3, 1, 2)
