"""What may go wrong in a denoised picture, as numbers in grey levels of 255."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter, minimum_filter

__all__ = ["colour_cast", "found_stars", "haloes", "run_length", "slow_error"]

_NEAR = 9  # pixels in which a halo lies


def colour_cast(result: np.ndarray, clean: np.ndarray) -> list[float]:
    """Mean error of each channel.

    Parameters
    ----------
    result, clean : ndarray, shape (C, H, W), range [0, 1]

    Returns
    -------
    list of float
        Grey levels; 0 for colours that are kept on average.
    """
    return [float(255 * value) for value in (result - clean).mean((1, 2))]


def haloes(result: np.ndarray, clean: np.ndarray) -> float:
    """How far a result passes what is bright and what is dark around each pixel of the truth.

    Parameters
    ----------
    result, clean : ndarray, shape (C, H, W), range [0, 1]

    Returns
    -------
    float
        The 99th percentile over all pixels, grey levels; 0 where nothing overshoots.
    """
    size = (1, _NEAR, _NEAR)
    above, below = result - maximum_filter(clean, size), minimum_filter(clean, size) - result
    return float(255 * np.percentile(np.maximum(np.maximum(above, below), 0), 99))


def slow_error(result: np.ndarray, clean: np.ndarray) -> float:
    """Blotches: error over some ten pixels, which eyes see in smooth skies.

    Parameters
    ----------
    result, clean : ndarray, shape (C, H, W), range [0, 1]

    Returns
    -------
    float
        Root mean square after a Gaussian blur of five pixels, without the mean of each channel, grey levels.
    """
    slow = gaussian_filter(result - clean, (0, 5, 5))
    return float(255 * np.sqrt((slow - slow.mean((1, 2), keepdims=True)).var((1, 2)).mean()))


def run_length(result: np.ndarray) -> float:
    """Bands: mean length along columns of runs of one value in 8 bits.

    Parameters
    ----------
    result : ndarray, shape (C, H, W), range [0, 1]

    Returns
    -------
    float
        Pixels. Noise makes it short; where it is longer than in the clean picture, values were lost.
    """
    levels = np.rint(255 * np.clip(result, 0, 1))
    return float(levels.shape[1] / (1 + (np.diff(levels, axis=1) != 0).sum(1).mean()))


def found_stars(result: np.ndarray, clean: np.ndarray, stars: Sequence[tuple[int, int, float]]) -> float:
    """Share of the stars that are at least half as high above the sky around them as they were.

    Parameters
    ----------
    result, clean : ndarray, shape (C, H, W), range [0, 1]
    stars : sequence of tuple
        Row, column and height of each.

    Returns
    -------
    float
    """
    kept = [_height(result, row, column) >= 0.5 * _height(clean, row, column) for row, column, _ in stars]
    return float(np.mean(kept))


def _height(image: np.ndarray, row: int, column: int) -> float:
    around = image[:, row - 6 : row + 7, column - 6 : column + 7].mean(0)
    return float(around[5:8, 5:8].max() - np.median(around))
