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
==========================  ==========================================
"""

from __future__ import annotations

import warnings
from typing import Literal

from torch import Tensor

from bsn.ops.backend import Implementation, choose
from bsn.ops.channel_attention.reference import apply_channel_weights, channel_attention_weights
from bsn.shapes import check_image, check_same_shape

__all__ = ["ChannelScope", "RankDeficientGramWarning", "channel_attention", "channel_mixing_matrices"]

ChannelScope = Literal["phase", "global"]


class RankDeficientGramWarning(UserWarning):
    """A group has more channels than positions, so its Gram matrix says more about single pixels than statistics."""


def _weights(q: Tensor, k: Tensor, temperature: Tensor, heads: int, phases: int) -> Tensor:
    return channel_attention_weights(q, k, temperature, heads, phases)


BACKENDS = {"reference": Implementation(_weights)}


def channel_mixing_matrices(
    q: Tensor,
    k: Tensor,
    temperature: Tensor,
    *,
    heads: int,
    scope: ChannelScope = "phase",
    phases: int = 4,
    backend: str | None = None,
) -> Tensor:
    """Attention matrices of :func:`channel_attention`, for callers that fold them into a projection.

    Parameters and errors as there.

    Returns
    -------
    Tensor, shape (M, heads, C / heads, C / heads)
        Softmax over the last axis; M = N for ``scope="phase"``, N / phases for ``"global"``.
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
    arguments = (q, k, temperature, heads, pooled)
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
    backend: str | None = None,
) -> Tensor:
    """Mix the channels of each group by the softmax of their correlations.

    With q_i, k_j the channels of one group as vectors over the pooled positions::

        A = softmax_j( temperature * <q_i, k_j> / (|q_i| |k_j|) )        out_i = sum_j A_ij v_j

    Parameters
    ----------
    q, k, v : Tensor, shape (N, C, H, W)
        Phase images as :func:`bsn.ops.phases.split_phases` stacks them: `phases` consecutive entries per image. For
        ordinary images (and ordinary channel attention) pass ``scope="phase"``, which pools over each entry.
    temperature : Tensor, `heads` values, shape (heads,) or (heads, 1, 1)
    heads : int
        Number of groups of C / heads contiguous channels.
    scope : {"phase", "global"}
        Positions that a Gram matrix pools: one entry of the batch (strictly blind), or all `phases` entries of one image
        (the published TBSN; couples a pixel with itself).
    phases : int
        Entries per image, dilation². Used by ``scope="global"`` only.
    backend : str, optional
        See :mod:`bsn.ops.backend`.

    Returns
    -------
    Tensor, shape (N, C, H, W)

    Raises
    ------
    ValueError
        If shapes, groups or phases do not fit.

    Warns
    -----
    RankDeficientGramWarning
        If a group is wider than the number of positions.

    References
    ----------
    Zamir et al., "Restormer", CVPR 2022 (MDTA); TBSN, arXiv 2404.07846 (grouped form).

    Examples
    --------
    >>> import torch
    >>> q, k, v = torch.rand(3, 4, 8, 16, 16).unbind()
    >>> channel_attention(q, k, v, torch.ones(2), heads=2).shape
    torch.Size([4, 8, 16, 16])
    """
    check_same_shape("channel_attention", q=q, k=k, v=v)
    weights = channel_mixing_matrices(q, k, temperature, heads=heads, scope=scope, phases=phases, backend=backend)
    return apply_channel_weights(weights, v, phases if scope == "global" else 1)
