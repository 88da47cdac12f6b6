"""Window attention as Triton kernels: windows are read where they lie in the image, nothing is unfolded or written out.

Forward
    A program takes one head and a few neighbouring windows of one row of windows (their key windows overlap, so they meet
    in the cache). Keys and values outside the image are read as zero and take part in the softmax. Position logits come
    from the query's products with the two tables (one small matrix product, then picked by offset) or from the bias table.
    Kept for the backward: the log-sum-exp of each query.
Backward
    One kernel goes by query windows (dq, tables), one by tiles of keys (dk, dv): such a tile gathers from all windows that
    see it, so every cell is written once, by one program, in a fixed order. No atomics: the same bits every time. Table
    gradients are summed per program, written, and summed by PyTorch.

Phases of a dilated image are addressed by stride (`dilation`): no split copy.
Names: a, b row and column of a query in its window; i, j of a key in its key window; blocks [BQ queries, BI BJ keys].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from bsn.ops.layout import new_like, next_power_of_two
from bsn.ops.window_attention.reference import WindowGeometry, bias_rows

__all__ = ["backward", "forward"]

WINDOWS_PER_PROGRAM = 8
NONE, TABLES, BIAS = 0, 1, 2


@triton.jit
def _query_offsets(o_q, o_d, s_h, s_w, s_c, WW: tl.constexpr):
    """Offsets [BQ, BD] of a window's queries from its corner."""
    return ((o_q // WW) * s_h + (o_q % WW) * s_w)[:, None] + o_d[None, :] * s_c


@triton.jit
def _corner(i_n, i_h, row, column, s_n, s_h, s_w, s_c, head_dim, DIL: tl.constexpr):
    """Offset of the pixel (row, column) of phase image i_n, first channel of head i_h; s_h and s_w step inside the phase."""
    i_image, i_phase = i_n // (DIL * DIL), i_n % (DIL * DIL)
    start = i_image.to(tl.int64) * s_n + i_h.to(tl.int64) * head_dim * s_c
    start += (i_phase // DIL) * (s_h // DIL) + (i_phase % DIL) * (s_w // DIL)
    return start + (row * s_h + column * s_w)


@triton.jit
def _table(table, offsets: tl.constexpr, o_r, o_d, head_dim):
    """A position table as a block [BR, BD]."""
    m = (o_r < offsets)[:, None] & (o_d < head_dim)[None, :]
    return tl.load(table + o_r[:, None] * head_dim + o_d[None, :], m, 0.0)


@triton.jit
def _pick(b_products, o_row, o_key, valid, K: tl.constexpr, BR: tl.constexpr):
    """Logits [BQ, BK] of one axis: column key - row + K - 1 of the products [BQ, BR]."""
    o_r = o_key[None, :] - o_row[:, None] + K - 1
    inside = valid[None, :] & (o_r >= 0) & (o_r < BR)
    return tl.where(inside, tl.gather(b_products, tl.where(inside, o_r, 0), 1), 0.0)


@triton.jit
def _spread(b_grads, o_row, o_r, first, K: tl.constexpr, BK: tl.constexpr):
    """Gradients [BQ, BR] by table row from those [BQ, BK] by key: the transpose of :func:`_pick`."""
    o_key = o_r[None, :] + o_row[:, None] - K + 1 - first
    inside = (o_key >= 0) & (o_key < BK)
    return tl.where(inside, tl.gather(b_grads, tl.where(inside, o_key, 0), 1), 0.0)


@triton.jit
def _position(
    b_q, table_h, table_w, bias, i_h, heads, head_dim, o_a, o_b, o_i, o_j, m_i, m_j,
    POSITION: tl.constexpr, PREC: tl.constexpr, WH: tl.constexpr, WW: tl.constexpr, KH: tl.constexpr, KW: tl.constexpr,
    BRH: tl.constexpr, BRW: tl.constexpr, BD: tl.constexpr, BQ: tl.constexpr, BI: tl.constexpr, BJ: tl.constexpr,
):  # fmt: skip
    """Position logits [BQ, BI, BJ]; those from tables still lack the factor d^-1/2."""
    if POSITION == 1:
        o_d = tl.arange(0, BD)
        b_th = _table(table_h, 2 * KH - 1, tl.arange(0, BRH), o_d, head_dim).to(b_q.dtype)
        b_tw = _table(table_w, 2 * KW - 1, tl.arange(0, BRW), o_d, head_dim).to(b_q.dtype)
        b_ph = _pick(tl.dot(b_q, tl.trans(b_th), input_precision=PREC), o_a, o_i, m_i, KH, BRH)
        b_pw = _pick(tl.dot(b_q, tl.trans(b_tw), input_precision=PREC), o_b, o_j, m_j, KW, BRW)
        b_s = b_ph[:, :, None] + b_pw[:, None, :]
    else:
        o_row = o_i[None, :] - o_a[:, None] + WH - 1
        o_column = o_j[None, :] - o_b[:, None] + WW - 1
        o_cell = o_row[:, :, None] * (WW + KW - 1) + o_column[:, None, :]
        m = (o_a < WH)[:, None, None] & m_i[None, :, None] & m_j[None, None, :]
        b_s = tl.load(bias + o_cell * heads + i_h, m, 0.0).to(tl.float32)
    return b_s


@triton.jit
def window_attention_fwd_kernel(
    q, k, v, table_h, table_w, bias, out, lse, scale, height, width, rows, columns, heads, head_dim,
    q_n, q_c, q_h, q_w, k_n, k_c, k_h, k_w, v_n, v_c, v_h, v_w, out_n, out_c, out_h, out_w,
    POSITION: tl.constexpr, PREC: tl.constexpr, DIL: tl.constexpr, G: tl.constexpr,
    WH: tl.constexpr, WW: tl.constexpr, KH: tl.constexpr, KW: tl.constexpr, BRH: tl.constexpr, BRW: tl.constexpr,
    BD: tl.constexpr, BQ: tl.constexpr, BI: tl.constexpr, BJ: tl.constexpr,
):  # fmt: skip
    """Output of up to G windows of one row of windows for one head, and the log-sum-exp of their queries."""
    strips = (columns + G - 1) // G
    strip, i_y = tl.program_id(0) % strips, tl.program_id(0) // strips
    i_n, i_h = tl.program_id(1) // heads, tl.program_id(1) % heads
    o_d, o_q, o_k = tl.arange(0, BD), tl.arange(0, BQ), tl.arange(0, BI * BJ)
    o_i, o_j = tl.arange(0, BI), tl.arange(0, BJ)
    o_a, o_b = o_q // WW, o_q % WW
    m_q = (o_q < WH * WW)[:, None] & (o_d < head_dim)[None, :]
    m_key = (o_k // BJ < KH) & (o_k % BJ < KW)
    for i_x in range(strip * G, min(strip * G + G, columns)):
        y0, x0 = i_y * WH, i_x * WW
        ky, kx = y0 - (KH - WH) // 2, x0 - (KW - WW) // 2
        o_y, o_x = ky + o_k // BJ, kx + o_k % BJ
        m_k = (m_key & (o_y >= 0) & (o_y < height) & (o_x >= 0) & (o_x < width))[:, None] & (o_d < head_dim)[None, :]
        p_q = q + _corner(i_n, i_h, y0, x0, q_n, q_h, q_w, q_c, head_dim, DIL)
        p_k = k + _corner(i_n, i_h, ky, kx, k_n, k_h, k_w, k_c, head_dim, DIL)
        p_v = v + _corner(i_n, i_h, ky, kx, v_n, v_h, v_w, v_c, head_dim, DIL)
        b_q = tl.load(p_q + _query_offsets(o_q, o_d, q_h, q_w, q_c, WW), m_q, 0.0)  # [BQ, BD]
        b_k = tl.load(p_k + _query_offsets(o_k, o_d, k_h, k_w, k_c, BJ), m_k, 0.0)  # [BI BJ, BD]
        b_v = tl.load(p_v + _query_offsets(o_k, o_d, v_h, v_w, v_c, BJ), m_k, 0.0)
        b_p = _position(
            b_q, table_h, table_w, bias, i_h, heads, head_dim, o_a, o_b, o_i, o_j, o_i < KH, o_j < KW,
            POSITION, PREC, WH, WW, KH, KW, BRH, BRW, BD, BQ, BI, BJ,
        )  # fmt: skip
        b_s = tl.dot(b_q, tl.trans(b_k), input_precision=PREC)
        b_p = tl.reshape(b_p, [BQ, BI * BJ])
        b_s = (b_s + b_p) * scale if POSITION == 1 else b_s * scale + b_p
        b_s = tl.where(m_key[None, :], b_s, float("-inf"))
        b_max = tl.max(b_s, 1)
        b_e = tl.exp(b_s - b_max[:, None])
        b_sum = tl.sum(b_e, 1)
        b_o = tl.dot(b_e.to(b_v.dtype), b_v, input_precision=PREC) / b_sum[:, None]
        p_o = out + _corner(i_n, i_h, y0, x0, out_n, out_h, out_w, out_c, head_dim, DIL)
        tl.store(p_o + _query_offsets(o_q, o_d, out_h, out_w, out_c, WW), b_o.to(out.dtype.element_ty), m_q)
        window = (tl.program_id(1).to(tl.int64) * rows + i_y) * columns + i_x
        tl.store(lse + window * (WH * WW) + o_q, b_max + tl.log(b_sum), o_q < WH * WW)


@triton.jit
def window_attention_bwd_dq_kernel(
    q, k, v, table_h, table_w, bias, out, grad, lse, delta, dq, partial_h, partial_w, partial_bias,
    scale, height, width, rows, columns, heads, head_dim,
    q_n, q_c, q_h, q_w, k_n, k_c, k_h, k_w, v_n, v_c, v_h, v_w,
    out_n, out_c, out_h, out_w, g_n, g_c, g_h, g_w, dq_n, dq_c, dq_h, dq_w,
    POSITION: tl.constexpr, PREC: tl.constexpr, DIL: tl.constexpr, G: tl.constexpr,
    WH: tl.constexpr, WW: tl.constexpr, KH: tl.constexpr, KW: tl.constexpr, BRH: tl.constexpr, BRW: tl.constexpr,
    BD: tl.constexpr, BQ: tl.constexpr, BI: tl.constexpr, BJ: tl.constexpr,
):  # fmt: skip
    """Dq of up to G windows, sum(grad out) of their queries, and this program's share of the table gradients."""
    strips = (columns + G - 1) // G
    strip, i_y = tl.program_id(0) % strips, tl.program_id(0) // strips
    i_n, i_h = tl.program_id(1) // heads, tl.program_id(1) % heads
    o_d, o_q, o_k = tl.arange(0, BD), tl.arange(0, BQ), tl.arange(0, BI * BJ)
    o_i, o_j, o_rh, o_rw = tl.arange(0, BI), tl.arange(0, BJ), tl.arange(0, BRH), tl.arange(0, BRW)
    o_a, o_b = o_q // WW, o_q % WW
    m_q = (o_q < WH * WW)[:, None] & (o_d < head_dim)[None, :]
    m_key = (o_k // BJ < KH) & (o_k % BJ < KW)
    if POSITION == 1:
        b_dth, b_dtw = tl.zeros([BRH, BD], tl.float32), tl.zeros([BRW, BD], tl.float32)
        b_th = _table(table_h, 2 * KH - 1, o_rh, o_d, head_dim)
        b_tw = _table(table_w, 2 * KW - 1, o_rw, o_d, head_dim)
    else:
        b_dbias = tl.zeros([BQ, BI * BJ], tl.float32)
    for i_x in range(strip * G, min(strip * G + G, columns)):
        y0, x0 = i_y * WH, i_x * WW
        ky, kx = y0 - (KH - WH) // 2, x0 - (KW - WW) // 2
        o_y, o_x = ky + o_k // BJ, kx + o_k % BJ
        m_k = (m_key & (o_y >= 0) & (o_y < height) & (o_x >= 0) & (o_x < width))[:, None] & (o_d < head_dim)[None, :]
        p_q = q + _corner(i_n, i_h, y0, x0, q_n, q_h, q_w, q_c, head_dim, DIL)
        p_k = k + _corner(i_n, i_h, ky, kx, k_n, k_h, k_w, k_c, head_dim, DIL)
        p_v = v + _corner(i_n, i_h, ky, kx, v_n, v_h, v_w, v_c, head_dim, DIL)
        p_o = out + _corner(i_n, i_h, y0, x0, out_n, out_h, out_w, out_c, head_dim, DIL)
        p_g = grad + _corner(i_n, i_h, y0, x0, g_n, g_h, g_w, g_c, head_dim, DIL)
        b_q = tl.load(p_q + _query_offsets(o_q, o_d, q_h, q_w, q_c, WW), m_q, 0.0)  # [BQ, BD]
        b_k = tl.load(p_k + _query_offsets(o_k, o_d, k_h, k_w, k_c, BJ), m_k, 0.0)  # [BI BJ, BD]
        b_v = tl.load(p_v + _query_offsets(o_k, o_d, v_h, v_w, v_c, BJ), m_k, 0.0)
        b_o = tl.load(p_o + _query_offsets(o_q, o_d, out_h, out_w, out_c, WW), m_q, 0.0).to(tl.float32)
        b_g = tl.load(p_g + _query_offsets(o_q, o_d, g_h, g_w, g_c, WW), m_q, 0.0)
        b_delta = tl.sum(b_o * b_g.to(tl.float32), 1)
        window = (tl.program_id(1).to(tl.int64) * rows + i_y) * columns + i_x
        tl.store(delta + window * (WH * WW) + o_q, b_delta, o_q < WH * WW)
        b_lse = tl.load(lse + window * (WH * WW) + o_q, o_q < WH * WW, float("inf"))
        b_p = _position(
            b_q, table_h, table_w, bias, i_h, heads, head_dim, o_a, o_b, o_i, o_j, o_i < KH, o_j < KW,
            POSITION, PREC, WH, WW, KH, KW, BRH, BRW, BD, BQ, BI, BJ,
        )  # fmt: skip
        b_s = tl.dot(b_q, tl.trans(b_k), input_precision=PREC)
        b_p = tl.reshape(b_p, [BQ, BI * BJ])
        b_s = (b_s + b_p) * scale if POSITION == 1 else b_s * scale + b_p
        b_w = tl.where(m_key[None, :], tl.exp(b_s - b_lse[:, None]), 0.0)  # weights [BQ, BI BJ], 0 for padded queries
        b_ds = b_w * (tl.dot(b_g, tl.trans(b_v), input_precision=PREC) - b_delta[:, None])
        b_dq = tl.dot(b_ds.to(b_k.dtype), b_k, input_precision=PREC)
        if POSITION == 1:
            b_ds3 = tl.reshape(b_ds, [BQ, BI, BJ])
            b_along_h = _spread(tl.sum(b_ds3, 2), o_a, o_rh, 0, KH, BI)
            b_along_w = _spread(tl.sum(b_ds3, 1), o_b, o_rw, 0, KW, BJ)
            b_dq += tl.dot(b_along_h.to(b_q.dtype), b_th.to(b_q.dtype), input_precision=PREC)
            b_dq += tl.dot(b_along_w.to(b_q.dtype), b_tw.to(b_q.dtype), input_precision=PREC)
            b_dth += tl.dot(tl.trans(b_along_h.to(b_q.dtype)), b_q, input_precision=PREC)
            b_dtw += tl.dot(tl.trans(b_along_w.to(b_q.dtype)), b_q, input_precision=PREC)
        else:
            b_dbias += b_ds
        p_dq = dq + _corner(i_n, i_h, y0, x0, dq_n, dq_h, dq_w, dq_c, head_dim, DIL)
        tl.store(p_dq + _query_offsets(o_q, o_d, dq_h, dq_w, dq_c, WW), (b_dq * scale).to(dq.dtype.element_ty), m_q)
    program = tl.program_id(1).to(tl.int64) * tl.num_programs(0) + tl.program_id(0)
    if POSITION == 1:
        o_th, o_tw = o_rh[:, None] * BD + o_d[None, :], o_rw[:, None] * BD + o_d[None, :]
        tl.store(partial_h + program * (BRH * BD) + o_th, b_dth * scale)
        tl.store(partial_w + program * (BRW * BD) + o_tw, b_dtw * scale)
    else:
        o_cell = o_q[:, None] * (BI * BJ) + o_k[None, :]
        tl.store(partial_bias + program * (BQ * BI * BJ) + o_cell, b_dbias)


@triton.jit
def window_attention_bwd_dkv_kernel(
    q, k, v, table_h, table_w, bias, grad, lse, delta, dk, dv, scale, rows, columns, heads, head_dim,
    q_n, q_c, q_h, q_w, k_n, k_c, k_h, k_w, v_n, v_c, v_h, v_w, g_n, g_c, g_h, g_w,
    dk_n, dk_c, dk_h, dk_w, dv_n, dv_c, dv_h, dv_w,
    POSITION: tl.constexpr, PREC: tl.constexpr, DIL: tl.constexpr, REACH_H: tl.constexpr, REACH_W: tl.constexpr,
    WH: tl.constexpr, WW: tl.constexpr, KH: tl.constexpr, KW: tl.constexpr, BRH: tl.constexpr, BRW: tl.constexpr,
    BD: tl.constexpr, BQ: tl.constexpr, BI: tl.constexpr, BJ: tl.constexpr,
):  # fmt: skip
    """Dk and dv of the keys that lie in one window, for one head, gathered from the windows that see them."""
    t_x, t_y = tl.program_id(0) % columns, tl.program_id(0) // columns
    i_n, i_h = tl.program_id(1) // heads, tl.program_id(1) % heads
    o_d, o_q, o_k = tl.arange(0, BD), tl.arange(0, BQ), tl.arange(0, BI * BJ)
    o_a, o_b = o_q // WW, o_q % WW
    m_q = (o_q < WH * WW)[:, None] & (o_d < head_dim)[None, :]
    m_k = ((o_k // BJ < WH) & (o_k % BJ < WW))[:, None] & (o_d < head_dim)[None, :]
    y0, x0 = t_y * WH, t_x * WW
    p_k = k + _corner(i_n, i_h, y0, x0, k_n, k_h, k_w, k_c, head_dim, DIL)
    p_v = v + _corner(i_n, i_h, y0, x0, v_n, v_h, v_w, v_c, head_dim, DIL)
    b_k = tl.load(p_k + _query_offsets(o_k, o_d, k_h, k_w, k_c, BJ), m_k, 0.0)  # [BI BJ, BD]
    b_v = tl.load(p_v + _query_offsets(o_k, o_d, v_h, v_w, v_c, BJ), m_k, 0.0)
    b_dk, b_dv = tl.zeros([BI * BJ, BD], tl.float32), tl.zeros([BI * BJ, BD], tl.float32)
    for i_y in range(max(t_y - REACH_H, 0), min(t_y + REACH_H + 1, rows)):
        for i_x in range(max(t_x - REACH_W, 0), min(t_x + REACH_W + 1, columns)):
            # Place of the tile's keys in the key window of (i_y, i_x).
            o_i = tl.arange(0, BI) + (t_y - i_y) * WH + (KH - WH) // 2
            o_j = tl.arange(0, BJ) + (t_x - i_x) * WW + (KW - WW) // 2
            m_i = (tl.arange(0, BI) < WH) & (o_i >= 0) & (o_i < KH)
            m_j = (tl.arange(0, BJ) < WW) & (o_j >= 0) & (o_j < KW)
            p_q = q + _corner(i_n, i_h, i_y * WH, i_x * WW, q_n, q_h, q_w, q_c, head_dim, DIL)
            p_g = grad + _corner(i_n, i_h, i_y * WH, i_x * WW, g_n, g_h, g_w, g_c, head_dim, DIL)
            b_q = tl.load(p_q + _query_offsets(o_q, o_d, q_h, q_w, q_c, WW), m_q, 0.0)  # [BQ, BD]
            b_g = tl.load(p_g + _query_offsets(o_q, o_d, g_h, g_w, g_c, WW), m_q, 0.0)
            window = (tl.program_id(1).to(tl.int64) * rows + i_y) * columns + i_x
            b_lse = tl.load(lse + window * (WH * WW) + o_q, o_q < WH * WW, float("inf"))
            b_delta = tl.load(delta + window * (WH * WW) + o_q, o_q < WH * WW, 0.0)
            b_p = _position(
                b_q, table_h, table_w, bias, i_h, heads, head_dim, o_a, o_b, o_i, o_j, m_i, m_j,
                POSITION, PREC, WH, WW, KH, KW, BRH, BRW, BD, BQ, BI, BJ,
            )  # fmt: skip
            b_s = tl.dot(b_q, tl.trans(b_k), input_precision=PREC)
            b_p = tl.reshape(b_p, [BQ, BI * BJ])
            b_s = (b_s + b_p) * scale if POSITION == 1 else b_s * scale + b_p
            seen = tl.reshape(m_i[:, None] & m_j[None, :], [BI * BJ])
            b_w = tl.where(seen[None, :], tl.exp(b_s - b_lse[:, None]), 0.0)  # [BQ, BI BJ]
            b_dv += tl.dot(tl.trans(b_w.to(b_g.dtype)), b_g, input_precision=PREC)
            b_ds = b_w * (tl.dot(b_g, tl.trans(b_v), input_precision=PREC) - b_delta[:, None])
            b_dk += tl.dot(tl.trans(b_ds.to(b_q.dtype)), b_q, input_precision=PREC)
    p_dk = dk + _corner(i_n, i_h, y0, x0, dk_n, dk_h, dk_w, dk_c, head_dim, DIL)
    p_dv = dv + _corner(i_n, i_h, y0, x0, dv_n, dv_h, dv_w, dv_c, head_dim, DIL)
    tl.store(p_dk + _query_offsets(o_k, o_d, dk_h, dk_w, dk_c, BJ), (b_dk * scale).to(dk.dtype.element_ty), m_k)
    tl.store(p_dv + _query_offsets(o_k, o_d, dv_h, dv_w, dv_c, BJ), b_dv.to(dv.dtype.element_ty), m_k)


@dataclass(frozen=True)
class Plan:
    """Sizes of one call: phase images, windows, and the blocks that hold them."""

    images: int
    height: int
    width: int
    rows: int
    columns: int
    heads: int
    head_dim: int
    geometry: WindowGeometry
    position: int
    dilation: int

    @property
    def strips(self) -> int:
        """Programs for one row of windows."""
        return triton.cdiv(self.columns, WINDOWS_PER_PROGRAM)

    @property
    def scale(self) -> float:
        """Factor d^-1/2 of the logits."""
        return self.head_dim**-0.5

    def blocks(self, dtype: torch.dtype, *, tile: bool = False) -> dict[str, Any]:
        """Constants of a kernel.

        Parameters
        ----------
        dtype : torch.dtype
        tile : bool
            Take the keys of one window instead of those of one key window.

        Returns
        -------
        dict of str to Any
        """
        (wh, ww), (kh, kw) = self.geometry
        sides = (wh, ww) if tile else (kh, kw)
        bq = next_power_of_two(wh * ww, 16)
        bi, bj = (next_power_of_two(side, 4) for side in sides)
        return {
            "POSITION": self.position, "PREC": "tf32x3" if dtype == torch.float32 else "tf32", "DIL": self.dilation,
            "WH": wh, "WW": ww, "KH": kh, "KW": kw,
            "BRH": next_power_of_two(2 * kh - 1, 16), "BRW": next_power_of_two(2 * kw - 1, 16),
            "BD": next_power_of_two(self.head_dim, 16), "BQ": bq, "BI": bi, "BJ": bj,
            "num_warps": min(max(bq * bi * bj // 512, 1), 8),  # at most 16 logits a thread, or registers spill
        }  # fmt: skip


def _plan(q: Tensor, geometry: WindowGeometry, heads: int, dilation: int, bias: Tensor | None) -> Plan:
    n, c, h, w = q.shape
    (wh, ww), _ = geometry
    height, width = h // dilation, w // dilation
    return Plan(
        n * dilation**2, height, width, height // wh, width // ww, heads, c // heads, geometry,
        TABLES if bias is None else BIAS, dilation,
    )  # fmt: skip


def _strides(x: Tensor, dilation: int) -> tuple[int, int, int, int]:
    """Of image, channel, and row and column of a phase."""
    return x.stride(0), x.stride(1), x.stride(2) * dilation, x.stride(3) * dilation


def forward(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    tables: tuple[Tensor | None, Tensor | None, Tensor | None],
    geometry: WindowGeometry,
    heads: int,
    dilation: int,
) -> tuple[Tensor, Tensor]:
    """Run the forward kernel.

    Parameters
    ----------
    q, k, v : Tensor, shape (N, heads d, H, W)
    tables : tuple of 3 Tensor or None
        Height, width and bias.
    geometry : WindowGeometry
    heads : int
    dilation : int

    Returns
    -------
    out : Tensor, shape (N, heads d, H, W)
    lse : Tensor, shape (phase images, heads, windows, queries)
        Log-sum-exp of the logits.
    """
    plan = _plan(q, geometry, heads, dilation, tables[2])
    (wh, ww), _ = geometry
    out = new_like(q)
    lse = q.new_empty((plan.images, heads, plan.rows * plan.columns, wh * ww), dtype=torch.float32)
    if q.numel() == 0:
        return out, lse
    window_attention_fwd_kernel[(plan.strips * plan.rows, plan.images * heads)](
        q, k, v, *(q if t is None else t.contiguous() for t in tables), out, lse,
        plan.scale, plan.height, plan.width, plan.rows, plan.columns, heads, plan.head_dim,
        *(s for t in (q, k, v, out) for s in _strides(t, dilation)),
        G=WINDOWS_PER_PROGRAM, **plan.blocks(q.dtype),
    )  # fmt: skip
    return out, lse


def backward(
    grad: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    tables: tuple[Tensor | None, Tensor | None, Tensor | None],
    out: Tensor,
    lse: Tensor,
    geometry: WindowGeometry,
    heads: int,
    dilation: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Run the backward kernels.

    Parameters
    ----------
    grad : Tensor, shape (N, heads d, H, W)
    q, k, v, tables, geometry, heads, dilation
        See :func:`forward`.
    out, lse : Tensor
        Results of :func:`forward`.

    Returns
    -------
    tuple of 5 Tensor
        Gradients of q, k and v; then those of both tables, or of the bias table and an empty tensor, in float32.
    """
    plan = _plan(q, geometry, heads, dilation, tables[2])
    dq, dk, dv = (new_like(t) for t in (q, k, v))
    if q.numel() == 0:
        return dq, dk, dv, *_empty_table_gradients(tables)
    constants = plan.blocks(q.dtype)
    grid = (plan.strips * plan.rows, plan.images * heads)
    partials = _partials(plan, constants, grid[0] * grid[1], q)
    delta = torch.empty_like(lse)
    operands = [q if t is None else t.contiguous() for t in tables]
    window_attention_bwd_dq_kernel[grid](
        q, k, v, *operands, out, grad, lse, delta, dq, *partials,
        plan.scale, plan.height, plan.width, plan.rows, plan.columns, heads, plan.head_dim,
        *(s for t in (q, k, v, out, grad, dq) for s in _strides(t, dilation)),
        G=WINDOWS_PER_PROGRAM, **constants,
    )  # fmt: skip
    (wh, ww), (kh, kw) = geometry
    window_attention_bwd_dkv_kernel[(plan.rows * plan.columns, plan.images * heads)](
        q, k, v, *operands, grad, lse, delta, dk, dv, plan.scale, plan.rows, plan.columns, heads, plan.head_dim,
        *(s for t in (q, k, v, grad, dk, dv) for s in _strides(t, dilation)),
        REACH_H=triton.cdiv(kh - wh, 2 * wh), REACH_W=triton.cdiv(kw - ww, 2 * ww),
        **plan.blocks(q.dtype, tile=True),
    )  # fmt: skip
    return dq, dk, dv, *_table_gradients(plan, constants, partials)


def _empty_table_gradients(tables: tuple[Tensor | None, Tensor | None, Tensor | None]) -> tuple[Tensor, Tensor]:
    found = [torch.zeros_like(t, dtype=torch.float32) for t in tables if t is not None]
    return found[0], found[1] if len(found) == 2 else found[0].new_empty(0)


def _partials(plan: Plan, constants: dict[str, Any], programs: int, like: Tensor) -> list[Tensor]:
    """Room for each program's share of the table gradients: height, width, bias; the unused ones are empty."""
    sizes: list[tuple[int, ...]] = [(0,), (0,), (0,)]
    if plan.position == TABLES:
        sizes[0] = (programs, constants["BRH"], constants["BD"])
        sizes[1] = (programs, constants["BRW"], constants["BD"])
    else:
        sizes[2] = (programs, constants["BQ"], constants["BI"], constants["BJ"])
    return [like.new_empty(size, dtype=torch.float32) for size in sizes]


def _table_gradients(plan: Plan, constants: dict[str, Any], partials: list[Tensor]) -> tuple[Tensor, Tensor]:
    (wh, ww), (kh, kw) = plan.geometry
    if plan.position == TABLES:
        height, width = (p.sum(0)[: 2 * k - 1, : plan.head_dim] for p, k in zip(partials[:2], (kh, kw), strict=True))
        return height.contiguous(), width.contiguous()
    pairs = partials[2].unflatten(0, (plan.images, plan.heads, -1)).sum((0, 2))[:, : wh * ww, :kh, :kw]
    return _fold_bias(pairs, plan.geometry), pairs.new_empty(0)


def _fold_bias(pairs: Tensor, geometry: WindowGeometry) -> Tensor:
    """Sum gradients (heads, queries, KH, KW) over the pairs that share a cell of the bias table: (cells, heads).

    As a product with a matrix of zeros and ones: a scattered addition would need atomics on a GPU.
    """
    (wh, ww), (kh, kw) = geometry
    cells = (wh + kh - 1) * (ww + kw - 1)
    shared = torch.nn.functional.one_hot(bias_rows(geometry, device=pairs.device).flatten(), cells)
    return (pairs.flatten(1) @ shared.to(pairs.dtype)).T.contiguous()
