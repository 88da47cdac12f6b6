"""Images padded by mirroring at the bottom and right, to a size that may only be known when the network runs."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["mirror", "mirror_to_multiple", "mirrored_position"]


def mirrored_position(position: int, length: int) -> int:
    """Find the pixel that a position beyond the end of an axis shows, the last pixel occurring once.

    Parameters
    ----------
    position : int
        Position, from 0 on.
    length : int
        Pixels of the axis, at least 1.

    Returns
    -------
    int
        Position from 0 to ``length - 1``.

    Examples
    --------
    >>> [mirrored_position(i, 3) for i in range(6)]
    [0, 1, 2, 1, 0, 1]
    """
    cycle = max(2 * (length - 1), 1)
    step = position % cycle
    return min(step, cycle - step)


def mirror(x: Tensor, height: int, width: int, *, repeat_edge: bool = False) -> Tensor:
    """Mirror an image at its bottom and right until it has a size, back and forth if once is not enough.

    The indices are computed in tensors, so an exported graph mirrors images of any size.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Any size from 1 x 1 on.
    height, width : int
        Not smaller than the image.
    repeat_edge : bool
        Whether the last row and column occur twice (numpy calls it "symmetric") or once ("reflect").

    Returns
    -------
    Tensor, shape (N, C, height, width)
        `x` itself where nothing has to be added.

    Examples
    --------
    >>> x = torch.arange(3.0).reshape(1, 1, 1, 3)
    >>> mirror(x, 1, 7)[0, 0, 0].tolist(), mirror(x, 1, 6, repeat_edge=True)[0, 0, 0].tolist()
    ([0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 2.0, 1.0, 0.0])
    """
    twice = int(repeat_edge)
    for axis, padded in ((2, height), (3, width)):
        if not torch.compiler.is_exporting() and x.shape[axis] == padded:
            continue
        position = torch.arange(padded, device=x.device)
        last = torch.full_like(position, x.shape[axis] - 1)
        # Distance from the nearest start of a period: 0 1 2 .. last .. 2 1 0 1 ..; a single pixel is repeated.
        cycle = (2 * (last + twice)).clamp(min=1)
        step = torch.remainder(position, cycle)
        x = x.index_select(axis, torch.minimum(step, cycle - twice - step).minimum(last))
    return x


def mirror_to_multiple(x: Tensor, multiple: int, *, repeat_edge: bool = False) -> Tensor:
    """Mirror an image at its bottom and right to the next multiples.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Any size from 1 x 1 on.
    multiple : int
        What both sides of the result are multiples of.
    repeat_edge : bool
        Whether the edge is repeated, see :func:`mirror`.

    Returns
    -------
    Tensor, shape (N, C, H', W')

    Examples
    --------
    >>> mirror_to_multiple(torch.zeros(1, 1, 5, 8), 4).shape
    torch.Size([1, 1, 8, 8])
    """
    # No division of negative numbers: exported graphs round those towards zero.
    height, width = ((side + multiple - 1) // multiple * multiple for side in x.shape[-2:])
    return mirror(x, height, width, repeat_edge=repeat_edge)
