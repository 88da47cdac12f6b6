"""The stacks of a source of images, measured on a sample."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np

from bsn.data import DataError, ImageSource, neighbour_of
from bsn.data.sources.samples import evenly, middle
from bsn.noise.judgement import grey_level_of
from bsn.noise.stacks.readings import StackReadings, measure_stack

__all__ = ["MeasuredStack", "judge_stacks", "stacks_of"]


@dataclass(frozen=True)
class StackSample:
    """How much of a source is looked at.

    Parameters
    ----------
    stacks, frames, side : int
        Most stacks, most frames of each, which follow each other, and largest side of their middle in pixels.
    """

    stacks: int = 3
    frames: int = 24
    side: int = 256


SAMPLE = StackSample()


@dataclass(frozen=True)
class MeasuredStack:
    """A stack of a source, and what was measured on it.

    Parameters
    ----------
    name : str
        Name of its first plane.
    frames : int
        Planes of the stack.
    readings : StackReadings
        Measured on some of them.
    """

    name: str
    frames: int
    readings: StackReadings


def stacks_of(source: ImageSource, axis: str = "") -> list[list[int]]:
    """Images of a source that follow each other.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    axis : str
        "T" or "Z"; empty takes T where there is one, else Z.

    Returns
    -------
    list of list of int
        Numbers of the images of each stack in their order; images that are in none are left out.
    """
    found = []
    for index in range(len(source)):
        if neighbour_of(source, index, -1, axis) is None and neighbour_of(source, index, 1, axis) is not None:
            stack = [index]
            while (following := neighbour_of(source, stack[-1], 1, axis)) is not None:
                stack.append(following)
            found.append(stack)
    return found


def judge_stacks(source: ImageSource, axis: str = "") -> list[MeasuredStack]:
    """Measure some stacks of a source.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    axis : str
        "T" or "Z"; empty takes T where there is one, else Z.

    Returns
    -------
    list of MeasuredStack
        Empty where there are none, or where they are too small.
    """
    stacks, level, found = stacks_of(source, axis), grey_level_of(source), []
    for number in evenly(len(stacks), SAMPLE.stacks):
        stack = stacks[number]
        first = max(0, (len(stack) - SAMPLE.frames) // 2)
        place = middle(source.size(stack[0]), SAMPLE.side)
        with contextlib.suppress(DataError):
            frames = np.stack([source.crop(index, *place) for index in stack[first : first + SAMPLE.frames]])
            found.append(MeasuredStack(source.name(stack[0]), len(stack), measure_stack(frames, grey_level=level)))
    return found
