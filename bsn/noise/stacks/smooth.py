"""Smooth surfaces through the mean of a stack: what a pattern of single pixels or lines stands out from."""

from __future__ import annotations

import functools

import numpy as np

__all__ = ["KERNELS", "box", "high_pass", "kept_variance", "white_correlation"]

_SQUARE, _LINE = 9, 15


@functools.cache
def _kernel(rows: int, columns: int) -> np.ndarray:
    """Value in the middle of the polynomial of second order that fits a window best (Savitzky and Golay, 1964)."""
    y, x = np.mgrid[:rows, :columns].reshape(2, -1) - np.array([[rows // 2], [columns // 2]])
    terms = [np.ones_like(x), x, y, x * x, x * y, y * y]
    basis = np.stack([term for i, term in enumerate(terms) if i == 0 or term.any()], 1).astype(float)
    kernel: np.ndarray = np.linalg.pinv(basis)[0].reshape(rows, columns)
    return kernel


KERNELS = {"around": (_SQUARE, _SQUARE), "along rows": (1, _LINE), "along columns": (_LINE, 1)}
"""Windows: all around for smooth places, and along lines for what motion has drawn out."""


def high_pass(image: np.ndarray, window: tuple[int, int]) -> np.ndarray:
    """What an image has beyond a smooth surface.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        At least as large as half of the window.
    window : tuple of int
        Rows and columns of the window, see :data:`KERNELS`.

    Returns
    -------
    ndarray, shape (H, W)
    """
    from scipy.ndimage import convolve

    rest: np.ndarray = image - convolve(image, _kernel(*window), mode="mirror")
    return rest


def kept_variance(window: tuple[int, int]) -> float:
    """Share of the variance of white noise that :func:`high_pass` keeps.

    Parameters
    ----------
    window : tuple of int
        See there.

    Returns
    -------
    float
    """
    return white_correlation(window)[0, 0]


@functools.cache
def _response(window: tuple[int, int]) -> np.ndarray:
    kernel = -_kernel(*window)
    kernel[window[0] // 2, window[1] // 2] += 1
    return kernel


def white_correlation(window: tuple[int, int]) -> np.ndarray:
    """Covariance of white noise of variance 1 after :func:`high_pass`, at distances of 0 to 2 pixels.

    Parameters
    ----------
    window : tuple of int
        See :func:`high_pass`.

    Returns
    -------
    ndarray, shape (3, 3)
        By the distance in rows and in columns.
    """
    kernel = np.pad(_response(window), 2)
    found = np.zeros((3, 3))
    for rows in range(3):
        for columns in range(3):
            found[rows, columns] = (kernel * np.roll(kernel, (rows, columns), (0, 1))).sum()
    return found


def box(image: np.ndarray, side: int) -> np.ndarray:
    """Means over squares.

    Parameters
    ----------
    image : ndarray, shape (H, W)
        Any image.
    side : int
        Side of the squares in pixels.

    Returns
    -------
    ndarray, shape (H, W)
    """
    from scipy.ndimage import uniform_filter

    means: np.ndarray = uniform_filter(image, side, mode="mirror")
    return means
