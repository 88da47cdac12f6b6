"""Windows of a stack: every frame with its neighbours, as networks with context take them.

A window is one tensor: the channels of the frame itself come first, then those of its neighbours in their order along the
stack, ``t - k ... t - 1, t + 1 ... t + k``. Beside it stands which neighbours there are. The slot of a neighbour that is
missing, at the ends of a stack, holds zeros, never another frame: a repeated end frame would put the frame itself into a slot
that the network sees, and a mirrored one would count as two witnesses.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bsn.data.sources.neighbours import neighbour_offsets

__all__ = ["LARGEST_CONTEXT", "check_context", "neighbour_offsets", "windows"]

LARGEST_CONTEXT = 16
"""Most neighbours on each side; beyond, a wrong number is more likely than a wish."""


def check_context(context: int, *, hole: bool) -> None:
    """Refuse numbers of neighbours that a network cannot have.

    Parameters
    ----------
    context : int
        Neighbours on each side.
    hole : bool
        Whether the neighbours have the hole of the frame itself, too.

    Raises
    ------
    ValueError
        For a number out of range, and for a hole in neighbours that are not there.
    """
    if not 0 <= context <= LARGEST_CONTEXT:
        raise ValueError(f"context {context} is out of range; use 0 to {LARGEST_CONTEXT} neighbours on each side")
    if hole and not context:
        raise ValueError("context_hole hides a part of the neighbouring frames, and context 0 has none; leave it out")


def windows(stack: Tensor, context: int) -> tuple[Tensor, Tensor]:
    """Every frame of a stack with its neighbours.

    Parameters
    ----------
    stack : Tensor, shape (T, C, H, W)
        Frames in their order.
    context : int
        Neighbours k on each side.

    Returns
    -------
    windows : Tensor, shape (T, (2 k + 1) C, H, W)
        The frame itself, then its neighbours; zeros where there is none.
    available : Tensor of the stack's dtype, shape (T, 2 k)
        1 for neighbours that are there, 0 for the others.

    Examples
    --------
    >>> stack = torch.arange(1.0, 4.0).view(3, 1, 1, 1)
    >>> found, available = windows(stack, 1)
    >>> found[:, :, 0, 0].tolist(), available.tolist()
    ([[1.0, 0.0, 2.0], [2.0, 1.0, 3.0], [3.0, 2.0, 0.0]], [[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]])
    """
    count = len(stack)
    parts, there = [stack], []
    for offset in neighbour_offsets(context):
        part, known = torch.zeros_like(stack), torch.zeros(count, dtype=stack.dtype, device=stack.device)
        first, last = max(-offset, 0), min(count - offset, count)
        if first < last:
            part[first:last] = stack[first + offset : last + offset]
            known[first:last] = 1
        parts.append(part)
        there.append(known)
    available = torch.stack(there, 1) if there else stack.new_zeros(count, 0)
    return torch.cat(parts, 1), available
