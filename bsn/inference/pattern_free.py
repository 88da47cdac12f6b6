"""Planes of a stack without the pattern that all of its frames share."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
from typing_extensions import override

from bsn.inference.config import InferenceConfig
from bsn.inference.fitness import ImagePlanes
from bsn.inference.stacked_planes import StackedPlanes
from bsn.models import Model
from bsn.noise.stacks import pattern_of_stack

__all__ = ["PatternFree", "plane_order", "subtracts_pattern", "without_pattern"]


class PatternFree(StackedPlanes):
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
        super().__init__(image, axis)
        self._of = {plane: number for number, stack in enumerate(self.stacks) for plane in stack}
        self._held: tuple[int, np.ndarray | None] = (-1, None)

    @override
    def read_unit(self, plane_index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Region (C, height, width) of a plane without its pattern, float32, image values."""
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
    return itertools.chain.from_iterable(image.stacks) if isinstance(image, StackedPlanes) else range(image.planes)
