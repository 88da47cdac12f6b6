"""Grouped channel attention: channels attend to channels, with a Gram matrix over positions.

The one operator of TBSN that can mix phases: a Gram matrix over the whole image lets every pixel influence every other,
itself included (measured on the published network: the centre gradient is not zero, and one layer can learn to copy up to
62 % of pure noise). One Gram matrix per phase has the same parameters and no leak.

==========================  ==========================================
paper, spec                 here
==========================  ==========================================
groups, heads               ``heads``, contiguous groups of channels
tau, temperature            ``temperature``
global (published)          ``scope="global"``
per phase (strictly blind)  ``scope="phase"``
DDSA: dense + top 70 %      ``ratios=((1, 1), (7, 10))``, ``mix=(attn, attn1)``
ELF: query, key, value      q from the rain, k and v from the image
==========================  ==========================================

The kernels (:mod:`bsn.ops.channel_attention.triton`) read q and k once for the Gram matrix and both norms, where the plain
form reads them three times; what is kept for the backward is the inputs and the small matrices. The backend "products"
(:mod:`bsn.ops.channel_attention.products`) does the same by batched matrix products of PyTorch.

The sources of q, k and v are the caller's: the same image (self-attention of TBSN, DDSA, ELF) or several (ELF's multi-input
attention, where the predicted rain picks channels of the rainy image).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from bsn.ops.backend import Implementation, choose
from bsn.ops.channel_attention.products import channel_attention_weights_products, refuse_products
from bsn.ops.channel_attention.reference import apply_channel_weights, channel_attention_weights
from bsn.ops.channel_attention.registration import apply_channel_weights_triton, channel_attention_weights_triton
from bsn.ops.limits import not_interpreting, refuse_apply_channel_weights, refuse_channel_attention
from bsn.ops.measured import slower_where_measured
from bsn.shapes import check_image, check_same_shape

__all__ = ["DENSE", "ChannelScope", "RankDeficientGramWarning", "Ratio", "channel_attention", "channel_mixing_matrices"]

ChannelScope = Literal["phase", "global"]
Ratio = tuple[int, int]  # numerator, denominator: integers, so that no float rounding moves a floor

DENSE: tuple[Ratio, ...] = ((1, 1),)


class RankDeficientGramWarning(UserWarning):
    """A group has more channels than positions, so its Gram matrix says more about single pixels than statistics."""


_slower = slower_where_measured("channel_matrices", lambda q, k, temperature, heads, *_: q.shape[1] // heads)
_slower_product = slower_where_measured("channel_product", lambda weights, *_: weights.shape[2], image=1)

_products_slower = slower_where_measured(
    "channel_matrices", lambda q, k, temperature, heads, *_: q.shape[1] // heads, backend="products"
)

BACKENDS = {
    "triton": Implementation(channel_attention_weights_triton, refuse_channel_attention, not_interpreting, _slower),
    "products": Implementation(channel_attention_weights_products, refuse_products, slower=_products_slower),
    "reference": Implementation(channel_attention_weights),
}
APPLY_BACKENDS = {
    "triton": Implementation(
        apply_channel_weights_triton, refuse_apply_channel_weights, not_interpreting, _slower_product
    ),
    "reference": Implementation(apply_channel_weights),
}


def _kept(ratios: Sequence[Ratio], mix: Tensor | None, width: int) -> tuple[int, ...] | None:
    """Entries that each branch keeps of a row of `width`; None for one dense branch without a factor."""
    if mix is None and len(ratios) != 1:
        raise ValueError(f"channel_attention: {len(ratios)} branches need `mix`, one factor each")
    if mix is not None and mix.numel() != len(ratios):
        raise ValueError(f"channel_attention: {mix.numel()} factors for {len(ratios)} branches; one each is needed")
    counts = []
    for numerator, denominator in ratios:
        if not 0 < numerator <= denominator:
            raise ValueError(f"channel_attention: ratio {numerator}/{denominator} is not in (0, 1]")
        counts.append(numerator * width // denominator)
        if counts[-1] < 1:
            raise ValueError(
                f"channel_attention: ratio {numerator}/{denominator} keeps none of the {width} channels of a group; "
                f"use groups of at least {-(-denominator // numerator)}"
            )
    return None if mix is None and counts == [width] else tuple(counts)


def channel_mixing_matrices(
    q: Tensor,
    k: Tensor,
    temperature: Tensor,
    *,
    heads: int,
    scope: ChannelScope = "phase",
    phases: int = 4,
    ratios: Sequence[Ratio] = DENSE,
    mix: Tensor | None = None,
    backend: str | None = None,
) -> Tensor:
    """Attention matrices of :func:`channel_attention`, for callers that fold them into a projection.

    Parameters
    ----------
    q, k : Tensor, shape (N, C, H, W)
        Queries and keys.
    temperature : Tensor, shape (heads, 1, 1)
        Factor of the logits of each head.
    heads : int
        Number of heads, which divides C, and of consecutive entries of the batch that share a matrix.
    scope : {"phase", "global"}
        Whether each phase image has its own matrix, or all phases of an image share one.
    phases : int
        Phase images that belong to one image of the batch.
    ratios : sequence of Ratio
        Share of the largest entries that each branch keeps of a row.
    mix : Tensor, optional
        Factors of the branches.
    backend : str, optional
        See :mod:`bsn.ops.backend`.

    Returns
    -------
    Tensor, shape (M, heads, C / heads, C / heads)
        Softmax over the last axis, or the mixture of several; M = N for ``scope="phase"``, N / phases for ``"global"``.

    Raises
    ------
    ValueError, BackendError
        See :func:`channel_attention`.
    """
    check_image("channel_attention", q, "q")
    check_same_shape("channel_attention", q=q, k=k)
    n, c, h, w = q.shape
    if heads < 1 or c % heads:
        raise ValueError(f"channel_attention: {c} channels cannot be split into {heads} groups")
    if temperature.numel() != heads:
        raise ValueError(
            f"channel_attention: {temperature.numel()} temperatures for {heads} groups; one each is needed"
        )
    if scope not in ("phase", "global"):
        raise ValueError(f"channel_attention: scope {scope!r} is unknown; use 'phase' or 'global'")
    pooled = phases if scope == "global" else 1
    if n % pooled:
        raise ValueError(f"channel_attention: {n} phase images are not whole images of {phases} phases")
    if c // heads > h * w * pooled:
        warnings.warn(
            f"channel attention over groups of {c // heads} channels has only {h * w * pooled} positions to pool; "
            "use a larger crop or more groups",
            RankDeficientGramWarning,
            stacklevel=3,
        )
    kept = _kept(ratios, mix, c // heads)
    arguments = (q, k, temperature, heads, pooled, kept, None if mix is None else mix.flatten())
    return choose("channel_attention", BACKENDS, backend, *arguments)(*arguments)


def channel_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    temperature: Tensor,
    *,
    heads: int,
    scope: ChannelScope = "phase",
    phases: int = 4,
    ratios: Sequence[Ratio] = DENSE,
    mix: Tensor | None = None,
    backend: str | None = None,
) -> Tensor:
    """Mix the channels of each group by the softmax of their correlations.

    With q_i, k_j the channels of one group as vectors over the pooled positions::

        A = softmax_j( temperature * <q_i, k_j> / (|q_i| |k_j|) )        out_i = sum_j A_ij v_j

    With several `ratios` there is one such matrix per ratio, restricted to the largest entries of each row, and their
    mixture is applied at once: out = (sum_r mix_r A_r) v, one product with the pixels instead of one per branch.

    Parameters
    ----------
    q, k, v : Tensor, shape (N, C, H, W)
        Phase images as :func:`bsn.lattice.split_phases` stacks them: `phases` consecutive entries per image. For
        ordinary images (and ordinary channel attention) pass ``scope="phase"``, which pools over each entry.
    temperature : Tensor, `heads` values, shape (heads,) or (heads, 1, 1)
        Factor of the logits of each head.
    heads : int
        Number of groups of C / heads contiguous channels.
    scope : {"phase", "global"}
        Positions that a Gram matrix pools: one entry of the batch (strictly blind), or all `phases` entries of one image
        (the published TBSN; couples a pixel with itself).
    phases : int
        Entries per image, dilation². Used by ``scope="global"`` only.
    ratios : sequence of (int, int)
        One branch per fraction: its softmax runs over the floor(fraction * C / heads) largest logits of each row, by
        exact selection (:func:`torch.topk`), and is zero elsewhere. (1, 1) is dense, the default.
    mix : Tensor, one value per ratio, optional
        Factors of the branches; they need not sum to 1. Needed for more than one ratio.
    backend : str, optional
        See :mod:`bsn.ops.backend`.

    Returns
    -------
    Tensor, shape (N, C, H, W)

    Raises
    ------
    ValueError
        If shapes, groups, phases or ratios do not fit; a ratio that keeps no channel of a group is refused.

    Warns
    -----
    RankDeficientGramWarning
        If a group is wider than the number of positions.

    References
    ----------
    Zamir et al., "Restormer", CVPR 2022 (MDTA); TBSN, arXiv 2404.07846 (grouped form); DDSA,
    arXiv 2308.07781 (dense and top-k branches); ELF, arXiv 2207.10455 (three sources).

    Examples
    --------
    >>> import torch
    >>> q, k, v = torch.rand(3, 4, 8, 16, 16).unbind()
    >>> channel_attention(q, k, v, torch.ones(2), heads=2).shape
    torch.Size([4, 8, 16, 16])
    """
    check_same_shape("channel_attention", q=q, k=k, v=v)
    weights = channel_mixing_matrices(
        q, k, temperature, heads=heads, scope=scope, phases=phases, ratios=ratios, mix=mix, backend=backend
    )
    arguments = (weights, v, phases if scope == "global" else 1)
    return choose("channel_attention", APPLY_BACKENDS, backend, *arguments)(*arguments)
