"""Denoising a plane tile by tile in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from bsn.inference.pipeline import Pipeline
from bsn.inference.tiling import Segment, blended_segments, exact_segments

__all__ = ["Region", "denoise_bands", "plan_axis"]

Region = Callable[[int, int, int, int], Tensor]

_SMALLEST_DEFAULT = 1024
_HALOS_PER_TILE = 6


def plan_axis(pipeline: Pipeline, length: int) -> list[Segment]:
    """Segments of one axis of an image, by what the network allows.

    Without global statistics the segments overlap by the halo and equal the whole image. With channel attention the
    statistics are those of the tile: tiles are never smaller than the training crop and are faded into each other.

    Parameters
    ----------
    pipeline : Pipeline
    length : int
        Pixels of the axis.

    Raises
    ------
    ValueError
        If the tile asked for is too small; the message names one that is not.
    """
    config, grid = pipeline.config, pipeline.grid
    if config.tile == 0:
        return [Segment(0, length, torch.ones(length))]
    if not pipeline.model.network.global_statistics:
        default = max(_SMALLEST_DEFAULT, _HALOS_PER_TILE * pipeline.halo)
        return exact_segments(length, config.tile or -(-default // grid) * grid, pipeline.halo, grid)
    least = max(pipeline.strides) * pipeline.model.inference.training_crop
    if config.tile is not None and config.tile < min(least, length):
        raise ValueError(
            f"tile {config.tile} is smaller than the {least} pixels this model was trained on, and its channel attention "
            f"pools over a tile; use {least} or more, or 0 for the whole image at once"
        )
    tile = config.tile or -(-max(_SMALLEST_DEFAULT, least) // grid) * grid
    overlap = tile // 4 if config.overlap is None else config.overlap
    return blended_segments(length, tile, overlap, grid)


def denoise_bands(
    pipeline: Pipeline, read: Region, size: tuple[int, int], channels: int, *, plane: int = 0
) -> Iterator[tuple[int, Tensor]]:
    """Denoise one plane from top to bottom.

    Parameters
    ----------
    pipeline : Pipeline
    read : callable
        ``read(top, left, height, width)`` gives a region, shape (1, C, h, w), image values, on the computing device.
    size : tuple of int
        (H, W) of the plane.
    channels : int
    plane : int
        Number of the plane in its stack.

    Yields
    ------
    top : int
    rows : Tensor, shape (C, h, W), on the CPU
        Finished rows top ... top + h - 1; the bands follow each other without gaps.

    Notes
    -----
    Memory: one tile in the network, and one row of tiles of the result.
    """
    height, width = size
    measured = pipeline.measure(read, size)
    rows, columns = plan_axis(pipeline, height), plan_axis(pipeline, width)
    carried = torch.zeros(channels, 0, width)
    finished = 0
    for index, row in enumerate(rows):
        band = torch.zeros(channels, row.stop - finished, width)
        band[:, : carried.shape[1]] = carried
        for column in columns:
            tile = read(row.start, column.start, row.stop - row.start, column.stop - column.start)
            result = pipeline(tile, origin=(row.start, column.start), plane=plane, measured=measured)[0].float().cpu()
            weighted = result * row.weights[None, :, None] * column.weights[None, None, :]
            used = max(finished - row.start, 0)
            band[:, row.start + used - finished :, column.start : column.stop] += weighted[:, used:]
        end = rows[index + 1].first_used if index + 1 < len(rows) else height
        yield finished, band[:, : end - finished]
        carried = band[:, end - finished :].clone()
        finished = end
