"""Overlapping window attention with position logits from two tables.

=====================  =================================================================
paper, spec            here
=====================  =================================================================
ws                     ``window``, side of the square of queries
ows                    ``key_window``, side of the square of keys around it
e = ows - ws, pad      ``key_window - window`` and half of it, the ``halo``
rel_height/rel_width   position tables, 2 key_window - 1 rows, shared by the heads
=====================  =================================================================
"""

from __future__ import annotations

from torch import Tensor

from bsn.ops.backend import Implementation, choose
from bsn.ops.window_attention.reference import window_attention_reference
from bsn.shapes import check_divisible, check_image, check_same_shape

__all__ = ["window_attention"]

BACKENDS = {"reference": Implementation(window_attention_reference)}


def window_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    rel_height: Tensor,
    rel_width: Tensor,
    *,
    window: int,
    key_window: int,
    heads: int,
    backend: str | None = None,
) -> Tensor:
    """Attention of non-overlapping query windows to larger, overlapping key windows.

    The queries at (a, b), 0 <= a, b < `window`, of the window whose top-left corner is (y, x) attend to the keys (i, j),
    0 <= i, j < `key_window`, of the patch with corner (y - halo, x - halo)::

        logit = d^-1/2 (q . k + q . rel_height[i - a + key_window - 1] + q . rel_width[j - b + key_window - 1])

    Outside the image keys and values are zero, and these zero keys take part in the softmax (content logit 0, position
    logit as for any key): the published networks were trained with them.

    Parameters
    ----------
    q, k, v : Tensor, shape (N, heads * d, H, W)
        Head h owns the channels h d ... h d + d - 1. H and W multiples of `window`.
    rel_height, rel_width : Tensor, shape (2 * key_window - 1, d)
    window, key_window : int
        ``key_window - window`` even and not negative.
    heads : int
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
    Called on phases (:func:`bsn.ops.phases.split_phases`) this is the dilated masked attention of TBSN without its mask:
    see :func:`bsn.ops.dilated_window_attention.dilated_window_attention`.

    References
    ----------
    TBSN, arXiv 2404.07846; overlapping cross-attention of HAT, CVPR 2023; tables of HaloNet, CVPR 2021.

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
    if window < 1 or key_window < window or (key_window - window) % 2:
        legal = max(window, key_window + (key_window - window) % 2)
        raise ValueError(
            f"window_attention: key window {key_window} cannot be centred on window {window}; use for example {legal}"
        )
    check_divisible("window_attention", q, window, f"window {window}")
    if heads < 1 or q.shape[1] % heads:
        raise ValueError(f"window_attention: {q.shape[1]} channels cannot be split into {heads} heads")
    expected = (2 * key_window - 1, q.shape[1] // heads)
    for name, table in (("rel_height", rel_height), ("rel_width", rel_width)):
        if tuple(table.shape) != expected:
            raise ValueError(f"window_attention: {name} has shape {tuple(table.shape)}, but {expected} is needed")
    arguments = (q, k, v, rel_height, rel_width, (window, key_window), heads)
    return choose("window_attention", BACKENDS, backend, *arguments)(*arguments)
