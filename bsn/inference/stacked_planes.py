"""Images that are read in another form than they are stored, stack after stack."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from bsn.inference.fitness import ImagePlanes
from bsn.inference.neighbours import stacks_in

__all__ = ["StackedPlanes"]


class StackedPlanes(ABC):
    """An image whose planes are read with the help of the other planes of their stacks; size and type stay.

    Parameters
    ----------
    image : ImagePlanes
        The image as it is stored.
    axis : str
        "T" or "Z"; empty takes T where there is one, else Z.

    Attributes
    ----------
    stacks : sequence of sequence of int
        Numbers of the planes, in the order in which they are best read.
    """

    def __init__(self, image: ImagePlanes, axis: str = "") -> None:
        self._image, self.stacked = image, image.stacked
        self.stacks: Sequence[Sequence[int]] = stacks_in(image.stacked, image.planes, axis)

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

    @abstractmethod
    def read_unit(self, plane_index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Region of a plane in its new form, see :meth:`bsn.inference.fitness.ImagePlanes.read_unit`.

        Parameters
        ----------
        plane_index : int
            Number of the plane, from 0.
        top, left, height, width : int
            The region in pixels, inside the image.

        Returns
        -------
        ndarray, shape (C, height, width), float32, image values
        """
