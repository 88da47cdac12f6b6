"""Which parts of a training set are measured."""

from __future__ import annotations

import numpy as np

from bsn.data import ImageSource
from bsn.data.sources.samples import evenly, middle
from bsn.noise.measurement import NoiseStatistics, measure_noise

__all__ = ["measure_source"]

_IMAGES = 16
_SIDE = 512


def measure_source(source: ImageSource) -> NoiseStatistics:
    """Noise of training images, from the middle of at most 16 of them.

    Parameters
    ----------
    source : ImageSource

    Returns
    -------
    NoiseStatistics

    Raises
    ------
    DataError
        If the images are too small.
    """
    planes = []
    for index in evenly(len(source), _IMAGES):
        planes.append(source.crop(index, *middle(source.size(index), _SIDE)))
    level = 1 / np.iinfo(source.dtype).max if np.issubdtype(source.dtype, np.integer) else 0.0
    return measure_noise(planes, grey_level=level)
