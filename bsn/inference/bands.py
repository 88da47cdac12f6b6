"""Denoising a plane tile by tile in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from bsn.inference.measuring import Region
from bsn.inference.pipeline import Pipeline
from bsn.inference.stages import Measured, Place

__all__ = ["Band", "denoise_bands"]


class Band(NamedTuple):
    """Finished rows of a plane, on the CPU.

    Parameters
    ----------
    top : int
        Their first row.
    image : Tensor, shape (C, h, W)
        Denoised rows in image values.
    deviation : Tensor or None, shape (C, h, W)
        Standard deviation, where it was asked for.
    """

    top: int
    image: Tensor
    deviation: Tensor | None = None


def denoise_bands(
    pipeline: Pipeline,
    read: Region,
    size: tuple[int, int],
    *,
    plane: int = 0,
    deviation: bool = False,
    measured: Measured | None = None,
    wanted: tuple[int, int] | None = None,
) -> Iterator[Band]:
    """Denoise one plane from top to bottom.

    Parameters
    ----------
    pipeline : Pipeline
        Stages of the inference.
    read : callable
        ``read(top, left, height, width)`` gives a region, shape (1, C, h, w), image values, on the computing device.
    size : tuple of int
        (H, W) of the plane.
    plane : int
        Number of the plane in its stack.
    deviation : bool
        Also give the standard deviation, of a model that predicts one.
    measured : Measured, optional
        Result of :meth:`Pipeline.measure` for this plane; measured here if left out.
    wanted : tuple of int, optional
        First row, and the row after the last one; all rows where it is left out. The rows are the same bits.

    Yields
    ------
    Band
        They follow each other without gaps.

    Notes
    -----
    Memory: one tile in the network, and one row of tiles of the result.
    """
    height, width = size
    measured = pipeline.measure(read, size) if measured is None else measured
    first_row, last_row = wanted or (0, height)
    columns = pipeline.tiling.segments(width)
    rows = [row for row in pipeline.tiling.segments(height) if row.counts_in(first_row, last_row)]
    carried: Tensor | None = None
    finished = rows[0].first_used
    for index, row in enumerate(rows):
        band: Tensor | None = None
        for column in columns:
            noisy = read(row.start, column.start, row.stop - row.start, column.stop - column.start)
            result = _layers(*pipeline(noisy, Place(row.start, column.start, plane), measured), deviation)
            if band is None:
                band = torch.zeros(len(result), row.stop - finished, width)
                if carried is not None:
                    band[:, : carried.shape[1]] = carried
            weighted = result * row.weights[None, :, None] * column.weights[None, None, :]
            used = max(finished - row.start, 0)
            band[:, row.start + used - finished :, column.start : column.stop] += weighted[:, used:]
        assert band is not None
        end = rows[index + 1].first_used if index + 1 < len(rows) else row.stop
        top, bottom = max(finished, first_row), min(end, last_row)
        if top < bottom:
            done = band[:, top - finished : bottom - finished]
            yield Band(top, *done.chunk(2)) if deviation else Band(top, done)
        carried = band[:, end - finished :].clone()
        finished = end


def _layers(image: Tensor, spread: Tensor | None, deviation: bool) -> Tensor:
    """What is blended: (C, h, w) of the image, and as many of the deviation."""
    assert spread is not None or not deviation
    return (torch.cat([image, spread], 1) if deviation and spread is not None else image)[0].float().cpu()
