"""A plane whose results are judged: what is looked at of it, and what was read there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

from bsn.inference.measuring import Region, measured_places, with_gaps
from bsn.inference.stages import Place

__all__ = ["JudgedPlane", "JudgedRegions"]

_MIDDLE = 192  # side of the middle of a small plane, on which it is judged
_PART = 128  # side of the four parts of a larger one
_WHOLE = 512  # side of the square whose pixels are looked at one and all


class JudgedRegions(NamedTuple):
    """Regions of a plane on which its result is judged.

    Parameters
    ----------
    regions : list of Tensor
        Regions as the model takes them, with those of neighbouring frames where it takes such.
    places : list of Place
        Where each of them lies.
    noisy : list of Tensor, shape (1, C, h, w), float32
        The frame itself in each of them, in image values.
    """

    regions: list[Tensor]
    places: list[Place]
    noisy: list[Tensor]

    def results(self, denoise: Callable[[Tensor, Place], Tensor]) -> list[Tensor]:
        """Denoise the regions.

        Parameters
        ----------
        denoise : callable
            Maps a region and its place to the result, shape (1, C, h, w).

        Returns
        -------
        list of Tensor, shape (1, C, h, w)
        """
        return [denoise(region, place) for region, place in zip(self.regions, self.places, strict=True)]


@dataclass(frozen=True)
class JudgedPlane:
    """A noisy plane, for whoever judges results of it.

    Parameters
    ----------
    read : callable
        See :data:`bsn.inference.measuring.Region`.
    own : callable
        Takes the frame itself from what `read` gives, without its neighbours.
    size : tuple of int
        (H, W) in pixels.
    """

    read: Region
    own: Callable[[Tensor], Tensor]
    size: tuple[int, int]

    def measured(self) -> list[np.ndarray]:
        """Read the parts on which noise is measured.

        Returns
        -------
        list of ndarray, shape (C, h, w), float32
            Those of :func:`bsn.inference.measuring.measured_places`, in image values; missing pixels are NaN.
        """
        return with_gaps(self.read, [self.own(self.read(*box)) for box in measured_places(self.size)], self.size)

    def judged(self, grid: int) -> JudgedRegions:
        """Read the regions on which results are judged: the middle of a small plane, or four parts of a larger one.

        Parameters
        ----------
        grid : int
            Regions start at multiples of this.

        Returns
        -------
        JudgedRegions
        """
        return self._regions(self._boxes(grid))

    def glance(self, grid: int) -> JudgedRegions:
        """Read two regions that lie across from each other, or the middle of a small plane, for a quick look.

        Parameters
        ----------
        grid : int
            Regions start at multiples of this.

        Returns
        -------
        JudgedRegions
        """
        return self._regions(self._boxes(grid)[::3])

    def spread(self, grid: int) -> JudgedRegions:
        """Read regions that show what all of the plane looks like: all of a small one, or nine parts from edge to edge.

        Parameters
        ----------
        grid : int
            Regions start at multiples of this.

        Returns
        -------
        JudgedRegions
        """
        height, width = self.size
        if height * width <= _WHOLE**2:
            return self._regions([(0, 0, height, width)])
        h, w = min(_PART, height), min(_PART, width)
        tops, lefts = (
            [(side - part) * place // 2 // grid * grid for place in range(3)]
            for side, part in ((height, h), (width, w))
        )
        return self._regions([(top, left, h, w) for top in sorted(set(tops)) for left in sorted(set(lefts))])

    def _regions(self, boxes: list[tuple[int, int, int, int]]) -> JudgedRegions:
        regions = [self.read(*box) for box in boxes]
        return JudgedRegions(regions, [Place(*box[:2]) for box in boxes], [self.own(part).float() for part in regions])

    def _boxes(self, grid: int) -> list[tuple[int, int, int, int]]:
        """Boxes (top, left, height, width) of the judged regions."""
        height, width = self.size
        if min(self.size) < 2 * _MIDDLE:
            h, w = min(height, _MIDDLE), min(width, _MIDDLE)
            found = [((height - h) // 2, (width - w) // 2, h, w)]
        else:
            found = [
                ((height - _PART) * t // 3, (width - _PART) * u // 3, _PART, _PART) for t in (1, 2) for u in (1, 2)
            ]
        return [(top // grid * grid, left // grid * grid, h, w) for top, left, h, w in found]
