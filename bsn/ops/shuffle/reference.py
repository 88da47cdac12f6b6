"""Phase-preserving space-to-depth and back in plain PyTorch."""

from __future__ import annotations

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

__all__ = ["shuffle_reference", "unshuffle_reference"]


def unshuffle_reference(x: Tensor, factor: int, dilation: int) -> Tensor:
    """Ordinary pixel-unshuffle of each phase; see :func:`bsn.ops.shuffle.phase_unshuffle`.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Images or features.
    factor, dilation : int
        Factor of the shuffle, and distance of neighbouring pixels of a phase.

    Returns
    -------
    Tensor, shape (N, C * factor**2, H / factor, W / factor)
    """
    if dilation == 1:
        return F.pixel_unshuffle(x, factor)
    return rearrange(
        x, "n c (y sy py) (x sx px) -> n (c sy sx) (y py) (x px)", sy=factor, sx=factor, py=dilation, px=dilation
    )


def shuffle_reference(x: Tensor, factor: int, dilation: int) -> Tensor:
    """Inverse of :func:`unshuffle_reference`.

    Parameters
    ----------
    x : Tensor, shape (N, C * factor**2, H, W)
        Images or features.
    factor, dilation : int
        Factor of the shuffle, and distance of neighbouring pixels of a phase.

    Returns
    -------
    Tensor, shape (N, C, H * factor, W * factor)
    """
    if dilation == 1:
        return F.pixel_shuffle(x, factor)
    return rearrange(
        x, "n (c sy sx) (y py) (x px) -> n c (y sy py) (x sx px)", sy=factor, sx=factor, py=dilation, px=dilation
    )
