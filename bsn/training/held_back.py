"""What trainings hold back for validation, and the crops that they can have."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from bsn.data import (
    CropBatch,
    DataError,
    ImageSource,
    grid_crops,
    neighbour_of,
    neighbour_offsets,
    with_neighbours,
)

__all__ = [
    "SMALLEST_CROP",
    "divide_groups",
    "fit_crop",
    "held_back_crops",
    "held_back_groups",
    "kept_from_training",
    "pixels_of",
    "smallest_side",
]

SMALLEST_CROP = 16
"""Side in pixels of the smallest crop that is worth training on."""

_LARGEST_SHARE_OF_PIXELS = 0.05
_LARGEST_SHARE_OF_GROUPS = 0.1


def pixels_of(source: ImageSource) -> int:
    """Count the pixels of all images; channels do not count.

    Parameters
    ----------
    source : ImageSource
        Its sizes are read, not its pixels.

    Returns
    -------
    int
    """
    return sum(height * width for height, width in (source.size(i) for i in range(len(source))))


def smallest_side(source: ImageSource) -> int:
    """Shortest side of all images, in pixels.

    Parameters
    ----------
    source : ImageSource
        Its sizes are read, not its pixels.

    Returns
    -------
    int
    """
    return min(min(source.size(i)) for i in range(len(source)))


def fit_crop(source: ImageSource, crop: int, *, stride: int = 1, grid: int = 1) -> int:
    """Side of the crops that a network sees: as wanted, but on its grid and inside the smallest image.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    crop : int
        What is wanted, in pixels of what the network sees.
    stride : int
        Pixels of the image per pixel of what the network sees.
    grid : int
        The side is a multiple of this.

    Returns
    -------
    int
        `crop`, rounded up to the grid, or what the smallest image has room for.

    Raises
    ------
    DataError
        If there is no room for a crop that is worth training on.
    """
    height, width = min((source.size(i) for i in range(len(source))), key=min)
    room = min(height, width) // stride // grid * grid
    if room < min(crop, SMALLEST_CROP):
        at_stride = f" at stride {stride}" if stride > 1 else ""
        raise DataError(
            f"an image of {height} x {width} pixels",
            f"is too small for crops of {max(SMALLEST_CROP, grid)} pixels{at_stride}",
            "leave it out, or use a smaller stride" if stride > 1 else "leave it out",
        )
    return min(-(-crop // grid) * grid, room)


def held_back_crops(
    source: ImageSource, size: int, count: int, seed: int, *, context: int = 0, axis: str = ""
) -> CropBatch | None:
    """Fixed crops that training never sees.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    size : int
        Side of a crop in pixels of the images.
    count : int
        Number of crops wanted; they hold at most 5 % of the pixels.
    seed : int
        Seed of the choice.
    context : int
        Neighbours k on each side that the crops get.
    axis : str
        Axis of the neighbours, see :class:`bsn.data.StackedSource`.

    Returns
    -------
    CropBatch or None
        None where 5 % of the pixels are less than one crop.
    """
    affordable = int(_LARGEST_SHARE_OF_PIXELS * pixels_of(source) / size**2)
    # Neighbours of held-back crops are not trained on either, see `kept_from_training`.
    count = min(count, max(affordable // (2 * context + 1), min(affordable, 1)))
    if not count:
        return None
    crops = grid_crops(source, size, count, seed)
    return with_neighbours(source, crops, context, axis=axis) if context else crops


def kept_from_training(
    source: ImageSource, held_back: CropBatch | None, *, context: int = 0, axis: str = ""
) -> CropBatch | None:
    """Places at which no crop of the training lies: the held-back crops, and there also the frames next to them.

    Training on a neighbour would show it the held-back crop as a neighbour of its own.

    Parameters
    ----------
    source : ImageSource
        What the crops were cut from.
    held_back : CropBatch, optional
        Crops that training never sees.
    context : int
        Neighbours k on each side.
    axis : str
        Axis of the neighbours, see :class:`bsn.data.StackedSource`.

    Returns
    -------
    CropBatch or None
        Its positions count, not its pixels. None where nothing is held back.
    """
    if held_back is None or not context:
        return held_back
    around = [
        (found, *place)
        for index, *place in held_back.positions.tolist()
        for offset in neighbour_offsets(context)
        if (found := neighbour_of(source, index, offset, axis)) is not None
    ]
    places = np.concatenate([held_back.positions, np.array(around, np.int64).reshape(-1, 4)])
    return dataclasses.replace(held_back, positions=places)


def held_back_groups(groups: Sequence[str], count: int, seed: int) -> list[int]:
    """Indices of about `count` pairs that training never sees: whole backgrounds, at most a tenth of them.

    Parameters
    ----------
    groups : sequence of str
        Background of each pair.
    count, seed : int
        Number of pairs wanted, and seed of the choice.
    """
    names = list(dict.fromkeys(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    chosen: list[int] = []
    for number in order[: int(_LARGEST_SHARE_OF_GROUPS * len(names))]:
        if len(chosen) >= count:
            break
        chosen += [index for index, group in enumerate(groups) if group == names[number]]
    return sorted(chosen)


def divide_groups(names: Sequence[str], share: float, seed: int) -> tuple[list[str], list[str]]:
    """Divide backgrounds at random into two parts, neither of which is empty.

    Parameters
    ----------
    names : sequence of str
        Two or more.
    share : float
        Share of the second part, in (0, 1).
    seed : int
        Seed of the choice.
    """
    order = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    first = min(max(round((1 - share) * len(names)), 1), len(names) - 1)
    return order[:first], order[first:]
