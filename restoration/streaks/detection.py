"""Which pixels of an image with upright streaks are rain.

A streak is brighter than the median of what is on its left and than that of what is on its right, in every channel, and stays
so over some length. The same test with the signs turned finds dark lines. Rain makes none of them, so they say how many lines
the picture itself has, and this is used twice: near many dark lines, bright ones count less; and the threshold is set where
dark lines are a small share of what passes, as false discoveries are estimated by decoys (Elias and Gygi, Nature Methods 4,
2007).
"""

from __future__ import annotations

import numpy as np

from restoration.streaks.settings import StreakSettings

__all__ = ["find_upright_streaks"]

_DARKEST, _BRIGHTEST = -0.05, 0.2  # what one pixel may contribute, in shares of the image's range of values
_THRESHOLDS = np.geomspace(0.2, 20, 100)
_FEWEST = 20  # pixels
_NORM = 4  # between the mean of dark lines and the strongest of them


def find_upright_streaks(planes: np.ndarray, inside: np.ndarray, span: float, settings: StreakSettings) -> np.ndarray:
    """Find streaks that stand upright.

    Parameters
    ----------
    planes : ndarray, shape (C, H, W), float
        The image, see :class:`restoration.streaks.Upright`.
    inside : ndarray of bool, shape (H, W)
        Where it has pixels that count.
    span : float
        Its range of values, more than 0.
    settings : StreakSettings
        Constants.

    Returns
    -------
    ndarray of bool, shape (H, W)
    """
    from scipy import ndimage

    bright, dark = _lines(planes / span, settings)
    threshold = _threshold(bright[inside], dark[inside], settings.false_share)
    if threshold is None:
        return np.zeros(inside.shape, bool)
    groups, count = ndimage.label((bright > settings.grow * threshold) & inside, np.ones((3, 3)))
    kept = np.zeros(count + 1, bool)
    kept[groups[(bright > threshold) & inside]] = True
    kept[0] = False
    found: np.ndarray = kept[groups]
    return found


def _lines(planes: np.ndarray, settings: StreakSettings) -> tuple[np.ndarray, np.ndarray]:
    """Bright and dark upright lines, in units of the dark lines around, each of shape (H, W)."""
    from scipy import ndimage

    middle = ndimage.median_filter(planes, size=(1, 1, settings.beside), mode="nearest")

    def over_length(line: np.ndarray) -> np.ndarray:
        averaged: np.ndarray = ndimage.uniform_filter1d(
            np.clip(line, _DARKEST, _BRIGHTEST), settings.length, axis=0, mode="nearest"
        )
        return averaged

    bright = np.full(planes.shape[-2:], -np.inf, planes.dtype)
    dark = bright.copy()
    for half in sorted({*settings.half_widths, *settings.dark_half_widths}):
        left, right = _beside(middle, half + settings.beside // 2 + 1)
        if half in settings.half_widths:
            np.maximum(bright, over_length((planes - np.maximum(left, right)).min(0)), out=bright)
        if half in settings.dark_half_widths:
            np.maximum(dark, over_length((np.minimum(left, right) - planes).min(0)), out=dark)
    powers = ndimage.uniform_filter(np.maximum(dark, 0) ** _NORM, settings.surroundings, mode="nearest")
    unit = np.maximum(powers, 0) ** (1 / _NORM) + settings.floor
    return bright / unit, dark / unit


def _beside(planes: np.ndarray, away: int) -> tuple[np.ndarray, np.ndarray]:
    """Values `away` pixels to the left and to the right, the edge repeated outside."""
    padded = np.pad(planes, ((0, 0), (0, 0), (away, away)), mode="edge")
    return padded[..., : -2 * away], padded[..., 2 * away :]


def _threshold(bright: np.ndarray, dark: np.ndarray, false_share: float) -> float | None:
    """The least threshold that few dark lines pass; None where there is none."""
    above = [len(values) - np.searchsorted(np.sort(values), _THRESHOLDS) for values in (bright, dark)]
    legal = (above[1] <= false_share * above[0]) & (above[0] >= _FEWEST)
    return float(_THRESHOLDS[np.argmax(legal)]) if legal.any() else None
