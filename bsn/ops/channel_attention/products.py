"""Attention matrices of the channels by two batched matrix products of PyTorch, with the small softmax between; any device.

The Gram matrix is a sum over all positions, 65,536 of them for a small matrix: on a GPU a single product per image would
keep a few multiprocessors busy. The positions are cut into shares (split-K), each share is one entry of a batched product, and
the partial matrices are summed in float32.

On a GPU, where q and k are neighbouring channels of one tensor, as a projection leaves them, one symmetric product
[q k]^T [q k] gives the Gram matrix and, on its diagonal, both squared norms, with one read of both; its gradient is one
product, too. On a processor, where products cost more than reads, the norms are sums of their own, over rows of channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bsn.ops.channel_attention.reference import NORM_FLOOR, mixed_softmax
from bsn.ops.layout import is_pixel_major

__all__ = ["channel_attention_weights_products", "refuse_products"]

SHARES = 256  # entries of a batched product on a GPU: two per multiprocessor
FEWEST = 512  # positions of a share


def refuse_products(q: Tensor, k: Tensor, *_: Any) -> str | None:
    """Say why a call is not for this form.

    Parameters
    ----------
    q, k : Tensor, shape (N, C, H, W)
        Queries and keys.

    Returns
    -------
    str or None
        The reason; None if the form takes the call.
    """
    if torch.compiler.is_compiling() or torch.compiler.is_exporting():
        return "compilers and exports take the reference"
    if q.device.type not in ("cpu", "cuda"):
        return f"the tensors are on {q.device.type}; it was tried on cpu and cuda"
    if q.dtype != k.dtype:
        return f"q and k are of different types ({q.dtype}, {k.dtype})"
    if not q.is_cuda and q.dtype in (torch.float16, torch.bfloat16):
        return f"products of {q.dtype} are rounded to it on a processor, and the norms need float32"
    return None


def _pixels(x: Tensor) -> Tensor:
    """View (N, C, H, W) as (N, H W, C); a copy only where neither pixels nor channels are neighbours in memory."""
    n, c, h, w = x.shape
    return x.permute(0, 2, 3, 1).reshape(n, h * w, c)


def _side_by_side(q: Tensor, k: Tensor) -> Tensor | None:
    """Both as one view (N, 2 C, H, W), if k lies behind q in the channels of one tensor."""
    if not is_pixel_major(q) or q.stride() != k.stride() or q.dtype != k.dtype:
        return None
    if q.untyped_storage().data_ptr() != k.untyped_storage().data_ptr():
        return None
    n, c, h, w = q.shape
    if k.storage_offset() - q.storage_offset() != c or (h * w > 1 and min(q.stride(2), q.stride(3)) < 2 * c):
        return None
    return q.as_strided((n, 2 * c, h, w), q.stride(), q.storage_offset())


def _wide_product(a: Tensor, b: Tensor) -> Tensor:
    """Batched a^T b of pixels (B, P, C), summed and kept in float32 at least."""
    if a.is_cuda and a.dtype in (torch.float16, torch.bfloat16):
        return torch.bmm(a.mT, b, out_dtype=torch.float32)
    return torch.bmm(a.mT, b)


def _split_product(a: Tensor, b: Tensor, shares: int) -> Tensor:
    """a^T b of (N, P, C) and (N, P, D) as (N, C, D), with the positions in equal shares and a rest."""
    n, positions = a.shape[:2]
    each = positions // shares
    if shares <= 1 or each < 1:
        return _wide_product(a, b)
    whole = shares * each

    def cut(x: Tensor) -> Tensor:
        return x[:, :whole].unflatten(1, (shares, each)).flatten(0, 1)

    total = _wide_product(cut(a), cut(b)).unflatten(0, (n, shares)).sum(1)
    if whole < positions:
        total = total + _wide_product(a[:, whole:], b[:, whole:])
    return total


def _plan(x: Tensor) -> tuple[int, bool]:
    """Shares of the positions of one image, and whether q and k go through one product: many on a GPU, one on a processor."""
    if not x.is_cuda:
        return 1, False
    return max(1, min(SHARES // max(len(x), 1), x.shape[2] * x.shape[3] // FEWEST)), True


def _blocks(whole: Tensor, heads: int) -> Tensor:
    """Diagonal blocks (N, heads, c, c) of matrices (N, heads c, heads c)."""
    c = whole.shape[-1] // heads
    return whole.unflatten(2, (heads, c)).unflatten(1, (heads, c)).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)


def _block_diagonal(blocks: Tensor) -> Tensor:
    """Matrices (N, heads c, heads c) of which (N, heads, c, c) are the diagonal blocks, zero elsewhere."""
    heads = blocks.shape[1]
    own = torch.eye(heads, dtype=blocks.dtype, device=blocks.device)
    return torch.einsum("nhij,hg->nhigj", blocks, own).flatten(3, 4).flatten(1, 2)


def _statistics(q: Tensor, k: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Gram matrices (N, heads, c, c) and squared norms (N, heads, c) of q and of k, of each entry of the batch."""
    channels, (shares, together) = q.shape[1], _plan(q)
    both = _side_by_side(q, k) if together else None
    if both is not None:
        pixels = _pixels(both)
        product = _split_product(pixels, pixels, shares)
        squares = product.diagonal(dim1=1, dim2=2).unflatten(1, (2, heads, channels // heads))
        return _blocks(product[:, :channels, channels:], heads), squares[:, 0], squares[:, 1]
    a, b = _pixels(q), _pixels(k)
    wide = a.dtype if a.dtype in (torch.float32, torch.float64) else torch.float32
    grams = [_split_product(x, y, shares) for x, y in zip(a.chunk(heads, 2), b.chunk(heads, 2), strict=True)]
    squares = [x.to(wide).square().sum(1).unflatten(1, (heads, -1)) for x in (a, b)]
    return torch.stack(grams, 1), squares[0], squares[1]


class _Statistics(torch.autograd.Function):
    """Gram matrices and squared norms; the gradient of both images is one product with one small matrix."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
        ctx.save_for_backward(q, k)
        return _statistics(q, k, heads)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        q, k = ctx.saved_tensors
        of_gram, of_q, of_k = grads
        n, channels, h, w = q.shape
        gram = _block_diagonal(of_gram)
        own = [2 * torch.diag_embed(of.flatten(1)) for of in (of_q, of_k)]
        # [dq dk] = [q k] [[2 diag of_q, G], [G^T, 2 diag of_k]]
        upper, lower = torch.cat([own[0], gram.to(own[0])], 2), torch.cat([gram.mT.to(own[0]), own[1]], 2)
        both = _side_by_side(q, k)
        pixels = _pixels(torch.cat([q, k], 1) if both is None else both)
        found = torch.bmm(pixels, torch.cat([upper, lower], 1).to(q.dtype))
        dq, dk = found.view(n, h, w, 2 * channels).permute(0, 3, 1, 2).chunk(2, 1)
        return dq, dk, None


def channel_attention_weights_products(
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
    q, k, temperature, heads, phases, kept, mix
        See :func:`bsn.ops.channel_attention.reference.channel_attention_weights`.

    Returns
    -------
    Tensor, shape (N / phases, heads, C / heads, C / heads)
    """
    if torch.is_grad_enabled() and (q.requires_grad or k.requires_grad):
        found = _Statistics.apply(q, k, heads)
    else:
        found = _statistics(q, k, heads)
    if phases > 1:
        found = tuple(t.unflatten(0, (-1, phases)).sum(1) for t in found)
    # Clamped before the root: the gradient of a norm at zero is zero, not infinite.
    of_q, of_k = (squares.clamp_min(NORM_FLOOR**2).sqrt() for squares in found[1:])
    return mixed_softmax(found[0], of_q, of_k, temperature, kept, mix)
