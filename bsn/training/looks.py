"""Regions of the training images on which finished models are looked at."""

from __future__ import annotations

from bsn.data import CropBatch, ImageSource, grid_crops, with_neighbours
from bsn.training.config import TrainConfig
from bsn.training.mended_source import MendedSource

__all__ = ["looked_at"]

_MOST = 4  # regions
_SIDE = 192  # their sides at most, in pixels


def looked_at(source: ImageSource, config: TrainConfig) -> CropBatch:
    """Four regions or fewer, with their neighbours where the network takes them.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    config : TrainConfig
        Settings of the training.

    Returns
    -------
    CropBatch
        Always the same; outliers and missing pixels show their surroundings.
    """
    mended = MendedSource(source, config.outliers)
    sizes = [source.size(index) for index in range(len(source))]
    size = min(_SIDE, *(height for height, _ in sizes)), min(_SIDE, *(width for _, width in sizes))
    regions = grid_crops(mended, size, _MOST, 0)
    return with_neighbours(mended, regions, config.neighbours, axis=config.stack_axis) if config.neighbours else regions
