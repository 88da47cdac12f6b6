"""Noise along several colour axes of an image, all measured in the same places."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bsn.data.errors import DataError
from bsn.noise.measurement.correlation import Correlation, measure_correlation
from bsn.noise.measurement.flat_blocks import SIDE, cut_blocks, flat_places, lowest_part_factor, unclipped
from bsn.noise.measurement.usable import usable

__all__ = ["measure_along"]

_FEWEST_BLOCKS = 16


def measure_along(images: Sequence[np.ndarray], axes: np.ndarray) -> list[tuple[float, Correlation]]:
    """Measure the noise of images along colour axes.

    Everything is measured where the first axis is flat. A difference of colours is flat nearly everywhere in photographs, so
    choosing its flattest places would only choose where its noise happens to be small, or quantised away by JPEG.

    Parameters
    ----------
    images : sequence of ndarray, shape (C, H, W), float
        Outliers and missing values do not count.
    axes : ndarray, shape (C, C)
        A row per axis; the first is that of the intensity.

    Returns
    -------
    list of (float, Correlation)
        Standard deviation of the noise along each axis, and its correlation between neighbours.

    Raises
    ------
    DataError
        If all images together have fewer than 16 blocks of 16 x 16 pixels.
    """
    residuals: list[list[np.ndarray]] = [[] for _ in axes]
    variances: list[list[np.ndarray]] = [[] for _ in axes]
    blocks_seen = 0
    for seen in map(usable, images):
        image, missing = seen.planes, seen.missing
        clipped = (image <= image.min()) | (image >= image.max())
        kept = unclipped(np.asarray(clipped.any(0)), np.asarray(missing.any(0)))
        turned = [cut_blocks(plane, -math.inf, math.inf)[kept] for plane in np.tensordot(axes, image, 1)]
        blocks_seen += len(turned[0].mean)
        if not len(turned[0].mean):
            continue
        places = np.concatenate(flat_places(turned[0]))
        for axis, blocks in enumerate(turned):
            residuals[axis].append(blocks.residual[places])
            variances[axis].append(blocks.variance[places])
    if blocks_seen < _FEWEST_BLOCKS:
        raise DataError(
            f"{len(images)} image{'s' * (len(images) != 1)} of {images[0].shape[-2]} x {images[0].shape[-1]} pixels",
            f"have fewer than {_FEWEST_BLOCKS} blocks of {SIDE} x {SIDE} pixels",
            "give larger or more images",
        )
    found = []
    for axis, (residual, variance) in enumerate(zip(residuals, variances, strict=True)):
        correlation = measure_correlation(np.concatenate(residual))
        chosen = lowest_part_factor(correlation.sum_of_squares) if axis == 0 else 1.0
        sigma = math.sqrt(float(np.concatenate(variance).mean()) / (correlation.kept * chosen))
        found.append((sigma, correlation))
    return found
