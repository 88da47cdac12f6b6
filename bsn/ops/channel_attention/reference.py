"""Grouped channel attention in plain PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["NORM_FLOOR", "apply_channel_weights", "channel_attention_weights", "mixed_softmax"]

NORM_FLOOR = 1e-12


def _rows(x: Tensor, heads: int) -> Tensor:
    """View (N, C, H, W) as (N, heads, C / heads, H W)."""
    return x.flatten(2).unflatten(1, (heads, x.shape[1] // heads))


def _pool(statistic: Tensor, phases: int) -> Tensor:
    """Sum a statistic over the `phases` consecutive entries that belong to one image."""
    if phases == 1:
        return statistic
    return statistic.unflatten(0, (-1, phases)).sum(1)


def _norms(rows: Tensor, phases: int, wide: torch.dtype) -> Tensor:
    """Norm of every channel over the positions of its image, (M, heads, C / heads); its gradient at zero is zero."""
    return torch.linalg.vector_norm(rows.unflatten(0, (-1, phases)), dim=(1, 4), dtype=wide)


def _softmax_of_largest(logits: Tensor, kept: int) -> Tensor:
    """Softmax over the `kept` largest logits of every row, zero elsewhere."""
    if kept == logits.shape[-1]:
        return torch.softmax(logits, -1)
    values, places = logits.topk(kept, dim=-1)
    return torch.zeros_like(logits).scatter(-1, places, torch.softmax(values, -1))


def mixed_softmax(
    gram: Tensor,
    q_norm: Tensor,
    k_norm: Tensor,
    temperature: Tensor,
    kept: tuple[int, ...] | None,
    mix: Tensor | None,
) -> Tensor:
    """Attention matrices from products and norms.

    Parameters
    ----------
    gram : Tensor, shape (M, heads, c, c)
        Products of the channels of queries and keys.
    q_norm, k_norm : Tensor, shape (M, heads, c)
        Norms of the channels, at least :data:`NORM_FLOOR`.
    temperature, kept, mix
        See :func:`channel_attention_weights`.

    Returns
    -------
    Tensor, shape (M, heads, c, c)
    """
    cosine = gram / (q_norm.unsqueeze(-1) * k_norm.unsqueeze(-2))
    logits = cosine * temperature.to(gram.dtype).reshape(gram.shape[1], 1, 1)
    branches = [_softmax_of_largest(logits, count) for count in kept or (logits.shape[-1],)]
    if mix is None:
        return branches[0]
    return sum(
        (factor * branch for factor, branch in zip(mix.to(gram.dtype), branches, strict=True)), torch.zeros_like(logits)
    )


def channel_attention_weights(
    q: Tensor,
    k: Tensor,
    temperature: Tensor,
    heads: int,
    phases: int,
    kept: tuple[int, ...] | None = None,
    mix: Tensor | None = None,
) -> Tensor:
    """Attention matrices between the channels of each group.

    Parameters
    ----------
    q, k : Tensor, shape (N, C, H, W)
        Queries and keys.
    temperature : Tensor, shape (heads, 1, 1)
        Factor of the logits of each head.
    heads : int
        Number of heads, which divides C, and of consecutive entries of the batch that share a matrix.
    phases : int
        Consecutive entries of the batch that share one matrix.
    kept : tuple of int, optional
        Number of entries that each branch keeps of a row; None keeps all of them in one branch.
    mix : Tensor, optional
        Factors of the branches; None for one branch of factor 1, whose rows sum to 1.

    Returns
    -------
    Tensor, shape (N / phases, heads, C / heads, C / heads)
    """
    q, k = _rows(q, heads), _rows(k, heads)
    wide = torch.float64 if q.dtype == torch.float64 else torch.float32
    # Dividing the Gram matrix by the norms equals normalising q and k first, without writing them again.
    gram = _pool((q @ k.transpose(-1, -2)).to(wide), phases)
    q_norm, k_norm = (_norms(x, phases, wide).clamp_min(NORM_FLOOR) for x in (q, k))
    return mixed_softmax(gram, q_norm, k_norm, temperature, kept, mix)


def apply_channel_weights(weights: Tensor, v: Tensor, phases: int) -> Tensor:
    """Mix the channels of each image by its matrices.

    Parameters
    ----------
    weights : Tensor, shape (N / phases, heads, C / heads, C / heads)
        Attention matrices.
    v : Tensor, shape (N, C, H, W)
        Queries, keys and values.
    phases : int
        Consecutive entries of the batch that share one matrix.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    if phases > 1:
        weights = weights.repeat_interleave(phases, 0)
    heads = weights.shape[1]
    return (weights.to(v.dtype) @ _rows(v, heads)).reshape(v.shape)
