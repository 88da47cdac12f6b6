"""Gated depth-wise 3x3 convolution as Triton kernels: both halves of a tile are convolved in registers, nothing is kept.

Forward
    A program takes a tile of pixels and a block of channels of both halves: nine loads each (a tile's neighbours meet in the
    cache), activation, product, one write.
Backward
    The first kernel computes both convolutions again and writes the gradient of their result, of which it also takes the
    gradients of weights, biases and slope while the same pixels are in the cache. The second convolves that gradient
    with the kernels turned by 180 degrees: the gradient of the input. (In one kernel, every tile would need the first
    one's work at its border, too.) Each program of the first kernel sums over its share of the tiles and writes one row
    per channel; PyTorch sums the rows: the same order every time, no atomics.

Names: u, v the convolved halves; blocks [BP pixels, BC channels] with the pixels of a tile of BH x BW in reading order.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from bsn.ops.layout import is_pixel_major, new_like, next_power_of_two

__all__ = ["backward", "forward"]

BACKWARD_PROGRAMS = 1024  # of all blocks of channels together
COLUMNS = 16  # of a row of partial gradients: 9 of the weight, bias, slope, padding


@triton.jit
def _tile(tile, across, BH: tl.constexpr, BW: tl.constexpr):
    """Rows and columns [BP] of a tile's pixels."""
    o_p = tl.arange(0, BH * BW)
    return (tile // across) * BH + o_p // BW, (tile % across) * BW + o_p % BW


@triton.jit
def _tap(x, t: tl.constexpr, o_y, o_x, o_c, m_c, height, width, x_c, x_h, x_w):
    """Pixels [BP, BC] that tap `t` of the 3x3 meets: zero outside the image."""
    i_y, i_x = o_y + (t // 3 - 1), o_x + (t % 3 - 1)
    m = ((i_y >= 0) & (i_y < height) & (i_x >= 0) & (i_x < width))[:, None] & m_c[None, :]
    return tl.load(x + (i_y * x_h + i_x * x_w)[:, None] + o_c[None, :] * x_c, m, 0.0).to(tl.float32)


@triton.jit
def _convolve(
    x, weight, bias, o_y, o_x, o_c, m_c, height, width, x_c, x_h, x_w,
    BIAS: tl.constexpr, TURNED: tl.constexpr, BP: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Depth-wise 3x3 [BP, BC] of the channels `o_c`; with TURNED by the kernels turned by 180 degrees."""
    b_y = tl.zeros([BP, BC], tl.float32)
    for t in tl.static_range(9):
        b_w = tl.load(weight + o_c * 9 + (8 - t if TURNED else t), m_c, 0.0).to(tl.float32)
        b_y += _tap(x, t, o_y, o_x, o_c, m_c, height, width, x_c, x_h, x_w) * b_w[None, :]
    if BIAS:
        b_y += tl.load(bias + o_c, m_c, 0.0).to(tl.float32)[None, :]
    return b_y


@triton.jit
def _activate(b_u, slope, PRELU: tl.constexpr):
    """Activation and its derivative."""
    if PRELU:
        b_slope = tl.where(b_u > 0, 1.0, tl.load(slope).to(tl.float32))
        b_a = b_u * b_slope
    else:
        b_phi = 0.5 + 0.5 * tl.erf(b_u * 0.7071067811865476)
        b_a = b_u * b_phi
        b_slope = b_phi + b_u * tl.exp(-0.5 * b_u * b_u) * 0.3989422804014327
    return b_a, b_slope


@triton.jit
def gated_depthwise_fwd_kernel(
    x, weight, bias, slope, y, height, width, channels, across, blocks_c,
    x_n, x_c, x_h, x_w, y_n, y_c, y_h, y_w,
    PRELU: tl.constexpr, BIAS: tl.constexpr, BH: tl.constexpr, BW: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Product of the halves for one tile of one image and one block of channels."""
    i_n = tl.program_id(1).to(tl.int64)
    o_y, o_x = _tile(tl.program_id(0) // blocks_c, across, BH, BW)
    o_c = (tl.program_id(0) % blocks_c) * BC + tl.arange(0, BC)
    m_c = o_c < channels
    x += i_n * x_n
    b_u = _convolve(x, weight, bias, o_y, o_x, o_c, m_c, height, width, x_c, x_h, x_w, BIAS, False, BH * BW, BC)
    b_v = _convolve(
        x, weight, bias, o_y, o_x, o_c + channels, m_c, height, width, x_c, x_h, x_w, BIAS, False, BH * BW, BC
    )
    b_a, _ = _activate(b_u, slope, PRELU)
    m = ((o_y < height) & (o_x < width))[:, None] & m_c[None, :]
    p_y = y + i_n * y_n + (o_y * y_h + o_x * y_w)[:, None] + o_c[None, :] * y_c
    tl.store(p_y, (b_a * b_v).to(y.dtype.element_ty), m)


@triton.jit
def _correlate(b_sums, b_d, x, o_y, o_x, o_c, m_c, height, width, x_c, x_h, x_w, BC: tl.constexpr, COLS: tl.constexpr):
    """Add the gradients of weight and bias, sums over the tile of `b_d` and the pixels each tap meets."""  # [BC, COLS]
    o_k = tl.arange(0, COLS)[None, :]
    for t in tl.static_range(9):
        b_x = _tap(x, t, o_y, o_x, o_c, m_c, height, width, x_c, x_h, x_w)
        b_sums += tl.where(o_k == t, tl.sum(b_d * b_x, 0)[:, None], 0.0)
    return b_sums + tl.where(o_k == 9, tl.sum(b_d, 0)[:, None], 0.0)


@triton.jit
def gated_depthwise_bwd_gate_kernel(
    x, grad, weight, bias, slope, d, partial, height, width, channels, across, tiles, images,
    x_n, x_c, x_h, x_w, g_n, g_c, g_h, g_w, d_n, d_c, d_h, d_w,
    PRELU: tl.constexpr, BIAS: tl.constexpr, BH: tl.constexpr, BW: tl.constexpr, BC: tl.constexpr, COLS: tl.constexpr,
):  # fmt: skip
    """Gradient of the convolved image, and this program's share of those of weight, bias and slope."""
    o_c = tl.program_id(1) * BC + tl.arange(0, BC)
    o_k = tl.arange(0, COLS)[None, :]
    m_c = o_c < channels
    b_first = tl.zeros([BC, COLS], tl.float32)
    b_second = tl.zeros([BC, COLS], tl.float32)
    for tile in range(tl.program_id(0), tiles * images, tl.num_programs(0)):
        i_n = (tile // tiles).to(tl.int64)
        o_y, o_x = _tile(tile % tiles, across, BH, BW)
        p_x = x + i_n * x_n
        b_u = _convolve(p_x, weight, bias, o_y, o_x, o_c, m_c, height, width, x_c, x_h, x_w, BIAS, False, BH * BW, BC)
        b_v = _convolve(
            p_x, weight, bias, o_y, o_x, o_c + channels, m_c, height, width, x_c, x_h, x_w, BIAS, False, BH * BW, BC
        )
        m = ((o_y < height) & (o_x < width))[:, None] & m_c[None, :]
        p_g = grad + i_n * g_n + (o_y * g_h + o_x * g_w)[:, None] + o_c[None, :] * g_c
        b_g = tl.load(p_g, m, 0.0).to(tl.float32)
        b_a, b_slope = _activate(b_u, slope, PRELU)
        b_du, b_dv = b_g * b_v * b_slope, b_g * b_a
        p_d = d + i_n * d_n + (o_y * d_h + o_x * d_w)[:, None] + o_c[None, :] * d_c
        tl.store(p_d, b_du.to(d.dtype.element_ty), m)
        tl.store(p_d + channels * d_c, b_dv.to(d.dtype.element_ty), m)
        b_first = _correlate(b_first, b_du, p_x, o_y, o_x, o_c, m_c, height, width, x_c, x_h, x_w, BC, COLS)
        b_second = _correlate(
            b_second, b_dv, p_x, o_y, o_x, o_c + channels, m_c, height, width, x_c, x_h, x_w, BC, COLS
        )
        if PRELU:
            b_first += tl.where(o_k == 10, tl.sum(b_g * b_v * tl.minimum(b_u, 0.0), 0)[:, None], 0.0)
    p_row = partial + (tl.program_id(0) * 2 * channels + o_c)[:, None] * COLS + o_k
    tl.store(p_row, b_first, m_c[:, None])
    tl.store(p_row + channels * COLS, b_second, m_c[:, None])


@triton.jit
def gated_depthwise_bwd_input_kernel(
    d, weight, dx, height, width, channels, across, blocks_c,
    d_n, d_c, d_h, d_w, dx_n, dx_c, dx_h, dx_w,
    BH: tl.constexpr, BW: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Gradient of the input: the gradient of the convolved image under the turned kernels."""
    i_n = tl.program_id(1).to(tl.int64)
    o_y, o_x = _tile(tl.program_id(0) // blocks_c, across, BH, BW)
    o_c = (tl.program_id(0) % blocks_c) * BC + tl.arange(0, BC)
    m_c = o_c < channels
    d += i_n * d_n
    b_dx = _convolve(d, weight, weight, o_y, o_x, o_c, m_c, height, width, d_c, d_h, d_w, False, True, BH * BW, BC)
    m = ((o_y < height) & (o_x < width))[:, None] & m_c[None, :]
    p_dx = dx + i_n * dx_n + (o_y * dx_h + o_x * dx_w)[:, None] + o_c[None, :] * dx_c
    tl.store(p_dx, b_dx.to(dx.dtype.element_ty), m)


def _blocks(x: Tensor, channels: int) -> dict[str, int]:
    """Sides of a tile, and channels of a block: long runs of what lies side by side, for coalesced reads."""
    if is_pixel_major(x):
        return {"BH": 4, "BW": 8, "BC": min(next_power_of_two(channels), 32)}
    return {"BH": 4, "BW": 32, "BC": min(next_power_of_two(channels), 4)}


def _tiles(x: Tensor, blocks: dict[str, int]) -> tuple[int, int]:
    """Tiles in a row of tiles, and of an image."""
    across = triton.cdiv(x.shape[3], blocks["BW"])
    return across, across * triton.cdiv(x.shape[2], blocks["BH"])


def forward(x: Tensor, weight: Tensor, bias: Tensor | None, slope: Tensor | None) -> Tensor:
    """Run the forward kernel.

    Parameters
    ----------
    x : Tensor, shape (N, 2 C, H, W)
    weight : Tensor, shape (2 C, 1, 3, 3)
    bias : Tensor, shape (2 C,), optional
    slope : Tensor, optional

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    n, double, height, width = x.shape
    channels = double // 2
    y, weight = new_like(x, channels=channels), weight.contiguous()
    if x.numel() == 0:
        return y
    blocks = _blocks(x, channels)
    (across, tiles), blocks_c = _tiles(x, blocks), triton.cdiv(channels, blocks["BC"])
    gated_depthwise_fwd_kernel[(tiles * blocks_c, n)](
        x, weight, weight if bias is None else bias, weight if slope is None else slope, y,
        height, width, channels, across, blocks_c, *x.stride(), *y.stride(),
        PRELU=slope is not None, BIAS=bias is not None, **blocks, num_warps=4,
    )  # fmt: skip
    return y


def backward(
    grad: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, slope: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Run the backward kernels.

    Parameters
    ----------
    grad : Tensor, shape (N, C, H, W)
    x : Tensor, shape (N, 2 C, H, W)
    weight : Tensor, shape (2 C, 1, 3, 3)
    bias : Tensor, shape (2 C,), optional
    slope : Tensor, optional

    Returns
    -------
    tuple of 4 Tensor
        Gradients of image, weight, bias and slope, the last three in float32; those of absent arguments hold no
        meaning.
    """
    n, double, height, width = x.shape
    channels = double // 2
    d, dx, weight = new_like(x), new_like(x), weight.contiguous()
    if x.numel() == 0:
        zeros = torch.zeros(double * (COLUMNS + 1), dtype=torch.float32, device=x.device)
        return dx, zeros[: 9 * double].reshape(-1, 1, 3, 3).clone(), zeros[:double].clone(), zeros[:1].clone()
    blocks = _blocks(x, channels)
    across, tiles = _tiles(x, blocks)
    blocks_c = triton.cdiv(channels, blocks["BC"])
    programs = min(tiles * n, max(BACKWARD_PROGRAMS // blocks_c, 1))
    partial = torch.empty(programs, double, COLUMNS, dtype=torch.float32, device=x.device)
    gated_depthwise_bwd_gate_kernel[(programs, blocks_c)](
        x, grad, weight, weight if bias is None else bias, weight if slope is None else slope, d, partial,
        height, width, channels, across, tiles, n, *x.stride(), *grad.stride(), *d.stride(),
        PRELU=slope is not None, BIAS=bias is not None, **blocks, COLS=COLUMNS, num_warps=4,
    )  # fmt: skip
    blocks_c = triton.cdiv(double, blocks["BC"])
    gated_depthwise_bwd_input_kernel[(tiles * blocks_c, n)](
        d, weight, dx, height, width, double, across, blocks_c, *d.stride(), *dx.stride(), **blocks, num_warps=4
    )
    sums = partial.sum(0)
    dslope = sums[:channels, 10].sum().reshape(1)
    return dx, sums[:, :9].reshape(double, 1, 3, 3).contiguous(), sums[:, 9].clone(), dslope
