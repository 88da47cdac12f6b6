"""Mean, spread and darkest values of training images, for the value scale."""

from __future__ import annotations

import numpy as np

from bsn.data import DataError, RandomCrops
from bsn.noise import robust_moments

__all__ = ["crop_statistics"]

_SAMPLES = 64


def crop_statistics(crops: RandomCrops) -> tuple[float, float, float]:
    """Mean, standard deviation and a low percentile of the images, from random crops.

    Parameters
    ----------
    crops : RandomCrops
        Crops of the training images.

    Returns
    -------
    mean, spread, darkest : float
        In image values.

    Raises
    ------
    DataError
        For images without content.
    """
    batch = crops.batch(0, _SAMPLES)
    sample = batch.pixels if batch.counted is None else np.moveaxis(batch.pixels, 1, -1)[batch.counted]
    if not sample.size:
        raise DataError("the training images", "have hardly a pixel that is not missing", "give images with content")
    mean, spread = robust_moments(sample)
    if spread == 0:
        raise DataError("the training images", "are all of one constant value", "give images with content")
    return mean, spread, float(np.percentile(sample, 1))
