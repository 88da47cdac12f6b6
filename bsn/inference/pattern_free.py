"""Planes of a stack without the pattern that all of its frames share."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from bsn.inference.averaged_frames import AveragedFrames
from bsn.inference.config import InferenceConfig
from bsn.inference.fitness import ImagePlanes
from bsn.inference.neighbours import stacks_in
from bsn.models import Model
from bsn.noise.stacks import pattern_of_stack

__all__ = ["PatternFree", "plane_order", "subtracts_pattern", "without_pattern"]


class PatternFree:
    """An image that is read without the pattern of its stacks.

    The pattern of a stack is found when its first plane is read, by reading some of its frames once more, and is held until
    another stack is read.

    Parameters
    ----------
    image : ImagePlanes
        The noisy image.
    axis : str
        "T" or "Z"; empty takes T where there is one, else Z.
    """

    def __init__(self, image: ImagePlanes, axis: str = "") -> None:
        self._image, self.stacked = image, image.stacked
        self.stacks: Sequence[Sequence[int]] = stacks_in(image.stacked, image.planes, axis)
        self._of = {plane: number for number, stack in enumerate(self.stacks) for plane in stack}
        self._held: tuple[int, np.ndarray | None] = (-1, None)

    @property
    def planes(self) -> int:
        """Number of planes."""
        return self._image.planes

    @property
    def channels(self) -> int:
        """Channels of each plane."""
        return self._image.channels

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of each plane."""
        return self._image.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self._image.dtype

    def read_unit(self, plane_index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Region (C, height, width) of a plane without its pattern, float32, image values.

        Parameters
        ----------
        plane_index : int
            Number of the plane, from 0.
        top, left, height, width : int
            The region in pixels, inside the image.

        Returns
        -------
        ndarray, shape (C, height, width), float32
        """
        region = self._image.read_unit(plane_index, top, left, height, width)
        offsets = self._offsets(self._of[plane_index])
        if offsets is None:
            return region
        free: np.ndarray = region - offsets[:, top : top + height, left : left + width]
        return free

    def _offsets(self, number: int) -> np.ndarray | None:
        if self._held[0] != number:
            found = pattern_of_stack(
                self.stacks[number], lambda plane: self._image.read_unit(plane, 0, 0, *self._image.size)
            )
            self._held = number, found.offsets if found.kinds else None
        return self._held[1]


def without_pattern(image: ImagePlanes, config: InferenceConfig, model: Model) -> ImagePlanes:
    """The image as the network sees it: without what all frames of a stack share, if that is to be taken off.

    Parameters
    ----------
    image : ImagePlanes
        The noisy image.
    config : InferenceConfig
        What the caller asks for.
    model : Model
        What the model was trained for.

    Returns
    -------
    ImagePlanes
    """
    return PatternFree(image, model.inference.context_axis) if subtracts_pattern(config, model) else image


def subtracts_pattern(config: InferenceConfig, model: Model) -> bool:
    """Whether what all frames of a stack share is taken off.

    Parameters
    ----------
    config : InferenceConfig
        What the caller asks for.
    model : Model
        What the model was trained for.

    Returns
    -------
    bool
    """
    return (config.fixed_pattern or model.inference.fixed_pattern) == "subtract"


def plane_order(image: ImagePlanes) -> Iterable[int]:
    """Planes in the order in which they are best read: stack after stack, where each has a pattern or neighbours.

    Parameters
    ----------
    image : ImagePlanes
        The image as the network sees it.

    Returns
    -------
    iterable of int
    """
    if isinstance(image, PatternFree | AveragedFrames):
        return itertools.chain.from_iterable(image.stacks)
    return range(image.planes)
