"""Whether an image counts few photons: its values are a few steps of one size, and its noise is skewed as that of counts is.

Where a pixel counts less than about ten photons, the median of its values is not their mean: at a mean of 0.7 the median is 0.
Networks trained to small absolute errors, and those trained on symmetric noise, then give values that are too small. Images
of that kind are recognised from their pixels alone, by the properties of the Poisson distribution: with n counts per pixel
on average, the variance is about n, and so is the third central moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["COUNTS", "CountSettings", "PhotonCounts", "find_counts"]


@dataclass(frozen=True)
class CountSettings:
    """When values are counts of few photons.

    Parameters
    ----------
    levels : int
        Most values that occur. A photograph with a mean of ten photons has about forty.
    most : float
        Largest typical mean, in counts; from there on networks keep the mean by themselves.
    dispersion : tuple of float
        Variance over mean of the noise, from below to above that of photons (1), for dead times and weak read noise.
    skewness : float
        Least third central moment of the noise over its mean; 1 for photons, 0 for symmetric noise.
    brightest : float
        Share of the brightest pixels that does not count: hot pixels.
    block : int
        Side of the blocks that are compared.
    tried : int
        Pixels that are looked at first.
    """

    levels: int = 48
    most: float = 10.0
    dispersion: tuple[float, float] = (0.4, 4.0)
    skewness: float = 0.3
    brightest: float = 0.001
    block: int = 16
    tried: int = 4096


COUNTS = CountSettings()


@dataclass(frozen=True)
class PhotonCounts:
    """How an image stores its counts.

    Parameters
    ----------
    zero, step : float
        Image value of no count, and the rise by each.
    mean : float
        Mean count of a pixel.
    """

    zero: float
    step: float
    mean: float


def find_counts(parts: Sequence[np.ndarray]) -> PhotonCounts | None:
    """Recognise counts of few photons.

    Parameters
    ----------
    parts : sequence of ndarray, shape (C, h, w), float
        Parts of a noisy image, in image values. Pixels that are not finite do not count.

    Returns
    -------
    PhotonCounts or None
        None where the image is none of few counts, or too small to tell.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = find_counts([rng.poisson(0.7, (1, 64, 64)) / 255])
    >>> round(found.mean, 1), round(found.step * 255, 3)
    (0.7, 1.0)
    >>> find_counts([rng.normal(0.5, 0.1, (1, 64, 64))]) is None
    True
    """
    values = np.concatenate([part[np.isfinite(part)].ravel() for part in parts])
    if len(values) == 0 or len(np.unique(values[:: max(1, len(values) // COUNTS.tried)])) > 2 * COUNTS.levels:
        return None
    limit = float(np.quantile(values, 1 - COUNTS.brightest))
    levels = np.unique(values[values <= limit]).astype(np.float64)
    if not 2 <= len(levels) <= COUNTS.levels:
        return None
    zero, step = float(levels[0]), float(np.diff(levels).min())
    numbers = (levels - zero) / step
    if np.abs(numbers - numbers.round()).max() > 0.02:
        return None
    known = [np.where(part <= limit, (part - zero) / step, np.nan).astype(np.float64) for part in parts]
    found = _moments(known)
    if found is None or not _is_poisson(*found):
        return None
    return PhotonCounts(zero, step, float(np.nanmean(np.concatenate([part.ravel() for part in known]))))


def _is_poisson(mean: np.ndarray, variance: np.ndarray, third: np.ndarray) -> bool:
    """Compare the moments of the noise in each block; edges widen it in some blocks, which are left out."""
    typical = float(np.median(mean))
    if not 0 < typical <= COUNTS.most:
        return False
    dispersion = variance / mean
    flat = dispersion <= np.median(dispersion)
    low, high = COUNTS.dispersion
    skewness = float(third[flat].sum() / mean[flat].sum())
    return low <= float(np.median(dispersion)) <= high and skewness >= COUNTS.skewness


def _moments(parts: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Mean, variance and third central moment of the noise in blocks that hold counts.

    The second difference a - 2 b + c of three neighbours has no slope of the picture in it; of independent noise it has six
    times the variance, and minus six times the third central moment.
    """
    found = []
    for part in parts:
        difference = part[..., :-2] - 2 * part[..., 1:-1] + part[..., 2:]
        for plane in (part[..., 1:-1], difference**2 / 6, -(difference**3) / 6):
            found.append(_block_means(plane))
    mean, variance, third = (np.concatenate(found[index::3]) for index in range(3))
    whole = np.isfinite(mean) & np.isfinite(variance) & (mean > 0)
    return (mean[whole], variance[whole], third[whole]) if whole.any() else None


def _block_means(planes: np.ndarray) -> np.ndarray:
    """Means over whole blocks of planes (C, h, w), as a vector; NaN where more than half a block is missing."""
    side = COUNTS.block
    channels, rows, columns = (planes.shape[0], planes.shape[1] // side, planes.shape[2] // side)
    blocks = planes[:, : rows * side, : columns * side].reshape(channels, rows, side, columns, side)
    known = np.isfinite(blocks)
    number = known.sum((2, 4))
    total = np.where(known, blocks, 0).sum((2, 4))
    return np.where(2 * number > side * side, total / np.maximum(number, 1), np.nan).ravel()
