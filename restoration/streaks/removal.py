"""An image without its streaks: only pixels that are found to be rain change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from restoration.streaks.detection import find_upright_streaks
from restoration.streaks.direction import StreakDirection, streak_direction
from restoration.streaks.settings import STREAKS, StreakSettings
from restoration.streaks.upright import Upright

__all__ = ["WithoutStreaks", "find_standing", "remove_streaks"]

_SPAN = (0.1, 99.9)  # percent of the pixels between which the range of values lies
_FEWEST_NEW = 1e-3  # share of the pixels that a further round must find
_LIGHT = 9  # pixels along the direction over which the light of a streak is averaged
_BESIDE = 7  # pixels of a row whose mean texture is measured against


@dataclass(frozen=True, eq=False)
class WithoutStreaks:
    """What :func:`remove_streaks` found.

    Parameters
    ----------
    planes : ndarray, shape (C, H, W)
        The image; outside `mask` the same bits as before.
    mask : ndarray of bool, shape (H, W)
        Pixels that were replaced.
    direction : StreakDirection
        Of the streaks.
    """

    planes: np.ndarray
    mask: np.ndarray
    direction: StreakDirection


def remove_streaks(
    planes: np.ndarray, angle: float | None = None, settings: StreakSettings = STREAKS
) -> WithoutStreaks:
    """Replace the pixels that rain streaks cover.

    Parameters
    ----------
    planes : ndarray, shape (C, H, W), float
        Finite values of any range.
    angle : float, optional
        Direction of the streaks in degrees from the vertical, positive to the right going down; from -60 to 60. None measures
        it, and leaves an image without a clear direction as it is.
    settings : StreakSettings
        Constants of the search.

    Returns
    -------
    WithoutStreaks
        No value grows: rain adds light.

    Raises
    ------
    ValueError
        For planes of another shape, and for angles out of range.

    Examples
    --------
    >>> from bsn.data import SyntheticRain
    >>> clean = np.full((3, 128, 128), 0.3, np.float32)
    >>> rainy = SyntheticRain(veil=0)(clean, rng=0)
    >>> dry = remove_streaks(rainy)
    >>> bool(np.abs(dry.planes - clean).mean() < 0.3 * np.abs(rainy - clean).mean())
    True
    """
    if planes.ndim != 3:
        raise ValueError(f"remove_streaks: planes of shape {planes.shape}, not (C, H, W); give one image")
    direction = streak_direction(planes) if angle is None else StreakDirection(angle, np.inf)
    upright = Upright(direction.angle, planes.shape[-2:])
    if direction.strength < settings.least_strength:
        return WithoutStreaks(planes.copy(), np.zeros(planes.shape[-2:], bool), direction)
    standing = upright.stand(planes)
    found, sides = find_standing(standing, upright.inside, settings)
    mask = upright.lie(found[None].astype(np.float32))[0] > 0.5
    textured = _with_texture(standing, sides, found, settings.surroundings)
    dry = np.where(mask, np.minimum(upright.lie(textured), planes), planes)
    return WithoutStreaks(dry.astype(planes.dtype), mask, direction)


def find_standing(
    standing: np.ndarray, inside: np.ndarray, settings: StreakSettings = STREAKS
) -> tuple[np.ndarray, np.ndarray]:
    """Find streaks that stand upright, and interpolate the image from both sides of each of them.

    Parameters
    ----------
    standing : ndarray, shape (C, H, W), float
        The image, see :class:`restoration.streaks.Upright`.
    inside : ndarray of bool, shape (H, W)
        Where it has pixels that count.
    settings : StreakSettings
        Constants of the search.

    Returns
    -------
    mask : ndarray of bool, shape (H, W)
        Pixels in streaks.
    sides : ndarray, shape (C, H, W)
        The image with these pixels interpolated along their rows.
    """
    found, current = np.zeros(inside.shape, bool), standing
    low, high = np.percentile(standing[:, inside], _SPAN)
    for _ in range(settings.rounds if high > low else 0):
        new = find_upright_streaks(current, inside, float(high - low), settings) & ~found
        if new.mean() < _FEWEST_NEW:
            break
        found = found | new
        current = _from_sides(standing, found)
    return found, current


def _from_sides(planes: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Masked pixels, interpolated linearly along their rows; a row without others stays."""
    width = mask.shape[-1]
    columns = np.broadcast_to(np.arange(width), mask.shape)
    left = np.maximum.accumulate(np.where(mask, -1, columns), axis=1)
    right = np.minimum.accumulate(np.where(mask, width, columns)[:, ::-1], axis=1)[:, ::-1]
    left, right = np.where(left < 0, right, left), np.where(right == width, left, right)
    whole = (left == width) | (right < 0)
    left, right = np.where(whole, columns, left), np.where(whole, columns, right)
    share = ((columns - left) / np.maximum(right - left, 1)).astype(planes.dtype)
    rows = np.arange(mask.shape[0])[:, None]
    filled: np.ndarray = planes[:, rows, left] * (1 - share) + planes[:, rows, right] * share
    return np.where(mask, filled, planes)


def _with_texture(planes: np.ndarray, sides: np.ndarray, mask: np.ndarray, surroundings: int) -> np.ndarray:
    """Masked pixels, interpolated from both sides, with as much of the texture below the streak as its surroundings have.

    What a streak adds is its mean excess over the sides along it; what is left is texture and error. Where pixels beside the
    streaks vary less than that, it is mostly error, and counts less, as in a Wiener filter.
    """
    from scipy import ndimage

    def mean_over(values: np.ndarray, where: np.ndarray) -> np.ndarray:
        size = (1,) * (values.ndim - 2) + (surroundings,) * 2
        total = ndimage.uniform_filter(np.where(where, values, 0), size, mode="nearest")
        share = ndimage.uniform_filter(where.astype(values.dtype), surroundings, mode="nearest")
        average: np.ndarray = np.maximum(total, 0) / np.maximum(share, 1 / surroundings**2)
        return average

    excess = np.where(mask, (planes - sides).min(0), 0)
    covered = ndimage.uniform_filter1d(mask.astype(planes.dtype), _LIGHT, axis=0, mode="nearest")
    light = ndimage.uniform_filter1d(excess, _LIGHT, axis=0, mode="nearest") / np.maximum(covered, 1 / (2 * _LIGHT))
    left = planes - sides - np.maximum(light, 0)
    beside = sides - ndimage.uniform_filter1d(sides, _BESIDE, axis=2, mode="nearest")
    texture, error = mean_over(beside**2, ~mask), mean_over(left**2, mask)
    kept = np.divide(texture, error, out=np.zeros_like(error), where=error > texture)
    kept[error <= texture] = 1
    return np.where(mask, np.maximum(sides + kept * left, planes.min()), planes)
