"""How strongly an image shows the 8 x 8 grid of JPEG.

Two measures: :func:`blockiness` for files as they were compressed, which is what ``bsn inspect`` reports, and
:func:`grid_strength` for parts of images and cropped ones, whose grid may begin anywhere, and for which lines are no grid.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["blockiness", "grid_strength"]

_GRID = 8


def grid_strength(images: Iterable[np.ndarray]) -> float:
    """Steps between neighbouring pixels at the edges of 8 x 8 blocks, relative to the largest ones elsewhere.

    JPEG compresses blocks by themselves, so the picture steps where they meet. Of the eight places at which the grid may begin,
    the one with the largest mean step is compared with the next one, along rows and along columns. The weaker direction counts:
    lines and other patterns with a period of eight pixels run along one of them.

    Parameters
    ----------
    images : iterable of ndarray, shape (C, H, W), float
        Images or parts of one, of at least 16 x 16 pixels; their grids may begin at different places. Missing values (NaN)
        do not count, and smaller parts are left out.

    Returns
    -------
    float
        1 or little more without a grid, or with one of high quality. 1 if there is nothing to look at.

    Examples
    --------
    >>> blocks = np.kron(np.random.default_rng(0).random((1, 8, 8)), np.ones((8, 8)))
    >>> grid_strength([blocks + 0.01 * np.random.default_rng(1).random((1, 64, 64))]) > 10
    True
    """
    found = []
    for image in images:
        if min(image.shape[-2:]) >= 2 * _GRID:
            grey = image.mean(0)
            found.append(min(_along(grey), _along(grey.T)))
    return float(np.mean(found)) if found else 1.0


def blockiness(images: Iterable[np.ndarray]) -> float:
    """Mean step across the edges of the grid that begins at the corner, relative to the mean step elsewhere.

    Parameters
    ----------
    images : iterable of ndarray, shape (C, H, W), float
        Whole images without missing values.

    Returns
    -------
    float
        Mean over both directions of all images; about 1 without JPEG, and 1 if there is nothing to look at.
    """
    ratios = []
    for image in images:
        grey = image.mean(0)
        for steps in (np.abs(np.diff(grey, axis=1)).mean(0), np.abs(np.diff(grey, axis=0)).mean(1)):
            edge = np.arange(len(steps)) % _GRID == _GRID - 1
            if edge.any() and steps[~edge].mean() > 0:
                ratios.append(steps[edge].mean() / steps[~edge].mean())
    return float(np.mean(ratios)) if ratios else 1.0


def _along(grey: np.ndarray) -> float:
    """Ratio of the steps along the second axis."""
    steps = np.abs(np.diff(grey, axis=1))
    known = np.isfinite(steps)
    sums, counts = np.where(known, steps, 0).sum(0), known.sum(0)
    phases = np.arange(len(sums)) % _GRID
    means = np.bincount(phases, sums, _GRID) / np.maximum(np.bincount(phases, counts, _GRID), 1)
    second, first = np.sort(means)[-2:]
    return float(first / second) if second > 0 else 1.0
