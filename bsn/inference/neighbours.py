"""Frames with their neighbours, read once each: a ring of the frames that a window needs.

A frame enters the ring when the first window needs it, whole and mended, and leaves it behind the last one, so that the memory
of a stack is that of 2 k + 1 frames however long it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from bsn.data import neighbour_in, neighbour_offsets, stack_axis
from bsn.data.arrays.axes import PlaneIndex
from bsn.inference.mending import MendedPlane

__all__ = ["FrameRing", "HeldFrame", "Window", "stacks_in"]


def stacks_in(index: PlaneIndex | None, planes: int, axis: str = "") -> list[list[int]]:
    """Planes of an image in the order in which they are denoised: stack after stack.

    Parameters
    ----------
    index : PlaneIndex, optional
        Axes and shape; None where the meaning of the axes is not known, so that every plane stands alone.
    planes : int
        Number of planes.
    axis : str
        "T" or "Z"; empty takes T where there is one, else Z.

    Returns
    -------
    list of list of int

    Examples
    --------
    >>> stacks_in(PlaneIndex("TZYX", (3, 2, 8, 8)), 6), stacks_in(None, 2)
    ([[0, 2, 4], [1, 3, 5]], [[0], [1]])
    """
    if index is None or not stack_axis(index, axis):
        return [[plane] for plane in range(planes)]
    found = []
    for plane in range(planes):
        if neighbour_in(index, plane, -1, axis) is None:
            stack = [plane]
            while (following := neighbour_in(index, stack[-1], 1, axis)) is not None:
                stack.append(following)
            found.append(stack)
    return found


class HeldFrame:
    """A frame in memory, mended once.

    Parameters
    ----------
    mended : MendedPlane
        Reads it.
    """

    def __init__(self, mended: MendedPlane) -> None:
        self.mended, self.size = mended, mended.size
        self.pixels = mended(0, 0, *mended.size)
        holes = mended.missing(0, 0, *mended.size)
        self.holes = holes if holes.any() else np.zeros((1, 1, 1), bool)
        mended.release()

    def missing(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Tell which pixels of a region are missing, see :class:`bsn.inference.measuring.HasMissing`.

        Parameters
        ----------
        top, left, height, width : int
            The region in pixels.

        Returns
        -------
        ndarray of bool, shape (C or 1, height, width)
        """
        whole = np.broadcast_to(self.holes, (len(self.holes), *self.size))
        return whole[:, top : top + height, left : left + width]

    def __call__(self, top: int, left: int, height: int, width: int) -> Tensor:
        """Region of the frame, shape (1, C, h, w)."""
        return self.pixels[..., top : top + height, left : left + width]


class Window:
    """A frame with its neighbours, as a pipeline with neighbours takes it.

    Parameters
    ----------
    own : HeldFrame
        The frame itself.
    neighbours : sequence of HeldFrame or None
        In the order of :func:`bsn.data.neighbour_offsets`; None where there is none.
    """

    def __init__(self, own: HeldFrame, neighbours: Sequence[HeldFrame | None]) -> None:
        self.own, self.neighbours = own, neighbours

    @property
    def available(self) -> Tensor:
        """1 for neighbours that are there, 0 for the others, shape (1, 2 k)."""
        there = [[float(frame is not None) for frame in self.neighbours]]
        return torch.tensor(there, device=self.own.pixels.device)

    def __call__(self, top: int, left: int, height: int, width: int) -> Tensor:
        """Region of the frame and behind it those of its neighbours, shape (1, (2 k + 1) C, h, w)."""
        place = (top, left, height, width)
        own = self.own(*place)
        return torch.cat([own, *(torch.zeros_like(own) if f is None else f(*place) for f in self.neighbours)], 1)

    def missing(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Tell which pixels of the frame itself are missing, see :meth:`HeldFrame.missing`.

        Parameters
        ----------
        top, left, height, width : int
            The region in pixels.

        Returns
        -------
        ndarray of bool, shape (C or 1, height, width)
        """
        return self.own.missing(top, left, height, width)

    def give_back(self, top: int, image: np.ndarray, deviation: np.ndarray | None) -> None:
        """Put what was put aside into finished rows, see :meth:`MendedPlane.give_back`.

        Parameters
        ----------
        top : int
            First row.
        image, deviation : ndarray, shape (C, h, W)
            Changed in place.
        """
        self.own.mended.give_back(top, image, deviation)


class FrameRing:
    """The frames that the windows of a stack need, each read once.

    Parameters
    ----------
    stack : sequence of int
        Numbers of the planes, in their order.
    context : int
        Neighbours k on each side.
    read : callable
        Gives the frame of a plane.
    """

    def __init__(self, stack: Sequence[int], context: int, read: Callable[[int], HeldFrame]) -> None:
        self._stack, self._context, self._read = stack, context, read
        self._held: dict[int, HeldFrame] = {}

    def window(self, position: int) -> Window:
        """The frame at a position of the stack, with its neighbours. Positions come in order.

        Parameters
        ----------
        position : int
            From 0.

        Returns
        -------
        Window
        """
        first, last = max(position - self._context, 0), min(position + self._context, len(self._stack) - 1)
        self._held = {at: frame for at, frame in self._held.items() if at >= first}
        for at in range(first, last + 1):
            if at not in self._held:
                self._held[at] = self._read(self._stack[at])
        return Window(
            self._held[position], [self._held.get(position + offset) for offset in neighbour_offsets(self._context)]
        )
