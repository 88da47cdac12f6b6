"""Layer norm over channels as Triton kernels: one read and one write of the image, forward and backward.

A program holds all channels of a block of pixels, so mean, variance and (backward) the two sums over channels never leave
the registers. Nothing is kept for the backward but the input itself: its statistics are computed again from the block that
has to be read anyhow. Weight and bias gradients are summed by each program over its share of the pixels, written as one
row per program, and the rows are summed by PyTorch: the same order every time, no atomics.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from bsn.ops.layout import flat_pixels, is_pixel_major, new_like, next_power_of_two

__all__ = ["backward", "forward"]

BLOCK_ELEMENTS = 2048  # 16 values a thread; with twice as many the backward spills registers
BACKWARD_PROGRAMS = 1024  # rows of partial weight gradients


@triton.jit
def _statistics(b_x, m_c, channels, eps):
    """Mean and 1 / sqrt(variance + eps) of each pixel."""  # [BP, BC] -> [BP], [BP]
    b_mean = tl.sum(b_x, 1) / channels
    b_centred = tl.where(m_c[None, :], b_x - b_mean[:, None], 0.0)
    b_var = tl.sum(b_centred * b_centred, 1) / channels + eps
    return b_mean, 1.0 / tl.sqrt(b_var)


@triton.jit
def layer_norm_fwd_kernel(
    x, branch, total, y, weight, bias, pixels, channels, eps,
    x_n, x_c, x_p, b_n, b_c, b_p, y_n, y_c, y_p,
    ADD: tl.constexpr, BIAS: tl.constexpr, BP: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Normalise BP pixels of one image; with ADD of the sum of two images, which is written too."""
    i_n = tl.program_id(1).to(tl.int64)
    o_p = tl.program_id(0) * BP + tl.arange(0, BP)
    o_c = tl.arange(0, BC)
    m_c = o_c < channels
    m = (o_p < pixels)[:, None] & m_c[None, :]
    o_y = i_n * y_n + o_p[:, None] * y_p + o_c[None, :] * y_c
    b_x = tl.load(x + i_n * x_n + o_p[:, None] * x_p + o_c[None, :] * x_c, m, 0.0).to(tl.float32)
    if ADD:
        b_x += tl.load(branch + i_n * b_n + o_p[:, None] * b_p + o_c[None, :] * b_c, m, 0.0).to(tl.float32)
        # The norm is that of the sum as it is stored, which is what the next layer reads.
        b_x = b_x.to(total.dtype.element_ty)
        tl.store(total + o_y, b_x, m)
        b_x = b_x.to(tl.float32)
    b_mean, b_rstd = _statistics(b_x, m_c, channels, eps)
    b_w = tl.load(weight + o_c, m_c, 0.0).to(tl.float32)
    if BIAS:
        b_bias = tl.load(bias + o_c, m_c, 0.0).to(tl.float32)
        b_y = (b_x - b_mean[:, None]) * b_rstd[:, None] * b_w[None, :] + b_bias[None, :]
    else:
        b_y = b_x * b_rstd[:, None] * b_w[None, :]
    tl.store(y + o_y, b_y.to(y.dtype.element_ty), m)


