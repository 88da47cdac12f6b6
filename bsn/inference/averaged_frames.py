"""Stacks for models that see their pixel: every frame is read as an average with its neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from typing_extensions import override

from bsn.data import DataError
from bsn.inference.alignment import PilotFrame, aligned_average
from bsn.inference.fitness import ImagePlanes
from bsn.inference.stacked_planes import StackedPlanes

__all__ = ["AveragedFrames"]


class AveragedFrames(StackedPlanes):
    """An image whose planes are averages with their neighbours, aligned by a first denoised version of each.

    Memory holds the frames of one window, whole, twice.

    Parameters
    ----------
    image : ImagePlanes
        The noisy image.
    pilot : callable
        Denoises a plane (C, H, W) for the alignment.
    neighbours : int
        Frames on each side; at the ends of a stack, those that there are.
    axis : str
        "T" or "Z"; empty takes T where there is one, else Z.

    Raises
    ------
    DataError
        The image has several planes, and nobody says what follows what.
    """

    def __init__(
        self, image: ImagePlanes, pilot: Callable[[np.ndarray], np.ndarray], neighbours: int, axis: str = ""
    ) -> None:
        if image.planes > 1 and image.stacked is None:
            raise DataError(
                f"neighbours of {image.planes} planes", "their axes are not known", "state the axes, such as TYX or ZYX"
            )
        super().__init__(image, axis)
        self._pilot, self._count = pilot, neighbours
        self._place = {plane: (stack, at) for stack in self.stacks for at, plane in enumerate(stack)}
        self._frames: dict[int, PilotFrame] = {}
        self._averaged: tuple[int, np.ndarray] | None = None

    @override
    def read_unit(self, plane_index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Region (C, height, width) of a plane averaged with its neighbours, float32, image values."""
        if self._averaged is None or self._averaged[0] != plane_index:
            self._averaged = plane_index, self._average(plane_index)
        return self._averaged[1][:, top : top + height, left : left + width]

    def _average(self, plane: int) -> np.ndarray:
        stack, at = self._place[plane]
        near = stack[max(at - self._count, 0) : at + self._count + 1]
        self._frames = {number: frame for number, frame in self._frames.items() if number in near}
        for number in near:
            if number not in self._frames:
                noisy = self._image.read_unit(number, 0, 0, *self.size)
                self._frames[number] = PilotFrame(noisy, self._pilot(noisy))
        return aligned_average(self._frames[plane], (self._frames[number] for number in near if number != plane))
