"""Drawing of what moves while the shutter is open: pixels near a line segment, in coordinates along it and across it."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Around", "along_and_across", "around_segment", "streak_profile"]


def along_and_across(
    rows: np.ndarray, columns: np.ndarray, centre: tuple[float, float], direction: float
) -> tuple[np.ndarray, np.ndarray]:
    """Turn rows and columns into distances along a direction and across it.

    Parameters
    ----------
    rows, columns : ndarray, shapes (h, 1) and (1, w)
        Coordinates in pixels, as `numpy.ogrid` gives them.
    centre : tuple of float
        Row and column from which the distances count.
    direction : float
        Angle from the vertical in radians; positive leans to the right going down.

    Returns
    -------
    along, across : ndarray, shape (h, w), float64
        In pixels; `along` grows going down, `across` to the right.
    """
    down, right = np.cos(direction), np.sin(direction)
    dy, dx = rows - centre[0], columns - centre[1]
    return dy * down + dx * right, dx * down - dy * right


def streak_profile(
    along: np.ndarray, across: np.ndarray, half: float, width: float, strength: float = 1.0
) -> np.ndarray:
    """Light of a streak of rain: even along it, with soft ends, and a Gaussian across it.

    Parameters
    ----------
    along, across : ndarray, shape (h, w)
        Distances from its middle in pixels.
    half : float
        Half its length in pixels.
    width : float
        Standard deviation of the Gaussian in pixels, more than 0.
    strength : float
        Light at its middle.

    Returns
    -------
    ndarray, shape (h, w), float64, range [0, strength]
    """
    ends = np.clip(half - np.abs(along) + 1, 0, 1)
    light: np.ndarray = strength * ends * np.exp(-0.5 * (across / width) ** 2)
    return light


@dataclass(frozen=True, eq=False)
class Around:
    """Pixels around a segment.

    Parameters
    ----------
    window : tuple of slice
        Rows and columns of the part of the image that the segment reaches.
    along, across : ndarray, shape (h, w), float
        Distance in pixels of each of them from the middle of the segment, along it and across it.
    """

    window: tuple[slice, slice]
    along: np.ndarray
    across: np.ndarray


def around_segment(
    size: tuple[int, int], centre: np.ndarray, half: float, direction: float, margin: float
) -> Around | None:
    """Find the pixels near a segment.

    Parameters
    ----------
    size : tuple of int
        Rows and columns of the image.
    centre : ndarray, shape (2,)
        Row and column of the middle of the segment; it may lie outside.
    half : float
        Half its length in pixels.
    direction : float
        Angle from the vertical in radians; positive leans to the right going down.
    margin : float
        How far from the segment pixels are wanted.

    Returns
    -------
    Around or None
        None where the segment does not reach the image.

    Examples
    --------
    >>> found = around_segment((9, 9), np.array([4.0, 4.0]), 3.0, 0.0, 1.0)
    >>> found.window, float(found.along[0, 0]), float(found.across[0, 0])
    ((slice(0, 9, None), slice(3, 6, None)), -4.0, -1.0)
    """
    reach = half * np.abs([np.cos(direction), np.sin(direction)]) + margin
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    high = np.minimum(np.ceil(centre + reach) + 1, size).astype(int)
    if (low >= high).any():
        return None
    window = (slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])))
    rows, columns = np.ogrid[window]
    return Around(window, *along_and_across(rows, columns, (centre[0], centre[1]), direction))