@triton.jit
def layer_norm_bwd_kernel(
    x, grad, grad_total, dx, weight, partial, pixels, channels, eps, blocks, images,
    x_n, x_c, x_p, g_n, g_c, g_p, t_n, t_c, t_p, dx_n, dx_c, dx_p,
    ADD: tl.constexpr, BIAS: tl.constexpr, BP: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Gradients of x (plus that of the sum with ADD), and this program's share of those of weight and bias."""
    o_c = tl.arange(0, BC)
    m_c = o_c < channels
    b_w = tl.load(weight + o_c, m_c, 0.0).to(tl.float32)
    b_dw = tl.zeros([BC], tl.float32)
    b_db = tl.zeros([BC], tl.float32)
    for block in range(tl.program_id(0), blocks * images, tl.num_programs(0)):
        i_n = (block // blocks).to(tl.int64)
        o_p = (block % blocks) * BP + tl.arange(0, BP)
        m = (o_p < pixels)[:, None] & m_c[None, :]
        b_x = tl.load(x + i_n * x_n + o_p[:, None] * x_p + o_c[None, :] * x_c, m, 0.0).to(tl.float32)
        b_g = tl.load(grad + i_n * g_n + o_p[:, None] * g_p + o_c[None, :] * g_c, m, 0.0).to(tl.float32)
        b_mean, b_rstd = _statistics(b_x, m_c, channels, eps)
        # Without variance and eps they would put NaN into the sums over pixels.
        b_rstd = tl.where(o_p < pixels, b_rstd, 0.0)
        b_centred = tl.where(m, b_x - b_mean[:, None], 0.0)
        b_gw = b_g * b_w[None, :]
        if BIAS:
            b_hat = b_centred * b_rstd[:, None]
            b_along = tl.sum(b_gw * b_hat, 1) / channels
            b_level = tl.sum(b_gw, 1) / channels
            b_dx = (b_gw - b_level[:, None] - b_hat * b_along[:, None]) * b_rstd[:, None]
            b_dw += tl.sum(b_g * b_hat, 0)
            b_db += tl.sum(b_g, 0)
        else:
            b_along = tl.sum(b_gw * b_x, 1) / channels * b_rstd * b_rstd
            b_dx = (b_gw - b_centred * b_along[:, None]) * b_rstd[:, None]
            b_dw += tl.sum(b_g * b_x * b_rstd[:, None], 0)
        if ADD:
            b_dx += tl.load(grad_total + i_n * t_n + o_p[:, None] * t_p + o_c[None, :] * t_c, m, 0.0).to(tl.float32)
        o_dx = i_n * dx_n + o_p[:, None] * dx_p + o_c[None, :] * dx_c
        tl.store(dx + o_dx, b_dx.to(dx.dtype.element_ty), m)
    row = partial + tl.program_id(0) * 2 * channels
    tl.store(row + o_c, b_dw, m_c)
    if BIAS:
        tl.store(row + channels + o_c, b_db, m_c)


def _strides(x: Tensor) -> tuple[int, int, int]:
    return x.stride(0), x.stride(1), x.stride(3)


def _blocks(x: Tensor) -> tuple[int, int]:
    """Pixels and channels of a block; planes (N C H W) want long runs of pixels for coalesced reads."""
    channels = next_power_of_two(x.shape[1])
    shortest = 1 if is_pixel_major(x) else 16
    return max(shortest, min(BLOCK_ELEMENTS // channels, 256)), channels


def forward(x: Tensor, branch: Tensor | None, weight: Tensor, bias: Tensor | None, eps: float) -> tuple[Tensor, Tensor]:
    """Run the forward kernel.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    branch : Tensor, shape (N, C, H, W), optional
    weight : Tensor, shape (C,)
    bias : Tensor, shape (C,), optional
    eps : float

    Returns
    -------
    total, norm : Tensor, shape (N, C, H, W)
        The sum is empty without a branch.
    """
    x = flat_pixels(x)
    branch = None if branch is None else flat_pixels(branch)
    dtype = x.dtype if branch is None else torch.promote_types(x.dtype, branch.dtype)
    y = new_like(x, dtype)
    total = new_like(x, dtype) if branch is not None else x.new_empty(0, dtype=dtype)
    if x.numel() == 0:
        return total, y
    pixels = x.shape[2] * x.shape[3]
    bp, bc = _blocks(x)
    other = x if branch is None else branch
    layer_norm_fwd_kernel[(triton.cdiv(pixels, bp), x.shape[0])](
        x, other, total, y, weight, bias if bias is not None else weight, pixels, x.shape[1], eps,
        *_strides(x), *_strides(other), *_strides(y),
        ADD=branch is not None, BIAS=bias is not None, BP=bp, BC=bc, num_warps=4,
    )  # fmt: skip
    return total, y


def backward(
    grad: Tensor, grad_total: Tensor | None, x: Tensor, weight: Tensor, has_bias: bool, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Run the backward kernel.

    Parameters
    ----------
    grad : Tensor, shape (N, C, H, W)
    grad_total : Tensor, shape (N, C, H, W), optional
        Gradient of the sum, which is added.
    x : Tensor, shape (N, C, H, W)
        The normalised image, or the sum.
    weight : Tensor, shape (C,)
    has_bias : bool
    eps : float

    Returns
    -------
    tuple of 3 Tensor
        Gradients of the image, of weight and of bias, the last two in float32, shape (C,).
    """
    x, grad = flat_pixels(x), flat_pixels(grad)
    grad_total = None if grad_total is None else flat_pixels(grad_total)
    dx = new_like(x)
    channels = x.shape[1]
    if x.numel() == 0:
        return dx, x.new_zeros(channels, dtype=torch.float32), x.new_zeros(channels, dtype=torch.float32)
    pixels = x.shape[2] * x.shape[3]
    bp, bc = _blocks(x)
    blocks = triton.cdiv(pixels, bp)
    programs = min(blocks * x.shape[0], BACKWARD_PROGRAMS)
    partial = torch.zeros(programs, 2, channels, dtype=torch.float32, device=x.device)
    other = x if grad_total is None else grad_total
    layer_norm_bwd_kernel[(programs,)](
        x, grad, other, dx, weight, partial, pixels, channels, eps, blocks, x.shape[0],
        *_strides(x), *_strides(grad), *_strides(other), *_strides(dx),
        ADD=grad_total is not None, BIAS=has_bias, BP=bp, BC=bc, num_warps=4,
    )  # fmt: skip
    weight_gradient, bias_gradient = partial.sum(0)
    return dx, weight_gradient.clone(), bias_gradient.clone()
