"""How a plane is cut into tiles: overlapping segments of both axes, with weights that sum to one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Segment", "Tiling", "blended_segments", "exact_segments"]

_SMALLEST_DEFAULT = 1024
_HALOS_PER_TILE = 6


@dataclass(frozen=True)
class Segment:
    """Part of an axis: pixels [start, stop) go in, outputs are weighted by `weights` and added up.

    Parameters
    ----------
    start, stop : int
        First pixel, and the pixel after the last.
    weights : Tensor, shape (stop - start,)
        Over all segments of an axis the weights of each pixel sum to 1.
    """

    start: int
    stop: int
    weights: Tensor

    @property
    def first_used(self) -> int:
        """First pixel with a positive weight."""
        return self.start + int((self.weights > 0).int().argmax())

    def counts_in(self, start: int, stop: int) -> bool:
        """Whether outputs of the segment count within a range.

        Parameters
        ----------
        start, stop : int
            First pixel, and the pixel after the last.

        Returns
        -------
        bool
        """
        return bool((self.weights[max(start - self.start, 0) : max(stop - self.start, 0)] > 0).any())


@dataclass(frozen=True)
class Tiling:
    """How the planes of a pipeline are cut.

    Without global statistics the segments overlap by the halo and equal the whole image. With channel attention the
    statistics are those of the tile: tiles are never smaller than the training crop and are faded into each other.

    Parameters
    ----------
    grid : int
        Tiles start at multiples of this, so that they are cut and padded like the whole image.
    halo : int
        Farthest pixel that can influence an output other than through statistics of the whole.
    tile : int, optional
        Side of the tiles in pixels, halo included. None: chosen for the network; 0: the whole image at once.
    overlap : int, optional
        Overlap of blended tiles in pixels. None takes a quarter of the tile.
    pooled : int, optional
        Smallest side over which a network with global statistics may pool; None for networks without.
    """

    grid: int
    halo: int
    tile: int | None = None
    overlap: int | None = None
    pooled: int | None = None

    @property
    def side(self) -> int:
        """Side of the tiles in pixels where the network needs no statistics of the whole, halo included."""
        return self.tile or _round_up(max(_SMALLEST_DEFAULT, _HALOS_PER_TILE * self.halo), self.grid)

    def segments(self, length: int) -> list[Segment]:
        """Segments of one axis of `length` pixels.

        Parameters
        ----------
        length : int
            Pixels along the axis.

        Returns
        -------
        list of Segment
            Segments in order; their weights say how overlapping segments are blended.

        Raises
        ------
        ValueError
            If the tile asked for is too small; the message names one that is not.
        """
        if self.tile == 0:
            return [Segment(0, length, torch.ones(length))]
        if self.pooled is None:
            return exact_segments(length, self.side, self.halo, self.grid)
        if self.tile is not None and self.tile < min(self.pooled, length):
            raise ValueError(
                f"tile {self.tile} is smaller than the {self.pooled} pixels this model was trained on, and its channel "
                f"attention pools over a tile; use {self.pooled} or more, or 0 for the whole image at once"
            )
        tile = self.tile or _round_up(max(_SMALLEST_DEFAULT, self.pooled), self.grid)
        overlap = tile // 4 if self.overlap is None else self.overlap
        return blended_segments(length, tile, overlap, self.grid)

    def cuts(self, length: int) -> list[int]:
        """First pixels of the segments' own outputs.

        Parameters
        ----------
        length : int
            Pixels along the axis.

        Returns
        -------
        list of int
            From 0 on.
        """
        return [segment.first_used for segment in self.segments(length)]

    def smaller(self, side: int) -> int | None:
        """Side of tiles of about half of `side`, or None where the network allows none that are smaller.

        Parameters
        ----------
        side : int
            Side of the tiles in use, in pixels.

        Returns
        -------
        int or None

        Examples
        --------
        >>> Tiling(grid=4, halo=10).smaller(1024), Tiling(grid=4, halo=10).smaller(28)
        (512, None)
        """
        least = 2 * _round_up(self.halo, self.grid) + self.grid if self.pooled is None else self.pooled
        found = max(side // 2 // self.grid * self.grid, _round_up(least, self.grid))
        return found if found < side else None


def exact_segments(length: int, tile: int, halo: int, grid: int) -> list[Segment]:
    """Segments whose cores, `halo` away from every cut, partition the axis: tiles then equal the whole.

    Parameters
    ----------
    length, tile : int
        Length of the axis and of a segment (halo included), in pixels.
    halo : int
        Reach of the network.
    grid : int
        Cuts lie on multiples of this.

    Returns
    -------
    list of Segment

    Raises
    ------
    ValueError
        If the tile leaves no core; the smallest that does is named.

    Examples
    --------
    >>> [(s.start, s.stop, int(s.weights.sum())) for s in exact_segments(100, 60, 10, 4)]
    [(0, 60, 48), (36, 96, 36), (72, 100, 16)]
    """
    if length <= tile:
        return [Segment(0, length, torch.ones(length))]
    margin = _round_up(halo, grid)
    size = tile // grid * grid
    if size < 2 * margin + grid:
        raise ValueError(
            f"tile {tile} leaves nothing between the halos of {halo} pixels of this model; "
            f"use {2 * margin + grid} or more, or 0 for the whole image at once"
        )
    segments, position = [], 0
    while position < length:
        start = max(position - margin, 0)
        stop = min(start + size, length)
        end = length if stop == length else stop - margin
        weights = torch.zeros(stop - start)
        weights[position - start : end - start] = 1
        segments.append(Segment(start, stop, weights))
        position = end
    return segments


def blended_segments(length: int, tile: int, overlap: int, grid: int) -> list[Segment]:
    """Segments of full size that overlap and are faded into each other linearly.

    Parameters
    ----------
    length, tile : int
        Length of the axis and of a segment, in pixels. No segment is smaller than `tile` (rounded down to the grid).
    overlap : int
        Pixels shared by neighbours, less than half the tile.
    grid : int
        Segments start at multiples of this.

    Returns
    -------
    list of Segment

    Raises
    ------
    ValueError
        If tile and overlap do not fit the grid.

    Examples
    --------
    >>> [(s.start, s.stop) for s in blended_segments(100, 48, 16, 8)]
    [(0, 48), (32, 80), (48, 100)]
    """
    if length <= tile:
        return [Segment(0, length, torch.ones(length))]
    size = tile // grid * grid
    step = (size - overlap) // grid * grid
    if size < grid or step < size / 2:
        raise ValueError(
            f"tile {tile} with overlap {overlap} does not fit the grid of {grid} pixels of this model; "
            f"use a tile of {_round_up(max(2 * overlap, 2 * grid), grid)} or more, or 0 for the whole image at once"
        )
    last = (length - size) // grid * grid
    starts = [*range(0, last, step), last]
    stops = [start + size for start in starts[:-1]] + [length]
    ramps = [_trapezoid(start, stop, length, overlap) for start, stop in zip(starts, stops, strict=True)]
    total = torch.zeros(length)
    for start, stop, ramp in zip(starts, stops, ramps, strict=True):
        total[start:stop] += ramp
    return [
        Segment(start, stop, ramp / total[start:stop]) for start, stop, ramp in zip(starts, stops, ramps, strict=True)
    ]


def _trapezoid(start: int, stop: int, length: int, overlap: int) -> Tensor:
    """1 inside, falling linearly over `overlap` pixels towards ends inside the axis."""
    position = torch.arange(stop - start, dtype=torch.float32) + 0.5
    weights = torch.ones(stop - start)
    if overlap and start > 0:
        weights = torch.minimum(weights, position / overlap)
    if overlap and stop < length:
        weights = torch.minimum(weights, (stop - start - position) / overlap)
    return weights


def _round_up(value: int, grid: int) -> int:
    return -(-value // grid) * grid
