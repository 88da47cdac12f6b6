"""The Bayer mosaic: which colour each pixel of a sensor sees, and three ways to fill in the two others.

All functions take pixels in the last two axes and any number of axes before them, so that a noisy and a clean picture
are developed together. `phase` is the row and column of the pattern at the first pixel: (0, 0) begins with red, and then
red and green alternate in even rows, green and blue in odd ones.

References
----------
Malvar, He, Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color images", ICASSP 2004.
Hamilton and Adams, US patent 5,629,734 (expired): green along the direction of the smaller gradient.
"""

from typing import Literal, get_args

import numpy as np

from bsn.data.errors import DataError

__all__ = ["Demosaicing", "demosaic", "mosaic"]

Demosaicing = Literal["bilinear", "malvar", "directed"]
Phase = tuple[int, int]

_RED, _GREEN, _BLUE = 0, 1, 2
_PATTERN = np.array([[_RED, _GREEN], [_GREEN, _BLUE]])

_CROSS = np.array([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
_SQUARE = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4

# Malvar's four kernels: green where red or blue is seen; a colour at a green pixel with its neighbours in the row; the
# opposite colour at red and blue pixels. The neighbours in the column take the second one transposed.
_GREEN_AT_COLOUR = (
    np.array([[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]) / 8
)
_COLOUR_IN_ROW = (
    np.array([[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]) / 8
)
_OPPOSITE = (
    np.array([[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]) / 8
)


def mosaic(image: np.ndarray, phase: Phase = (0, 0)) -> np.ndarray:
    """Keep one colour of each pixel.

    Parameters
    ----------
    image : ndarray, shape (..., 3, H, W)
        Red, green, blue.
    phase : tuple of int
        Where the pattern begins, each 0 or 1.

    Returns
    -------
    ndarray, shape (..., H, W)
    """
    red, green, blue = np.moveaxis(image, -3, 0)
    colours = _colours(image, phase)
    return np.where(colours == _GREEN, green, np.where(colours == _RED, red, blue))


def demosaic(raw: np.ndarray, kind: Demosaicing = "bilinear", phase: Phase = (0, 0)) -> np.ndarray:
    """Fill in the missing colours. The picture is mirrored beyond its edges.

    Parameters
    ----------
    raw : ndarray, shape (..., H, W), float
        As :func:`mosaic` makes it; at least 3 x 3 pixels, 2 x 2 for "bilinear".
    kind : {"bilinear", "malvar", "directed"}
        Means of the nearest pixels that have the colour; Malvar's linear filters, which use all colours; or green along
        the direction in which the picture changes less, and the differences to green as means.
    phase : tuple of int
        Where the pattern begins, each 0 or 1.

    Returns
    -------
    ndarray, shape (..., 3, H, W), dtype of `raw`

    Raises
    ------
    DataError
        Another kind, or too few pixels.
    """
    least = 2 if kind == "bilinear" else 3
    if kind not in get_args(Demosaicing):
        raise DataError(f"demosaicing {kind!r}", "is not known", f"use {', '.join(get_args(Demosaicing))}")
    if min(raw.shape[-2:]) < least:
        raise DataError(
            f"a sensor of {raw.shape[-2]} x {raw.shape[-1]} pixels",
            "not every colour has a neighbour",
            f"give {least} x {least} or more",
        )
    colours = _colours(raw, phase)
    if kind == "bilinear":
        return _bilinear(raw, colours)
    return _malvar(raw, colours) if kind == "malvar" else _directed(raw, colours)


def _bilinear(raw: np.ndarray, colours: np.ndarray) -> np.ndarray:
    kernels = {_RED: _SQUARE, _GREEN: _CROSS, _BLUE: _SQUARE}
    planes = [_filtered(np.where(colours == colour, raw, 0), kernel) for colour, kernel in kernels.items()]
    return np.stack(planes, -3)


def _malvar(raw: np.ndarray, colours: np.ndarray) -> np.ndarray:
    at_green = colours == _GREEN
    opposite = _filtered(raw, _OPPOSITE)
    in_row, in_column = _filtered(raw, _COLOUR_IN_ROW), _filtered(raw, _COLOUR_IN_ROW.T)
    green = np.where(at_green, raw, _filtered(raw, _GREEN_AT_COLOUR))
    planes = {_GREEN: green}
    for colour in (_RED, _BLUE):
        beside = (colours == colour).any(1, keepdims=True)  # rows in which this colour lies to the left and right
        at_other = np.where(at_green, np.where(beside, in_row, in_column), opposite)
        planes[colour] = np.where(colours == colour, raw, at_other)
    return np.stack([planes[_RED], planes[_GREEN], planes[_BLUE]], -3)


def _directed(raw: np.ndarray, colours: np.ndarray) -> np.ndarray:
    estimates, changes = zip(*(_along(raw, axis) for axis in (-1, -2)), strict=True)
    across, down = estimates
    mean = (across + down) / 2
    chosen = np.where(changes[0] < changes[1], across, np.where(changes[0] > changes[1], down, mean))
    green = np.where(colours == _GREEN, raw, chosen)
    planes = [green + _filtered(np.where(colours == colour, raw - green, 0), _SQUARE) for colour in (_RED, _BLUE)]
    return np.stack([planes[0], green, planes[1]], -3)


def _along(raw: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Green at red and blue pixels from one direction, and how much the picture changes along it."""
    curvature, slope, mean = np.array([-1.0, 0, 2, 0, -1]), np.array([0.0, 1, 0, -1, 0]), np.array([0, 0.5, 0, 0.5, 0])
    kernels = [kernel[None] if axis == -1 else kernel[:, None] for kernel in (curvature, slope, mean)]
    bend, difference, between = (_filtered(raw, kernel) for kernel in kernels)
    return between + bend / 4, np.abs(difference) + np.abs(bend)


def _filtered(raw: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Correlate with a small kernel of which most numbers are zero; the edges are mirrored, which keeps the pattern."""
    rows, columns = (size // 2 for size in kernel.shape)
    height, width = raw.shape[-2:]
    framed = np.pad(raw, ((0, 0),) * (raw.ndim - 2) + ((rows, rows), (columns, columns)), mode="reflect")
    result = np.zeros_like(raw)
    for row, column in zip(*np.nonzero(kernel), strict=True):
        result += raw.dtype.type(kernel[row, column]) * framed[..., row : row + height, column : column + width]
    return result


def _colours(picture: np.ndarray, phase: Phase) -> np.ndarray:
    """Which colour each pixel of the sensor sees."""
    rows, columns = ((np.arange(size) + first) % 2 for size, first in zip(picture.shape[-2:], phase, strict=True))
    return _PATTERN[rows[:, None], columns]
