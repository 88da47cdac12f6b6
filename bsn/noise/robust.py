"""Mean, spread and range of images in which a few values are far from all others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["ROBUST", "RobustSettings", "robust_moments", "used_range", "value_limits"]


@dataclass(frozen=True)
class RobustSettings:
    """Constants of the range.

    They were set on a synthetic star field. No value of cbsd68, kodak24, mcmaster, w2s, polyu or cc15 lies outside.

    Parameters
    ----------
    ends : float
        Share of the values at each end that is not looked at.
    widths : float
        How far the range reaches beyond what is left, in widths of what is left. Only this value was tried.
    """

    ends: float = 0.01
    widths: float = 4.0


ROBUST = RobustSettings()

_LEAST, _MOST = 0.1, 99.9  # percentiles between which an image uses its values


def used_range(image: np.ndarray) -> tuple[float, float]:
    """Values between which an image lies, but for a thousandth at each end.

    Parameters
    ----------
    image : ndarray, any shape, float
        Image values, at least one of them finite; those that are not are left out.

    Returns
    -------
    low, span : float
        Lowest value, and distance of the highest from it; 0 for an image of one value.

    Examples
    --------
    >>> low, span = used_range(np.append(np.linspace(2, 4, 10_000), [1000, np.nan]))
    >>> round(low, 2), round(span, 2)
    (2.0, 2.0)
    """
    low, high = np.percentile(image[np.isfinite(image)], (_LEAST, _MOST))
    return float(low), float(high - low)


def value_limits(values: np.ndarray, excluded: np.ndarray | None = None) -> tuple[float, float]:
    """Range outside which values are not of the kind of the others, as in the cores of bright stars.

    A network that takes an image of such values is served by clipping its input to this range, and by giving what was clipped
    off back to its result.

    Parameters
    ----------
    values : ndarray, any shape, float
        Values of one image, or of many of one kind. Values that are not finite are left out.
    excluded : ndarray of bool, optional, same shape
        Values that do not count, such as outliers.

    Returns
    -------
    low, high : float
        Minus and plus infinity where nothing is left to judge by.

    Examples
    --------
    >>> low, high = value_limits(np.append(np.linspace(0.2, 0.4, 1000), 50.0))
    >>> round(low, 1), round(high, 1)
    (-0.6, 1.2)
    """
    seen = _counted(values, excluded)
    if not seen.size:
        return float("-inf"), float("inf")
    low, high = (float(q) for q in np.quantile(seen, (ROBUST.ends, 1 - ROBUST.ends)))
    room = ROBUST.widths * (high - low)
    return low - room, high + room


def robust_moments(values: np.ndarray, excluded: np.ndarray | None = None) -> tuple[float, float]:
    """Mean and standard deviation, with values outside :func:`value_limits` moved to its ends.

    Parameters
    ----------
    values : ndarray, any shape, float
        Values that are not finite are left out.
    excluded : ndarray of bool, optional, same shape
        Values that do not count, such as outliers.

    Returns
    -------
    mean, spread : float
        Mean and spread of the values themselves, to the bit, where none is outside or left out. NaN where nothing is
        left.

    Examples
    --------
    >>> mean, spread = robust_moments(np.append(np.tile([0.0, 1.0], 500), 1e6))
    >>> round(mean, 1), round(spread, 1)
    (0.5, 0.5)
    """
    seen = _counted(values, excluded)
    if not seen.size:
        return float("nan"), float("nan")
    low, high = value_limits(seen)
    if high > low and (float(seen.min()) < low or float(seen.max()) > high):
        seen = np.clip(seen, low, high)
    return float(seen.mean(dtype=np.float64)), float(seen.std(dtype=np.float64))


def _counted(values: np.ndarray, excluded: np.ndarray | None) -> np.ndarray:
    """What counts, in the shape of the values where that is all of them."""
    kept = np.isfinite(values) if excluded is None else np.isfinite(values) & ~excluded
    return values if kept.all() else values[kept]
