"""Window attention: each window of queries attends to an equal or larger window of keys around it.

=====================  =================================================================
paper, spec            here
=====================  =================================================================
ws                     ``window``, side of the square of queries
ows                    ``key_window``, side of the square of keys around it
e = ows - ws, pad      ``key_window - window`` and half of it, the ``halo``
rel_height/rel_width   position tables, 2 key_window - 1 rows, shared by the heads (TBSN)
relative bias table    ``bias_table``, one number per offset and head (Swin, DRT)
=====================  =================================================================

The kernels (:mod:`bsn.ops.window_attention.triton`) compute the same sums window by window from the image as it lies in
memory, keep the log-sum-exp of each query for the backward, and write neither patches nor logits nor weights.

Every table is indexed by key minus query position. Swin-type checkpoints store query minus key: flip both axes.
"""

from __future__ import annotations

from torch import Tensor

from bsn.ops.backend import Implementation, choose
from bsn.ops.limits import not_interpreting, refuse_window_attention
from bsn.ops.measured import slower_where_measured
from bsn.ops.window_attention.cpu import refuse_window_attention_cpu, window_attention_cpu
from bsn.ops.window_attention.reference import Size, WindowGeometry, window_attention_reference
from bsn.ops.window_attention.registration import window_attention_triton
from bsn.shapes import check_image, check_same_shape

__all__ = ["window_attention"]

