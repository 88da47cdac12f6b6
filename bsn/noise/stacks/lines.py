"""Offsets of whole rows and columns in the mean of a stack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.noise.stacks.smooth import KERNELS, box, high_pass, kept_variance, white_correlation

__all__ = ["UNRELATED", "LineOffsets", "find_lines"]

_SURROUNDINGS = 9
_LINE = KERNELS["along rows"]
_OUTLYING = 4.0

UNRELATED = float(white_correlation(_LINE)[0, 1] / kept_variance(_LINE))
"""Smoothness of offsets that know nothing of each other, after the smooth curve was taken off."""


@dataclass(frozen=True, eq=False)
class LineOffsets:
    """Offsets of the columns of an image, or of its rows.

    Parameters
    ----------
    offsets : ndarray, shape (N,)
        Of each line, drawn to zero by what is not certain of it.
    variance : float
        Variance of the offsets, without that of their errors.
    agreement : float
        Correlation of what both halves of the image tell: 1 where lines run through it, about 0 for picture.
    smoothness : float
        Correlation of neighbouring lines: about :data:`UNRELATED` for the offsets of a detector.
    """

    offsets: np.ndarray
    variance: float
    agreement: float
    smoothness: float


def find_lines(even: np.ndarray, odd: np.ndarray) -> LineOffsets:
    """Find the offsets of columns.

    Parameters
    ----------
    even, odd : ndarray, shape (H, W)
        Means of every other frame, from the first and from the second on. Their noise is independent.

    Returns
    -------
    LineOffsets

    Notes
    -----
    Of each column the difference to a smooth curve along the rows is averaged over all rows, weighted by how flat its
    surroundings are. The upper half of the one mean and the lower half of the other share neither noise nor picture.
    """
    whole = high_pass((even + odd) / 2, _LINE)
    weights = 1 / np.maximum(box(whole**2, _SURROUNDINGS), 1e-30)
    middle = len(whole) // 2
    upper, lower = slice(0, middle), slice(middle, None)
    parts = [(_mean(high_pass(half, _LINE)[rows], weights[rows])) for half, rows in ((even, upper), (odd, lower))]
    parts += [(_mean(high_pass(half, _LINE)[rows], weights[rows])) for half, rows in ((odd, upper), (even, lower))]
    first, second = (parts[0] + parts[2]) / 2, (parts[1] + parts[3]) / 2
    offsets = _mean(whole, weights)
    usual = np.abs(offsets) <= _OUTLYING * 1.4826 * max(float(np.median(np.abs(offsets))), 1e-30)
    shared = float((parts[0] * parts[1] + parts[2] * parts[3])[usual].mean()) / 2
    spread = float(np.sqrt((first[usual] ** 2).mean() * (second[usual] ** 2).mean()))
    variance = max(shared, 0.0)
    total = float((offsets[usual] ** 2).mean())
    certain = min(1.0, variance / total) if total else 0.0
    pairs = usual[1:] & usual[:-1]
    smooth = float((offsets[1:] * offsets[:-1])[pairs].mean()) / total if total and pairs.any() else 0.0
    return LineOffsets(certain * offsets, variance, shared / spread if spread else 0.0, smooth)


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    mean: np.ndarray = (values * weights).sum(0) / weights.sum(0)
    return mean
