"""Missing pixels filled from their surroundings.

Missing are pixels that are NaN or infinite: the rim of a stitched mosaic, a cloud mask, a dead column. A network needs a
number there, and a number that stands out (0, say) would spread into the picture. The filled value is the mean of the
pixels in the smallest square around it that shows enough of them, so it changes slowly inside a large hole, and no
single neighbour weighs more than one in `ENOUGH`: the noise of a neighbour is hardly carried over.
"""

import numpy as np

#: How many present pixels a filled value is the mean of, unless the whole plane has fewer.
ENOUGH = 8


def fill_missing(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fill missing pixels from their surroundings.

    The fill depends only on what is near: a hole looks the same in a part of an image as in the whole, as long as the
    part shows the surroundings of the hole.

    Parameters
    ----------
    pixels : ndarray, shape (..., H, W)
        Any number of planes; each is filled from itself. Not changed.

    Returns
    -------
    filled : ndarray, shape (..., H, W)
        In the type of `pixels`. `pixels` itself where nothing is missing. A plane without any present pixel becomes 0.
    missing : ndarray, shape (..., H, W), bool
        Where pixels were NaN or infinite.

    Examples
    --------
    >>> image = np.ones((6, 6), np.float32)
    >>> image[2:4, 2:4] = np.nan
    >>> filled, missing = fill_missing(image)
    >>> float(filled.min()), float(filled.max()), int(missing.sum())
    (1.0, 1.0, 4)
    """
    missing = ~np.isfinite(pixels)
    if not missing.any():
        return pixels, missing
    filled = pixels.copy()
    height, width = pixels.shape[-2:]
    planes, holes = filled.reshape(-1, height, width), missing.reshape(-1, height, width)
    for plane, hole in zip(planes, holes, strict=True):
        if hole.any():
            plane[hole] = _values(plane, hole)
    return filled, missing


def _values(plane: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Give the values of the missing pixels of one plane, in the order of ``plane[hole]``."""
    present = ~hole
    total = int(present.sum())
    rows, columns = np.nonzero(hole)
    values = np.zeros(len(rows))
    if total == 0:
        return values
    # Sums relative to the mean stay exact enough in large images.
    centre = float(plane[present].mean(dtype=np.float64))
    sums = _integral(np.where(present, plane.astype(np.float64) - centre, 0.0))
    counts = _integral(present.astype(np.int64))
    open_ = np.arange(len(rows))
    radius, largest = 1, max(plane.shape)
    while len(open_):
        y, x = rows[open_], columns[open_]
        count = _square(counts, y, x, radius)
        done = count >= min(ENOUGH, total)
        found = open_[done]
        values[found] = _square(sums, y[done], x[done], radius) / count[done] + centre
        open_ = open_[~done]
        radius = min(radius + max(1, radius // 2), largest)
    return values


def _integral(plane: np.ndarray) -> np.ndarray:
    """Sum up from the top left corner, with a row and a column of zeros before it."""
    table = np.zeros((plane.shape[0] + 1, plane.shape[1] + 1), plane.dtype)
    np.cumsum(plane, axis=0, out=table[1:, 1:])
    np.cumsum(table[1:, 1:], axis=1, out=table[1:, 1:])
    return table


def _square(table: np.ndarray, y: np.ndarray, x: np.ndarray, radius: int) -> np.ndarray:
    """Sum over the squares of side ``2 * radius + 1`` around some pixels, cut at the border."""
    height, width = table.shape[0] - 1, table.shape[1] - 1
    top, bottom = np.maximum(y - radius, 0), np.minimum(y + radius + 1, height)
    left, right = np.maximum(x - radius, 0), np.minimum(x + radius + 1, width)
    total: np.ndarray = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
    return total
