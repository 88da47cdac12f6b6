"""Drawing of what moves while the shutter is open: pixels around a line segment, in coordinates along and across it."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Around", "around_segment"]


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
    """Find the pixels around a segment.

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
    unit = np.array([np.cos(direction), np.sin(direction)])  # row, column
    reach = half * np.abs(unit) + margin
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    high = np.minimum(np.ceil(centre + reach) + 1, size).astype(int)
    if (low >= high).any():
        return None
    rows, columns = np.ogrid[low[0] : high[0], low[1] : high[1]]
    dy, dx = rows - centre[0], columns - centre[1]
    window = (slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])))
    return Around(window, dy * unit[0] + dx * unit[1], dx * unit[0] - dy * unit[1])
