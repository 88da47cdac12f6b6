"""Channel attention as Triton kernels: one read of q and k for the Gram matrix and both norms, one read of v to apply it.

``gram``     split-K: every program sums the products of a share of the positions; the shares are summed by PyTorch, in
             the same order every time. The squared norms come from the same blocks.
``softmax``  one small kernel: cosine, temperature, dense and top-k softmax, mixture of the branches, a row per program.
``mix``      matrices times pixels; with a second image and one factor per channel it is the gradient of the Gram matrix.

Images are read as they lie (N C H W, channels-last, slices of channels). Nothing but the small statistics and weights is
kept for the backward.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from bsn.ops.channel_attention.reference import NORM_FLOOR
from bsn.ops.layout import flat_pixels, new_like, next_power_of_two

__all__ = ["gram", "mix", "softmax"]

SPLITS = 512  # programs that share the positions of all groups; a few per multiprocessor
POSITIONS = 64


@triton.jit
def gram_kernel(
    x, y, partial, images, heads, group, pixels, pooled, blocks_per_split, splits,
    x_n, x_c, x_p, y_n, y_c, y_p,
    PREC: tl.constexpr, BP: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """Share of one split in one block [BC, BC] of the Gram matrix of a group, and in the squared norms."""
    split = tl.program_id(0)
    i_m, i_h = (tl.program_id(1) // heads).to(tl.int64), tl.program_id(1) % heads
    tiles = tl.cdiv(group, BC)
    o_i = (tl.program_id(2) // tiles) * BC + tl.arange(0, BC)
    o_j = (tl.program_id(2) % tiles) * BC + tl.arange(0, BC)
    m_i, m_j = o_i < group, o_j < group
    blocks = tl.cdiv(pixels, BP)
    b_gram = tl.zeros([BC, BC], tl.float32)
    b_xx, b_yy = tl.zeros([BC], tl.float32), tl.zeros([BC], tl.float32)
    for block in range(split * blocks_per_split, min(split * blocks_per_split + blocks_per_split, blocks * pooled)):
        i_n = i_m * pooled + block // blocks
        o_p = (block % blocks) * BP + tl.arange(0, BP)
        m_p = (o_p < pixels)[:, None]
        p_x = x + i_n * x_n + o_p[:, None] * x_p + (i_h * group + o_i)[None, :] * x_c
        p_y = y + i_n * y_n + o_p[:, None] * y_p + (i_h * group + o_j)[None, :] * y_c
        b_x = tl.load(p_x, m_p & m_i[None, :], 0.0)  # [BP, BC]
        b_y = tl.load(p_y, m_p & m_j[None, :], 0.0)
        b_gram += tl.dot(tl.trans(b_x), b_y, input_precision=PREC)
        b_x, b_y = b_x.to(tl.float32), b_y.to(tl.float32)
        b_xx += tl.sum(b_x * b_x, 0)
        b_yy += tl.sum(b_y * b_y, 0)
    row = group + 2
    start = partial + ((split * images + i_m) * heads + i_h) * group * row
    tl.store(start + o_i[:, None] * row + o_j[None, :], b_gram, m_i[:, None] & m_j[None, :])
    if tl.program_id(2) % tiles == 0:
        tl.store(start + o_i * row + group, b_xx, m_i)
    if tl.program_id(2) // tiles == 0:
        tl.store(start + o_j * row + group + 1, b_yy, m_j)


@triton.jit
def _logits(stats, temperature, i_h, o_i, o_j, group, floor):
    """Temperature times cosine of row `o_i` with the columns `o_j`; -inf beyond the group."""
    row, m = group + 2, o_j < group
    x_norm = tl.maximum(tl.sqrt(tl.load(stats + o_i * row + group)), floor)
    y_norm = tl.maximum(tl.sqrt(tl.load(stats + o_j * row + group + 1, m, 1.0)), floor)
    cosine = tl.load(stats + o_i * row + o_j, m, 0.0) / (x_norm * y_norm)
    return tl.where(m, cosine * tl.load(temperature + i_h).to(tl.float32), float("-inf"))


@triton.jit
def softmax_kernel(
    stats, temperature, factors, weights, branches, matrices, heads, group, floor, kept_0, kept_1, kept_2, kept_3,
    NB: tl.constexpr, MIX: tl.constexpr, BC: tl.constexpr, BL: tl.constexpr,
):  # fmt: skip
    """One row of the mixed weights of a group, and of each branch."""
    i_r, i_g = tl.program_id(0), tl.program_id(1)
    i_h, o_j = i_g % heads, tl.arange(0, BC)
    start = stats + i_g * group * (group + 2)
    b_x = _logits(start, temperature, i_h, i_r, o_j, group, floor)  # [BC]
    b_rank = tl.zeros([BC], tl.int32)
    if MIX:
        # Rank of each entry in its row, ties by position: exact selection without a sort.
        for first in range(0, group, BL):
            o_l = first + tl.arange(0, BL)
            b_l = _logits(start, temperature, i_h, i_r, o_l, group, floor)[None, :]
            above = (b_l > b_x[:, None]) | ((b_l == b_x[:, None]) & (o_l[None, :] < o_j[:, None]))
            b_rank += tl.sum((above & (o_l < group)[None, :]).to(tl.int32), 1)
    b_e = tl.exp(b_x - tl.max(b_x, 0))
    b_total = tl.zeros([BC], tl.float32)
    cell = (i_g * group + i_r) * group + o_j
    for branch in tl.static_range(NB):
        if MIX:
            kept = kept_0 if branch == 0 else kept_1 if branch == 1 else kept_2 if branch == 2 else kept_3
            b_kept = tl.where(b_rank < kept, b_e, 0.0)
            b_w = b_kept / tl.sum(b_kept, 0)
            tl.store(branches + branch * matrices * group * group + cell, b_w, o_j < group)
            b_total += tl.load(factors + branch).to(tl.float32) * b_w
        else:
            b_total = b_e / tl.sum(b_e, 0)
    tl.store(weights + cell, b_total, o_j < group)


@triton.jit
def mix_kernel(
    matrices, x, factors, y, out, heads, group, pixels, pooled,
    x_n, x_c, x_p, y_n, y_c, y_p, o_n, o_c, o_p, m_row, m_column,
    ADD: tl.constexpr, PREC: tl.constexpr, BP: tl.constexpr, BC: tl.constexpr,
):  # fmt: skip
    """A block [BP, BC] of out_i = sum_j A_ij x_j, with ADD plus 2 factor_i y_i."""
    i_n, i_h = (tl.program_id(1) // heads).to(tl.int64), tl.program_id(1) % heads
    i_g = (i_n // pooled) * heads + i_h
    o_q = tl.program_id(0) * BP + tl.arange(0, BP)
    o_i = tl.program_id(2) * BC + tl.arange(0, BC)
    m_p, m_i = o_q < pixels, o_i < group
    b_out = tl.zeros([BP, BC], tl.float32)
    for first in range(0, group, BC):
        o_j = first + tl.arange(0, BC)
        m_j = o_j < group
        p_a = matrices + i_g * group * group + o_j[:, None] * m_column + o_i[None, :] * m_row
        p_x = x + i_n * x_n + o_q[:, None] * x_p + (i_h * group + o_j)[None, :] * x_c
        b_x = tl.load(p_x, m_p[:, None] & m_j[None, :], 0.0)  # [BP, BC]
        b_a = tl.load(p_a, m_j[:, None] & m_i[None, :], 0.0).to(b_x.dtype)  # transposed: [BC of j, BC of i]
        b_out += tl.dot(b_x, b_a, input_precision=PREC)
    m = m_p[:, None] & m_i[None, :]
    if ADD:
        b_f = tl.load(factors + i_g * group + o_i, m_i, 0.0)
        p_y = y + i_n * y_n + o_q[:, None] * y_p + (i_h * group + o_i)[None, :] * y_c
        b_out += 2 * b_f[None, :] * tl.load(p_y, m, 0.0).to(tl.float32)
    p_o = out + i_n * o_n + o_q[:, None] * o_p + (i_h * group + o_i)[None, :] * o_c
    tl.store(p_o, b_out.to(out.dtype.element_ty), m)


def _strides(x: Tensor) -> tuple[int, int, int]:
    return x.stride(0), x.stride(1), x.stride(3)


def _precision(x: Tensor) -> str:
    # Three products of TF32 parts: float32's accuracy on tensor cores, and no spilled registers.
    return "tf32x3" if x.dtype == torch.float32 else "tf32"


def gram(x: Tensor, y: Tensor, heads: int, pooled: int) -> Tensor:
    """Gram matrices of two images, with the squared norms of the rows of both as two more columns.

    Parameters
    ----------
    x, y : Tensor, shape (N, C, H, W)
    heads : int
    pooled : int
        Consecutive entries of the batch that are summed.

    Returns
    -------
    Tensor, shape (N / pooled, heads, c, c + 2)
        Sums in float32, with c = C / heads.
    """
    x, y = flat_pixels(x), flat_pixels(y)
    n, c, h, w = x.shape
    images, group, pixels = n // pooled, c // heads, h * w
    if x.numel() == 0:
        return x.new_zeros((images, heads, group, group + 2), dtype=torch.float32)
    bc = min(next_power_of_two(group, 16), 64)
    tiles = triton.cdiv(group, bc)
    blocks = triton.cdiv(pixels, POSITIONS) * pooled
    splits = max(1, min(SPLITS // (images * heads * tiles * tiles), blocks))
    share = triton.cdiv(blocks, splits)
    splits = triton.cdiv(blocks, share)
    partial = torch.empty((splits, images, heads, group, group + 2), dtype=torch.float32, device=x.device)
    gram_kernel[(splits, images * heads, tiles * tiles)](
        x, y, partial, images, heads, group, pixels, pooled, share, splits, *_strides(x), *_strides(y),
        PREC=_precision(x), BP=POSITIONS, BC=bc, num_warps=4,
    )  # fmt: skip
    return partial.sum(0)


def softmax(stats: Tensor, temperature: Tensor, kept: list[int], factors: Tensor | None) -> tuple[Tensor, Tensor]:
    """Attention weights from Gram matrices.

    Parameters
    ----------
    stats : Tensor, shape (M, heads, c, c + 2)
        Result of :func:`gram`.
    temperature : Tensor, shape (heads, 1, 1)
    kept : list of int
        Entries that each branch keeps of a row.
    factors : Tensor, optional
        Factors of the branches.

    Returns
    -------
    weights : Tensor, shape (M, heads, c, c)
    branches : Tensor
        Weights of each branch; empty without factors.
    """
    images, heads, group, _ = stats.shape
    weights = stats.new_empty((images, heads, group, group))
    branches = stats.new_empty((len(kept) if factors is not None else 0, images, heads, group, group))
    if stats.numel() == 0:
        return weights, branches
    counts = [*kept, 0, 0, 0][:4]
    softmax_kernel[(group, images * heads)](
        stats, temperature, temperature if factors is None else factors, weights, branches, images * heads, heads, group,
        NORM_FLOOR, *counts, NB=len(kept), MIX=factors is not None, BC=next_power_of_two(group), BL=16, num_warps=4,
    )  # fmt: skip
    return weights, branches


def mix(matrices: Tensor, x: Tensor, factors: Tensor | None, y: Tensor | None, pooled: int, transposed: bool) -> Tensor:
    """Multiply matrices, or their transposes, with the channels of images, and optionally add twice a scaled image.

    Parameters
    ----------
    matrices : Tensor, shape (M, heads, c, c)
    x : Tensor, shape (N, C, H, W)
    factors : Tensor, shape (M, heads, c), optional
    y : Tensor, shape (N, C, H, W), optional
        Added as ``2 * factors * y``.
    pooled : int
        Consecutive entries of the batch that share a matrix.
    transposed : bool
        Use the transposes of the matrices.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    x = flat_pixels(x)
    y = None if y is None else flat_pixels(y)
    out = new_like(x)
    if x.numel() == 0:
        return out
    n, _, h, w = x.shape
    heads, group = matrices.shape[1:3]
    matrices = matrices.contiguous()
    bc = min(next_power_of_two(group, 16), 64)
    other = x if y is None else y
    grid = (triton.cdiv(h * w, POSITIONS), n * heads, triton.cdiv(group, bc))
    mix_kernel[grid](
        matrices, x, matrices if factors is None else factors.contiguous(), other, out, heads, group, h * w, pooled,
        *_strides(x), *_strides(other), *_strides(out), *((1, group) if transposed else (group, 1)),
        ADD=y is not None, PREC=_precision(x), BP=POSITIONS, BC=bc, num_warps=8 if bc == 64 else 4,
    )  # fmt: skip
    return out
