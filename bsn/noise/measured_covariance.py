"""The covariance of the noise of photographs, measured on the noisy images alone."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import torch

from bsn.data import DataError
from bsn.noise.correlation_map import REACH
from bsn.noise.curve import NoiseCurve
from bsn.noise.measurement.dct_blocks import BLOCKS, dct_basis, transform_blocks
from bsn.noise.measurement.halves import FlatNoise, measure_halves
from bsn.noise.measurement.usable import usable
from bsn.noise.noise_covariance import NoiseCovariance

__all__ = ["measure_covariance"]

_FEWEST = 30  # blocks on which noise can be measured at all


def measure_covariance(
    images: np.ndarray | Sequence[np.ndarray], grey_level: float = 0.0, *, fewest: int = _FEWEST
) -> NoiseCovariance:
    """Measure level, correlation and colours of the noise of an image, or of images with the same noise.

    Parameters
    ----------
    images : ndarray, shape (C, H, W), or sequence of such, float
        Image values; for integer images in [0, 1]. Outliers and missing values do not count.
    grey_level : float
        Distance of two values of the original dtype (1/255, 1/65535); 0 for floats.
    fewest : int
        Usable blocks of 16 x 16 pixels, 8 pixels apart, that there have to be; more make a surer measurement.

    Returns
    -------
    NoiseCovariance
        With a curve for each channel, and a correlation for each colour axis up to 8 pixels away: the eigenvectors of the
        covariance between the channels. The correlation is the same along both diagonals. Level 1 is the root mean square of
        the noise over the intensities that occur.

    Raises
    ------
    DataError
        If all images together have fewer usable blocks, or no noise at all.

    Notes
    -----
    See :mod:`bsn.noise.measurement.halves`. What is measured is the noise where the picture is flat. Cameras and JPEG leave
    more of it in texture. The errors on images whose noise is known: ``python -m benchmarks.noise_covariance``.
    """
    planes = [images] if isinstance(images, np.ndarray) else list(images)
    seen = [usable(image, grey_level) for image in planes]
    low, high = (0.0, 1.0) if grey_level else (min(s.planes.min() for s in seen), max(s.planes.max() for s in seen))
    blocks = transform_blocks(seen, float(low), float(high))
    count = blocks.mean.shape[1]
    found = measure_halves(blocks) if count >= fewest else None
    if found is None or not any(curve.variance.max() > 0 for curve in found.curves):
        raise DataError(
            f"{len(planes)} images for the covariance of their noise",
            f"have {count} blocks of {BLOCKS.side} x {BLOCKS.side} pixels{' without noise' * (found is not None)}",
            f"give larger images: {fewest} blocks, with noise",
        )
    return _covariance(found, blocks.mean)


def _covariance(found: FlatNoise, means: np.ndarray) -> NoiseCovariance:
    """Put together what was measured; `means` (C, K) are the intensities that occur."""
    deviation = np.sqrt([curve(mean).mean() for curve, mean in zip(found.curves, means, strict=True)])
    powers = found.powers * np.outer(deviation, deviation)[..., None, None]
    values, vectors = np.linalg.eigh(powers.mean((2, 3)))
    channels = vectors @ np.diag(np.maximum(values, 0)) @ vectors.T
    along = np.einsum("ck,cdij,dk->kij", vectors, powers, vectors)
    curve = NoiseCurve(
        torch.from_numpy(np.stack([points.intensity for points in found.curves])),
        torch.from_numpy(np.stack([points.variance for points in found.curves])),
    )
    return NoiseCovariance(
        torch.from_numpy(channels),
        torch.from_numpy(np.stack([_correlation(power) for power in along])),
        torch.from_numpy(vectors.T.copy()),
        curve,
    )


def _correlation(power: np.ndarray) -> np.ndarray:
    """Correlation over the distance, (2 REACH + 1, 2 REACH + 1), of noise with this mean power of DCT coefficients."""
    inverse = _to_lags()
    quarter = inverse @ power @ inverse.T
    if quarter[0, 0] <= 0:
        quarter = np.zeros_like(quarter)
        quarter[0, 0] = 1.0
    away = np.abs(np.arange(-REACH, REACH + 1))
    whole: np.ndarray = quarter[np.ix_(away, away)] / quarter[0, 0]
    return whole


@functools.cache
def _to_lags() -> np.ndarray:
    """From the power of the DCT coefficients of a line to its covariance at distances 0 to REACH, by least squares."""
    basis = dct_basis(BLOCKS.side)
    away = np.abs(np.subtract.outer(np.arange(BLOCKS.side), np.arange(BLOCKS.side)))
    forward = np.stack([np.einsum("ki,ij,kj->k", basis, away == lag, basis) for lag in range(REACH + 1)], 1)
    return np.linalg.pinv(forward)