_slower = slower_where_measured("window_attention", lambda *args: args[0].shape[1] // args[6])

BACKENDS = {
    "triton": Implementation(window_attention_triton, refuse_window_attention, not_interpreting, _slower),
    "cpu": Implementation(window_attention_cpu, refuse_window_attention_cpu),
    "reference": Implementation(window_attention_reference),
}


def _pair(side: int | Size) -> Size:
    return (side, side) if isinstance(side, int) else side


def _geometry(window: int | Size, key_window: int | Size | None) -> WindowGeometry:
    """Check that the key window can be centred on the query window."""
    queries, keys = _pair(window), _pair(window if key_window is None else key_window)
    for side, key_side in zip(queries, keys, strict=True):
        if side < 1 or key_side < side or (key_side - side) % 2:
            legal = max(side, key_side + (key_side - side) % 2)
            raise ValueError(
                f"window_attention: key window {key_side} cannot be centred on window {side}; use for example {legal}"
            )
    return queries, keys


def _check_tables(
    rel_height: Tensor | None,
    rel_width: Tensor | None,
    bias_table: Tensor | None,
    geometry: WindowGeometry,
    heads: int,
    width: int,
) -> None:
    """Exactly one kind of position logits, in the right shape."""
    if (rel_height is None) != (rel_width is None) or (rel_height is None) == (bias_table is None):
        raise ValueError("window_attention: give either rel_height and rel_width, or bias_table")
    window, key_window = geometry
    expected = {
        "rel_height": (rel_height, (2 * key_window[0] - 1, width)),
        "rel_width": (rel_width, (2 * key_window[1] - 1, width)),
        "bias_table": (bias_table, ((window[0] + key_window[0] - 1) * (window[1] + key_window[1] - 1), heads)),
    }
    for name, (table, shape) in expected.items():
        if table is not None and tuple(table.shape) != shape:
            raise ValueError(f"window_attention: {name} has shape {tuple(table.shape)}, but {shape} is needed")


def _check_mask(mask: Tensor, geometry: WindowGeometry, windows: int) -> None:
    (wh, ww), (kh, kw) = geometry
    if tuple(mask.shape) != (windows, wh * ww, kh * kw):
        raise ValueError(
            f"window_attention: mask has shape {tuple(mask.shape)}, but {(windows, wh * ww, kh * kw)} is needed"
        )


def window_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    rel_height: Tensor | None = None,
    rel_width: Tensor | None = None,
    *,
    window: int | Size,
    key_window: int | Size | None = None,
    heads: int,
    bias_table: Tensor | None = None,
    mask: Tensor | None = None,
    backend: str | None = None,
) -> Tensor:
    """Attention of non-overlapping query windows to equal or larger, then overlapping, key windows.

    The queries at (a, b), 0 <= a, b < `window`, of the window whose top-left corner is (y, x) attend to the keys (i, j),
    0 <= i, j < `key_window`, of the patch with corner (y - halo, x - halo). The position logit depends on the query (two
    tables) or is a number per head (bias table)::

        logit = d^-1/2 (q . k + q . rel_height[i - a + key_window - 1] + q . rel_width[j - b + key_window - 1])
        logit = d^-1/2  q . k + bias_table[(i - a + window - 1) (window + key_window - 1) + (j - b + window - 1)][head]

    Outside the image keys and values are zero, and these zero keys take part in the softmax (content logit 0, position
    logit as for any key): the published networks were trained with them.

    Parameters
    ----------
    q, k, v : Tensor, shape (N, heads * d, H, W)
        Head h owns the channels h d ... h d + d - 1. H and W multiples of `window`.
    rel_height, rel_width : Tensor, shape (2 * key_window - 1, d), optional
        Tables of relative positions; row r belongs to the offset r - key_window + 1 from query to key.
    window, key_window : int or (rows, columns)
        ``key_window - window`` even and not negative; `key_window` is `window` by default.
    heads : int
        Number of heads.
    bias_table : Tensor, shape ((window + key_window - 1)^2, heads), optional
        Instead of the two tables.
    mask : Tensor, shape (windows of an image, window^2, key_window^2), optional
        Added to the logits (cyclically shifted windows); windows in row-major order.
    backend : str, optional
        See :mod:`bsn.ops.backend`.

    Returns
    -------
    Tensor, shape (N, heads * d, H, W)

    Raises
    ------
    ValueError
        If shapes or windows do not fit.

    Notes
    -----
    Called on phases (:func:`bsn.lattice.split_phases`) this is the dilated masked attention of TBSN without its mask:
    see :func:`bsn.ops.dilated_window_attention.dilated_window_attention`. Windows attend independently, so an image cut
    into windows stacked on the batch gives the same numbers when the key window is no larger.

    References
    ----------
    TBSN, arXiv 2404.07846; overlapping cross-attention of HAT, CVPR 2023; tables of HaloNet, CVPR 2021;
    bias table of Swin, ICCV 2021, as in DRT, arXiv 2204.11385.

    Examples
    --------
    >>> import torch
    >>> q, k, v = torch.rand(3, 1, 32, 8, 12).unbind()
    >>> tables = torch.zeros(2, 11, 16)
    >>> window_attention(q, k, v, *tables, window=4, key_window=6, heads=2).shape
    torch.Size([1, 32, 8, 12])
    """
    check_image("window_attention", q, "q")
    check_same_shape("window_attention", q=q, k=k, v=v)
    geometry = _geometry(window, key_window)
    (rows, columns), (h, w) = geometry[0], q.shape[-2:]
    if h % rows or w % columns:
        side = f"{rows}" if rows == columns else f"{rows} x {columns}"
        legal = (-(-h // rows) * rows, -(-w // columns) * columns)
        raise ValueError(f"window_attention: {h} x {w} pixels do not fit window {side}; pad to {legal[0]} x {legal[1]}")
    if heads < 1 or q.shape[1] % heads:
        raise ValueError(f"window_attention: {q.shape[1]} channels cannot be split into {heads} heads")
    _check_tables(rel_height, rel_width, bias_table, geometry, heads, q.shape[1] // heads)
    if mask is not None:
        _check_mask(mask, geometry, (h // rows) * (w // columns))
    arguments = (q, k, v, rel_height, rel_width, geometry, heads, bias_table, mask)
    return choose("window_attention", BACKENDS, backend, *arguments)(*arguments)
