"""An image in parts that several processes denoise and write independently of each other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from bsn.data import PlaneIndex, stack_axis

__all__ = ["Part", "split_image"]

Item = TypeVar("Item")


@dataclass(frozen=True)
class Part:
    """Rows of some planes.

    Parameters
    ----------
    planes : tuple of int
        Numbers of the planes.
    rows : tuple of int
        First row, and the row after the last one.
    """

    planes: tuple[int, ...]
    rows: tuple[int, int]


def split_image(
    index: PlaneIndex, chunks: Sequence[int], cuts: Sequence[int], count: int, axis: str = ""
) -> list[Part]:
    """Divide an image such that no two parts write into one chunk of the result.

    Parameters
    ----------
    index : PlaneIndex
        Axes and shape of the image.
    chunks : sequence of int
        Shape of the chunks that the result is stored in, in the order of the axes.
    cuts : sequence of int
        First rows of the rows of tiles, from 0. Cuts between these cost no work twice.
    count : int
        How many parts are wanted. There are fewer where the image has no more, never more.
    axis : str
        Axis along which planes follow each other, see :func:`bsn.data.stack_axis`; a part has neighbours together.

    Returns
    -------
    list of Part
        Together they are the whole image.

    Examples
    --------
    >>> split_image(PlaneIndex("ZYX", (5, 8, 8)), (2, 8, 8), [0], 2)
    [Part(planes=(0, 1), rows=(0, 8)), Part(planes=(2, 3, 4), rows=(0, 8))]
    """
    groups = _groups(index, chunks, axis)
    height = index.size[0]
    merged = [sum(group, ()) for group in _shared_out(groups, count)]
    if len(merged) >= count:
        return [Part(planes, (0, height)) for planes in merged]
    step = chunks[index.axes.index("Y")]
    edges = sorted({0, *(cut // step * step for cut in cuts if cut < height)})
    starts = [band[0] for band in _shared_out(edges, max(1, count // len(merged)))]
    bands = list(itertools.pairwise([*starts, height]))
    return [Part(planes, rows) for planes in merged for rows in bands]


def _groups(index: PlaneIndex, chunks: Sequence[int], axis: str) -> list[tuple[int, ...]]:
    """Planes that share chunks, in the order in which they are denoised."""
    sizes = [index.length(letter) for letter in index.leading]
    steps = [chunks[index.axes.index(letter)] for letter in index.leading]
    strides = [math.prod(sizes[at + 1 :]) for at in range(len(sizes))]
    stack = stack_axis(index, axis)
    found = []
    for corner in itertools.product(*(range(0, n, step) for n, step in zip(sizes, steps, strict=True))):
        inside = (range(at, min(at + step, n)) for at, step, n in zip(corner, steps, sizes, strict=True))
        planes = tuple(sum(i * s for i, s in zip(place, strides, strict=True)) for place in itertools.product(*inside))
        others = tuple(at for letter, at in zip(index.leading, corner, strict=True) if letter != stack)
        found.append((others, corner, planes))
    return [planes for _, _, planes in sorted(found)]


def _shared_out(items: Sequence[Item], count: int) -> list[list[Item]]:
    """Runs of items, as even as can be; at most `count`."""
    count = min(count, len(items))
    ends = [len(items) * number // count for number in range(count + 1)]
    return [list(items[a:b]) for a, b in itertools.pairwise(ends)]
