"""The pattern of a stack that is read frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bsn.data.sources.samples import evenly
from bsn.noise.stacks.pattern import FoundPattern, find_pattern
from bsn.noise.stacks.sums import StackSums

__all__ = ["pattern_of_stack"]

_RUN, _RUNS = 8, 25


def pattern_of_stack(stack: Sequence[int], read: Callable[[int], np.ndarray]) -> FoundPattern:
    """Find the pattern of a stack from at most 200 of its frames, in runs of 8 that follow each other.

    Parameters
    ----------
    stack : sequence of int
        Numbers of the planes, in their order.
    read : callable
        Gives the frame of a plane, shape (C, H, W), image values; missing ones are not finite.

    Returns
    -------
    FoundPattern
    """
    sums = StackSums()
    if len(stack) < _RUN:
        sums.add(read(stack[0]))
        return find_pattern(sums)
    runs = [stack[first : first + _RUN] for first in range(0, len(stack), _RUN)]
    for number in evenly(len(runs), _RUNS):
        sums.new_run()
        for plane in runs[number]:
            sums.add(read(plane))
    return find_pattern(sums)
