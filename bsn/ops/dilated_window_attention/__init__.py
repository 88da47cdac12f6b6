"""Dilated window attention: attention inside one phase, the blind-spot-safe form of window attention."""

from __future__ import annotations

from torch import Tensor

from bsn.lattice import merge_phases, split_phases
from bsn.ops.backend import Implementation, choose
from bsn.ops.limits import not_interpreting, refuse_window_attention
from bsn.ops.measured import slower_where_measured
from bsn.ops.window_attention import window_attention
from bsn.ops.window_attention.legal import check_dilated_window, legal_overlaps
from bsn.ops.window_attention.registration import window_attention_triton

__all__ = ["check_dilated_window", "dilated_window_attention", "legal_overlaps"]


def _on_phases(
    q: Tensor, k: Tensor, v: Tensor, rel_height: Tensor, rel_width: Tensor, window: int, key_window: int, heads: int,
    dilation: int,
) -> Tensor:  # fmt: skip
    q, k, v = (split_phases(x, dilation) for x in (q, k, v))
    out = window_attention(
        q, k, v, rel_height, rel_width, window=window, key_window=key_window, heads=heads, backend="reference"
    )
    return merge_phases(out, dilation)


def _by_stride(
    q: Tensor, k: Tensor, v: Tensor, rel_height: Tensor, rel_width: Tensor, window: int, key_window: int, heads: int,
    dilation: int,
) -> Tensor:  # fmt: skip
    geometry = (window, window), (key_window, key_window)
    return window_attention_triton(q, k, v, rel_height, rel_width, geometry, heads, dilation=dilation)


def _refuse_by_stride(
    q: Tensor, k: Tensor, v: Tensor, rel_height: Tensor, rel_width: Tensor, window: int, key_window: int, heads: int,
    dilation: int,
) -> str | None:  # fmt: skip
    geometry = (window, window), (key_window, key_window)
    if (
        not q.shape == k.shape == v.shape
        or any(side % (window * dilation) for side in q.shape[-2:])
        or q.shape[1] % heads
    ):
        return "the shapes do not fit"
    return refuse_window_attention(q, k, v, rel_height, rel_width, geometry, heads, dilation=dilation)


_slower = slower_where_measured("window_attention", lambda *args: args[0].shape[1] // args[7])

BACKENDS = {
    "triton": Implementation(_by_stride, _refuse_by_stride, not_interpreting, _slower),
    "reference": Implementation(_on_phases),
}


def dilated_window_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    rel_height: Tensor,
    rel_width: Tensor,
    *,
    window: int,
    key_window: int,
    heads: int,
    dilation: int = 2,
    backend: str | None = None,
) -> Tensor:
    """Window attention of a full image in which every query sees the keys of its own phase only.

    Equal, borders included, to attention over `key_window`² keys with the logit of every key set to -inf whose row or
    column distance from the query is not a multiple of `dilation`; computed as plain window attention on the phases,
    with 1 / dilation² of the keys and no mask.

    Parameters
    ----------
    q, k, v : Tensor, shape (N, heads * d, H, W)
        H and W multiples of `window`.
    rel_height, rel_width : Tensor, shape (2 * key_window - 1, d)
        Tables of relative positions of the full image; only the rows ``dilation - 1 :: dilation`` are ever used.
    window, key_window : int
        Sides in pixels of the full image, see :func:`check_dilated_window`.
    heads, dilation : int
        Number of heads, and distance of neighbouring pixels of a phase.
    backend : str, optional
        See :mod:`bsn.ops.backend`.

    Returns
    -------
    Tensor, shape (N, heads * d, H, W)

    Raises
    ------
    ValueError
        If shapes do not fit or the window would mix phases; the nearest legal values are named.

    References
    ----------
    TBSN, arXiv 2404.07846 (masked window attention).
    """
    check_dilated_window(window, key_window, dilation)
    step = slice(dilation - 1, None, dilation)
    arguments = (
        q,
        k,
        v,
        rel_height[step],
        rel_width[step],
        window // dilation,
        key_window // dilation,
        heads,
        dilation,
    )
    return choose("dilated_window_attention", BACKENDS, backend, *arguments)(*arguments)
