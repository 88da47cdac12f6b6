"""Operators of TBSN in their literal, published form: dilated, masked, on the whole image.

Written from the specification for reading, not for speed; the outside truth that `bsn.ops` is compared with.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from einops import rearrange


def masked_conv(x, weight, bias=None, lattice=2):
    """Convolve by explicit shifts, leaving out every tap on the blind lattice."""
    reach = weight.shape[-1] // 2
    h, w = x.shape[-2:]
    padded = F.pad(x, (reach,) * 4)
    out = torch.zeros(x.shape[0], weight.shape[0], h, w, dtype=x.dtype)
    for i in range(2 * reach + 1):
        for j in range(2 * reach + 1):
            if (i - reach) % lattice == 0 and (j - reach) % lattice == 0:
                continue
            out = out + torch.einsum("oc,nchw->nohw", weight[:, :, i, j], padded[..., i : i + h, j : j + w])
    return out if bias is None else out + bias[:, None, None]


def layer_norm(x, weight, bias=None, eps=1e-5):
    """Published norm: variance over the channel axis of a pixel-major view."""
    pixels = rearrange(x, "n c h w -> n (h w) c")
    variance = pixels.var(-1, keepdim=True, unbiased=False)
    if bias is None:
        y = pixels / torch.sqrt(variance + eps) * weight
    else:
        y = (pixels - pixels.mean(-1, keepdim=True)) / torch.sqrt(variance + eps) * weight + bias
    return rearrange(y, "n (h w) c -> n c h w", h=x.shape[-2])


def gated_depthwise_conv(x, weight, bias=None, slope=None):
    """Depth-wise 3x3 by explicit shifts, then the gate: exact GELU by the error function, or PReLU with one slope."""
    h, w = x.shape[-2:]
    padded, y = F.pad(x, (1, 1, 1, 1)), torch.zeros_like(x)
    for i in range(3):
        for j in range(3):
            y = y + weight[:, 0, i, j, None, None] * padded[..., i : i + h, j : j + w]
    y = y if bias is None else y + bias[:, None, None]
    u, v = y[:, : x.shape[1] // 2], y[:, x.shape[1] // 2 :]
    if slope is None:
        return 0.5 * u * (1 + torch.erf(u / 2**0.5)) * v
    return (u.clamp_min(0) + slope * u.clamp_max(0)) * v


def phase_unshuffle(x, factor=2, dilation=2):
    """Index formula of the specification, section 1.8, pixel by pixel of the factor and the phase."""
    n, c, h, w = x.shape
    s, p = factor, dilation
    out = torch.empty(n, c * s * s, h // s, w // s, dtype=x.dtype)
    for sy in range(s):
        for sx in range(s):
            for py in range(p):
                for px in range(p):
                    rows, columns = slice(p * sy + py, None, p * s), slice(p * sx + px, None, p * s)
                    out[:, sy * s + sx :: s * s, py::p, px::p] = x[:, :, rows, columns]
    return out


def phase_shuffle(x, factor=2, dilation=2):
    """Inverse of :func:`phase_unshuffle`, written out the same way."""
    n, c, h, w = x.shape
    s, p = factor, dilation
    out = torch.empty(n, c // (s * s), h * s, w * s, dtype=x.dtype)
    for sy in range(s):
        for sx in range(s):
            for py in range(p):
                for px in range(p):
                    rows, columns = slice(p * sy + py, None, p * s), slice(p * sx + px, None, p * s)
                    out[:, :, rows, columns] = x[:, sy * s + sx :: s * s, py::p, px::p]
    return out


def channel_attention(q, k, v, temperature, heads, scope, dilation=2):
    """Attention over channels of a whole image; ``scope="phase"`` forms one Gram matrix per parity class."""
    if scope == "global":
        h = q.shape[-2]
        q, k, v = (rearrange(t, "n (g c) h w -> n g c (h w)", g=heads) for t in (q, k, v))
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        weights = (q @ k.transpose(-2, -1) * temperature.reshape(heads, 1, 1)).softmax(-1)
        return rearrange(weights @ v, "n g c (h w) -> n (g c) h w", h=h)
    out = torch.empty_like(v)
    for py in range(dilation):
        for px in range(dilation):
            at = (..., slice(py, None, dilation), slice(px, None, dilation))
            out[at] = channel_attention(q[at], k[at], v[at], temperature, heads, "global")
    return out


@functools.cache
def window_mask(window, key_window, dilation=2, device="cpu"):
    """0 where query and key patch indices differ by multiples of the dilation in both axes, -inf elsewhere."""
    rows = torch.arange(window, device=device)[:, None] - torch.arange(key_window, device=device)[None, :]
    same = rows % dilation == 0
    allowed = rearrange(same, "a i -> a 1 i 1") & rearrange(same, "b j -> 1 b 1 j")
    mask = torch.zeros(window * window, key_window * key_window, device=device)
    return mask.masked_fill(~rearrange(allowed, "a b i j -> (a b) (i j)"), float("-inf"))


@functools.cache
def table_rows(window, key_window, device):
    """Row of a position table for each query and key."""
    return torch.arange(key_window, device=device)[None] - torch.arange(window, device=device)[:, None] + key_window - 1


def position_logits(q, rel_height, rel_width, window, key_window):
    """Closed form of the skewed tables: q . height[i - a + K - 1] + q . width[j - b + K - 1]."""
    rows = table_rows(window, key_window, q.device)
    q = rearrange(q, "... (a b) d -> ... a b d", a=window)
    height = torch.einsum("...abd,aid->...abi", q, rel_height[rows])
    width = torch.einsum("...abd,bjd->...abj", q, rel_width[rows])
    both = rearrange(height, "... a b i -> ... a b i 1") + rearrange(width, "... a b j -> ... a b 1 j")
    return rearrange(both, "... a b i j -> ... (a b) (i j)")


def window_attention(q, k, v, rel_height, rel_width, window, key_window, heads, dilation=1, mask=None):
    """Overlapping window attention of a whole image; with ``dilation > 1`` masked to one phase."""
    _, c, h, w = q.shape
    d, halo = c // heads, (key_window - window) // 2
    q = rearrange(q, "n (g d) (y a) (x b) -> (n y x) g (a b) d", g=heads, a=window, b=window) * d**-0.5

    def patches(t):
        t = F.unfold(t, key_window, stride=window, padding=halo)
        return rearrange(t, "n (g d k) l -> (n l) g k d", g=heads, d=d)

    k, v = patches(k), patches(v)
    logits = q @ k.transpose(-2, -1) + position_logits(q, rel_height, rel_width, window, key_window)
    if mask is None:
        mask = window_mask(window, key_window, dilation, q.device)
    out = (logits + mask.to(logits)).softmax(-1) @ v
    return rearrange(out, "(n y x) g (a b) d -> n (g d) (y a) (x b)", y=h // window, x=w // window, a=window, b=window)


def dual_channel_attention(q, k, v, temperature, heads, ratios, mix):
    """DDSA's attention as published: one softmax and one product with v per ratio, added with learned factors."""
    h = q.shape[-2]
    q, k, v = (rearrange(t, "n (g c) h w -> n g c (h w)", g=heads) for t in (q, k, v))
    logits = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * temperature.reshape(heads, 1, 1)
    out = torch.zeros_like(v)
    for (numerator, denominator), factor in zip(ratios, mix, strict=True):
        places = torch.topk(logits, numerator * logits.shape[-1] // denominator, dim=-1).indices
        mask = torch.full_like(logits, float("-inf")).scatter(-1, places, 0.0)
        out = out + factor * ((logits + mask).softmax(-1) @ v)
    return rearrange(out, "n g c (h w) -> n (g c) h w", h=h)


def bias_of_offsets(table, window, key_window, heads):
    """Bias of each head, query and key, by explicit loops over a table of key minus query offsets."""
    (wh, ww), (kh, kw) = window, key_window
    bias = torch.empty(heads, wh * ww, kh * kw, dtype=table.dtype)
    for a in range(wh):
        for b in range(ww):
            for i in range(kh):
                for j in range(kw):
                    row = (i - a + wh - 1) * (ww + kw - 1) + (j - b + ww - 1)
                    bias[:, a * ww + b, i * kw + j] = table[row]
    return bias


def biased_window_attention(q, k, v, table, window, key_window, heads, mask=None):
    """Window attention with a bias table; windows cut by unfold, an optional mask (windows, queries, keys) added."""
    _, c, h, w = q.shape
    (wh, ww), halo = window, [(kk - ww) // 2 for kk, ww in zip(key_window, window, strict=True)]
    q = rearrange(q, "n (g d) (y a) (x b) -> n (y x) g (a b) d", g=heads, a=wh, b=ww) * (c // heads) ** -0.5

    def patches(t):
        t = F.unfold(t, key_window, stride=window, padding=halo)
        return rearrange(t, "n (g d k) l -> n l g k d", g=heads, d=c // heads)

    logits = q @ patches(k).transpose(-2, -1) + bias_of_offsets(table, window, key_window, heads)
    if mask is not None:
        logits = logits + mask[None, :, None]
    out = logits.softmax(-1) @ patches(v)
    return rearrange(out, "n (y x) g (a b) d -> n (g d) (y a) (x b)", y=h // wh, x=w // ww, a=wh, b=ww)
