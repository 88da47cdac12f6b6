"""Padding by reflection to a size that is only known when the network runs."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["reflect_to", "reflect_to_multiple"]


def reflect_to(x: Tensor, height: int, width: int) -> Tensor:
    """Pad bottom and right by reflection, back and forth if one is not enough.

    The indices are computed in tensors, so that an exported graph does it for any size; the result is that of
    :func:`bsn.lattice.pad_within_phases` at period 1.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    height, width : int
        At least H and W.

    Returns
    -------
    Tensor, shape (N, C, height, width)

    Examples
    --------
    >>> reflect_to(torch.arange(3.0).reshape(1, 1, 1, 3), 1, 7)[0, 0, 0].tolist()
    [0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0]
    """
    for axis, padded in ((2, height), (3, width)):
        if not torch.compiler.is_exporting() and x.shape[axis] == padded:
            continue
        position = torch.arange(padded, device=x.device)
        last = torch.full_like(position, x.shape[axis] - 1)
        # Distance from the nearest even multiple of `last`: 0 1 2 .. last .. 2 1 0 1 ..; a single pixel is repeated.
        cycle = (2 * last).clamp(min=1)
        step = torch.remainder(position, cycle)
        x = x.index_select(axis, torch.minimum(step, cycle - step).minimum(last))
    return x


def reflect_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Pad bottom and right by reflection to the next multiples.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
    multiple : int

    Returns
    -------
    Tensor, shape (N, C, H', W')

    Examples
    --------
    >>> reflect_to_multiple(torch.zeros(1, 1, 5, 8), 4).shape
    torch.Size([1, 1, 8, 8])
    """
    # No division of negative numbers: exported graphs round those towards zero.
    height, width = ((side + multiple - 1) // multiple * multiple for side in x.shape[-2:])
    return reflect_to(x, height, width)
