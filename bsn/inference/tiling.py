"""Cutting an axis into overlapping segments with weights that sum to one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Segment", "blended_segments", "exact_segments"]


@dataclass(frozen=True)
class Segment:
    """Part of an axis: pixels [start, stop) go in, outputs are weighted by `weights` and added up.

    Parameters
    ----------
    start, stop : int
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


def exact_segments(length: int, tile: int, halo: int, grid: int) -> list[Segment]:
    """Segments whose cores, `halo` away from every cut, partition the axis: tiles then equal the whole.

    Parameters
    ----------
    length, tile : int
        Of the axis and of a segment (halo included), in pixels.
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
        Of the axis and of a segment, in pixels. No segment is smaller than `tile` (rounded down to the grid).
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
    """1 inside, falling linearly over `overlap` pixels towards the ends that are no ends of the axis."""
    position = torch.arange(stop - start, dtype=torch.float32) + 0.5
    weights = torch.ones(stop - start)
    if overlap and start > 0:
        weights = torch.minimum(weights, position / overlap)
    if overlap and stop < length:
        weights = torch.minimum(weights, (stop - start - position) / overlap)
    return weights


def _round_up(value: int, grid: int) -> int:
    return -(-value // grid) * grid
