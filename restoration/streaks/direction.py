"""The direction of rain: the one in which thin bright lines outnumber thin dark ones.

A picture has lines of its own. Poles, blades of grass and the gaps between bricks are as often darker as brighter than what is
beside them, so their directions cancel between the two counts. Rain only adds light, and to all channels alike: bright lines
are looked for in the smallest channel of each pixel, dark ones in the largest.

The direction at a pixel is that of the structure tensor of the lines (Förstner and Gülch 1987; Bigün and Granlund 1987).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["FLATTEST", "StreakDirection", "streak_direction"]

FLATTEST = 60.0
"""Largest angle from the vertical that is looked for, in degrees."""

_LINE = 4.5  # radius in pixels of the disc that no line can hold
_GRADIENT, _TENSOR = 1.0, 1.5  # standard deviations of the derivatives and of their mean, in pixels
_SURROUNDINGS = 41
_FLOOR = 0.3  # of the mean strength of dark lines
_STRONGEST = 20.0
_BINS = 180
_SMOOTHING = 2.0  # degrees
_PEAK = 4  # bins on each side of the highest one that its middle is taken from


@dataclass(frozen=True)
class StreakDirection:
    """A direction of streaks.

    Parameters
    ----------
    angle : float
        Degrees from the vertical; positive leans to the right going down, as in :class:`bsn.data.SyntheticRain`.
    strength : float
        How far bright lines of this direction outnumber dark ones, in units of the mean count over all directions. Below 1
        the image has no clear direction: of the clean photographs that were looked at, three quarters stay below 0.7, and
        all rainy ones are above 1.2.
    """

    angle: float
    strength: float


def streak_direction(planes: np.ndarray) -> StreakDirection:
    """Measure the direction of streaks in an image.

    Parameters
    ----------
    planes : ndarray, shape (C, H, W), float
        Finite values of any range.

    Returns
    -------
    StreakDirection
        Within 60 degrees of the vertical; strength 0 for an image without lines.

    Raises
    ------
    ValueError
        For planes of another shape.

    Examples
    --------
    >>> from bsn.data import SyntheticRain
    >>> rainy = SyntheticRain(angle=-20, spread=0)(np.full((3, 128, 128), 0.3, np.float32), rng=0)
    >>> round(streak_direction(rainy).angle) in (-21, -20, -19)
    True
    """
    from scipy import ndimage

    if planes.ndim != 3:
        raise ValueError(f"streak_direction: planes of shape {planes.shape}, not (C, H, W); give one image")
    angles, strengths, energies = zip(*(_lines(side) for side in (planes.min(0), -planes.max(0))), strict=True)
    dark = strengths[1]
    unit = ndimage.uniform_filter(dark, _SURROUNDINGS, mode="nearest") + _FLOOR * dark.mean()
    if not energies[0].any():
        return StreakDirection(0.0, 0.0)
    unit = np.maximum(unit, 1e-6 * strengths[0].max())
    bright, decoys = (_counted(a, s / unit, s, e) for a, s, e in zip(angles, strengths, energies, strict=True))
    return _peak(bright - decoys, float((bright + decoys).mean()) / 2)


def _lines(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Directions in degrees of thin bright lines, how strongly they are lines, and the energy of their gradients."""
    from scipy import ndimage

    reach = int(_LINE)
    rows, columns = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    thin = plane - ndimage.grey_opening(plane, footprint=np.hypot(rows, columns) < _LINE)
    dy, dx = (ndimage.gaussian_filter(thin, _GRADIENT, order=order) for order in ((1, 0), (0, 1)))
    yy, xx, yx = (ndimage.gaussian_filter(product, _TENSOR) for product in (dy * dy, dx * dx, dy * dx))
    across = 0.5 * np.arctan2(2 * yx, xx - yy)  # of the gradient, from the row to the column
    return -np.rad2deg(across), np.hypot(xx - yy, 2 * yx), xx + yy


def _counted(angles: np.ndarray, relative: np.ndarray, strength: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Lines of each degree from -90 to 90, weighted by how clear they are."""
    from scipy import ndimage

    coherence = np.divide(strength, energy, out=np.zeros_like(strength), where=energy > 0)
    weights = np.sqrt(np.minimum(relative, _STRONGEST)) * coherence**2
    counts = np.histogram(angles, bins=_BINS, range=(-90, 90), weights=weights)[0]
    smooth: np.ndarray = ndimage.gaussian_filter1d(counts, _SMOOTHING * _BINS / 180, mode="wrap")
    return smooth


def _peak(excess: np.ndarray, mean: float) -> StreakDirection:
    """The highest place of a count, and the middle of what stands out there."""
    degrees = (np.arange(_BINS) + 0.5) * 180 / _BINS - 90
    top = int(np.argmax(np.where(np.abs(degrees) < FLATTEST, excess, -np.inf)))
    if excess[top] <= 0:
        return StreakDirection(float(degrees[top]), 0.0)
    away = np.arange(-_PEAK, _PEAK + 1)
    weights = np.maximum(excess[(top + away) % _BINS], 0)
    angle = degrees[top] + float((away * weights).sum() / weights.sum()) * 180 / _BINS
    return StreakDirection(float(np.clip(angle, -FLATTEST, FLATTEST)), float(excess[top] / mean))
