"""Coarser levels of an image: means over blocks of pixels, chunk by chunk."""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


def level_shapes(shape: Sequence[int], axes: str, smallest: int = 256) -> list[tuple[int, ...]]:
    """Choose the levels of a new image: rows and columns are halved as long as one of them is longer than `smallest`.

    Parameters
    ----------
    shape : sequence of int
        Shape of the image.
    axes : str
        One letter per axis.
    smallest : int
        Pixels.

    Returns
    -------
    list of tuple of int
        The shape itself first.

    Examples
    --------
    >>> level_shapes((5, 600, 300), "ZYX")
    [(5, 600, 300), (5, 300, 150), (5, 150, 75)]
    """
    shapes = [tuple(shape)]
    while max(n for a, n in zip(axes, shapes[-1], strict=True) if a in "YX") > smallest:
        shapes.append(tuple(-(-n // 2) if a in "YX" else n for a, n in zip(axes, shapes[-1], strict=True)))
    return shapes


def fill_level(fine: Any, coarse: Any) -> None:
    """Fill an array with the means of a finer one.

    Parameters
    ----------
    fine, coarse : zarr.Array
        Arrays of as many axes; a coarse axis is at most as long as the fine one.
    """
    edges = [block_edges(whole, part) for whole, part in zip(fine.shape, coarse.shape, strict=True)]
    for box in boxes_of(coarse.shape, stored_chunks(coarse)):
        taken = [edge[s.start : s.stop + 1] for edge, s in zip(edges, box, strict=True)]
        seen = fine[tuple(slice(int(edge[0]), int(edge[-1])) for edge in taken)]
        coarse[box] = block_means(seen, [edge - edge[0] for edge in taken])


def block_means(pixels: np.ndarray, edges: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over blocks.

    Parameters
    ----------
    pixels : ndarray
        Values of any type.
    edges : sequence of ndarray of int
        For each axis the first pixel of each block, and the end of the last one.

    Returns
    -------
    ndarray
        As many values along an axis as it has blocks, in the type of the pixels; integers are rounded to the nearest.

    Examples
    --------
    >>> block_means(np.array([[1, 2], [3, 5]], np.uint8), [np.array([0, 2]), np.array([0, 2])])
    array([[3]], dtype=uint8)
    """
    total = pixels.astype(np.float64)
    for axis, edge in enumerate(edges):
        if len(edge) - 1 < total.shape[axis]:
            sums = np.add.reduceat(total, edge[:-1], axis=axis)
            total = sums / np.diff(edge).reshape([-1 if a == axis else 1 for a in range(total.ndim)])
    if pixels.dtype.kind == "f":
        return total.astype(pixels.dtype)
    return np.floor(total + 0.5).astype(pixels.dtype)


def stored_chunks(array: Any) -> tuple[int, ...]:
    """Shape of the parts of an array that are files of their own: shards where there are some, otherwise chunks.

    Parameters
    ----------
    array : zarr.Array
        Any array.

    Returns
    -------
    tuple of int
    """
    found: tuple[int, ...] = getattr(array, "shards", None) or array.chunks
    return found


def boxes_of(shape: Sequence[int], chunks: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Divide an array into its chunks.

    Parameters
    ----------
    shape, chunks : sequence of int
        Shape of the array, and of its chunks.

    Yields
    ------
    tuple of slice
        The place of each, cut off at the end of the array.
    """
    counts = [range(math.ceil(n / c)) for n, c in zip(shape, chunks, strict=True)]
    for index in itertools.product(*counts):
        yield tuple(slice(i * c, min((i + 1) * c, n)) for i, c, n in zip(index, chunks, shape, strict=True))


def block_edges(whole: int, part: int) -> np.ndarray:
    """Where blocks begin: every so many pixels, where that gives the right number of blocks, otherwise evenly.

    Parameters
    ----------
    whole, part : int
        Length of an axis, and the number of its blocks.

    Returns
    -------
    ndarray of int, shape (part + 1,)
        The first pixel of each block, and the end of the last one.
    """
    factor = max(1, round(whole / part))
    if part in (whole // factor, math.ceil(whole / factor)):
        return np.minimum(np.arange(part + 1) * factor, whole)
    return np.arange(part + 1) * whole // part
