"""Layers as arrays in memory for training and measuring, all with the same axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bsn.data import DataError, PlaneIndex
from bsn.napari.layers import LayerImage, without_alpha
from bsn.napari.levels import is_lazy

__all__ = ["Gathered", "gather", "middle_part"]

_SHORTEST = 512
_ORDER = "TZPQRUVWABDEFGHIJKLMNOCSYX"


class Gathered(NamedTuple):
    """Images that can be trained on together.

    Parameters
    ----------
    arrays : list of ndarray
        One for each layer.
    axes : str
        Their axes.
    notes : list of str
        What was left out, in sentences.
    """

    arrays: list[np.ndarray]
    axes: str
    notes: list[str]


def gather(images: Sequence[LayerImage], limit: int) -> Gathered:
    """Bring the images of layers into memory.

    Parameters
    ----------
    images : sequence of LayerImage
        The images.
    limit : int
        Bytes that are read of each lazy layer at most: its middle planes.

    Returns
    -------
    Gathered

    Raises
    ------
    DataError
        There are none.
    """
    if not images:
        raise DataError("no layer", "there is nothing to learn from", "choose one image layer or more")
    arrays, notes = [], []
    for image in images:
        pixels = without_alpha(image)
        if is_lazy(pixels):
            whole = tuple(pixels.shape)
            pixels = pixels[middle_part(image, limit)]
            if pixels.shape != whole:
                notes.append(
                    f"Of {image.name}, the middle {' x '.join(map(str, pixels.shape))} ({image.axes}) is read."
                )
        arrays.append(np.asarray(pixels))
    axes = "".join(letter for letter in _ORDER if any(letter in image.axes for image in images))
    return Gathered([_ordered(a, i.axes, axes) for a, i in zip(arrays, images, strict=True)], axes, notes)


def _ordered(pixels: np.ndarray, axes: str, wanted: str) -> np.ndarray:
    """The pixels with axes in another order; those that they do not have get a length of one."""
    there = pixels.transpose([axes.index(letter) for letter in wanted if letter in axes])
    return there[tuple(slice(None) if letter in axes else None for letter in wanted)]


def middle_part(image: LayerImage, limit: int) -> tuple[slice, ...]:
    """Choose the middle of an image that is small enough to be read.

    Parameters
    ----------
    image : LayerImage
        The image.
    limit : int
        Bytes.

    Returns
    -------
    tuple of slice
        Whole planes that follow each other, where one fits; otherwise the middle of one.
    """
    index = PlaneIndex(image.axes, tuple(image.pixels.shape))
    lengths = dict(zip(image.axes, index.shape, strict=True))
    size = np.dtype(image.pixels.dtype).itemsize
    while size * int(np.prod(list(lengths.values()), dtype=object)) > limit:
        counted = [letter for letter in index.leading if lengths[letter] > 1]
        sides = [letter for letter in "YX" if lengths[letter] > _SHORTEST]
        if not counted and not sides:
            break
        longest = max(counted or sides, key=lambda letter: lengths[letter])
        lengths[longest] = -(-lengths[longest] // 2)
    return tuple(
        slice((whole - lengths[letter]) // 2, (whole - lengths[letter]) // 2 + lengths[letter])
        for letter, whole in zip(image.axes, index.shape, strict=True)
    )
