"""Random crops as a pure function of seed, step and sample number.

There is no sampler state: the crops of step 1000 are found without drawing those before, so a resumed run needs nothing
but its step. The samples of a step are numbered over all processes; rank r of W, with b samples each, takes numbers r b
to (r + 1) b - 1, so any split of the same global batch over processes sees the same crops.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bsn.data.arrays.geometry import COUNT, transform
from bsn.data.errors import DataError
from bsn.data.sources.plane_source import ImageSource, MaskedSource, read_target

# Keeps these random numbers apart from those of other users of the same seed.
_STREAM = 0x63726F70

# After this many draws without a place beside the held-back crops, drawing is given up.
_ATTEMPTS = 1000


@dataclass(frozen=True, eq=False)
class CropBatch:
    """Crops and where they come from.

    Attributes
    ----------
    pixels : ndarray, shape (B, C, h, w), float32
        Integers scaled to [0, 1].
    names : list of str
        Name of the image of each crop.
    positions : ndarray, shape (B, 4), int64
        Index of the image, first row, first column, and which of the eight transforms was applied.
    targets : ndarray, shape (B, ..., C, h, w), float32, or None
        What the crops should become, cut at the same places; for sources that know it (`PairedSource`).
    counted : ndarray of bool, shape (B, h, w), or None
        Pixels to learn from; None where all are (`MaskedSource`).
    neighbours : ndarray, shape (B, 2 k, C, h, w), float32, or None
        Crops of the frames before and after, at the same places; zeros where there is none (`ContextCrops`).
    available : ndarray, shape (B, 2 k), float32, or None
        1 for neighbours that are there, 0 for the others.
    """

    pixels: np.ndarray
    names: list[str]
    positions: np.ndarray
    targets: np.ndarray | None = None
    counted: np.ndarray | None = None
    neighbours: np.ndarray | None = None
    available: np.ndarray | None = None

    @property
    def windows(self) -> np.ndarray:
        """Each crop with its neighbours behind it, as networks with context take them, shape (B, (2 k + 1) C, h, w)."""
        if self.neighbours is None:
            return self.pixels
        count, _, _, height, width = self.neighbours.shape
        return np.concatenate([self.pixels, self.neighbours.reshape(count, -1, height, width)], 1)


class RandomCrops:
    """Random crops of the images of a source.

    Parameters
    ----------
    source : ImageSource
        The images.
    size : int or tuple of int
        Rows and columns of a crop; one number for a square.
    seed : int
        0 to 2**64 - 1.
    augment : bool or "flips"
        Apply one of the eight flips and quarter turns to each crop; of the four that keep the shape (flips and half turn)
        if it is not a square, or for "flips".
    multiple_of : int
        What the network needs: rows and columns must be multiples of it.
    weighting : {"area", "uniform"}
        Draw images in proportion to their area, so that every pixel is about equally likely, or all alike.
    avoid : CropBatch, optional
        Crops held back (for validation): no crop overlaps them.

    Raises
    ------
    DataError
        The crop is larger than an image (the message names it, and the largest crop that works for all), no multiple,
        or empty; a wrong option; what is held back leaves no room.

    Examples
    --------
    >>> from bsn.data.sources.array_source import ArraySource
    >>> crops = RandomCrops(ArraySource(np.zeros((64, 64), np.uint8)), 32, seed=0)
    >>> crops.batch(step=7, batch_size=4).pixels.shape
    (4, 1, 32, 32)
    """

    def __init__(
        self,
        source: ImageSource,
        size: int | tuple[int, int],
        *,
        seed: int,
        augment: bool | Literal["flips"] = True,
        multiple_of: int = 1,
        weighting: Literal["area", "uniform"] = "area",
        avoid: CropBatch | None = None,
    ) -> None:
        if weighting not in ("area", "uniform"):
            raise DataError(f"weighting={weighting!r}", "is not known", 'use "area" or "uniform"')
        self.source = source
        self.size = crop_size(source, size)
        _check_multiple(self.size, multiple_of)
        sample_generator(seed, 0, 0)  # refuses a seed that is none, before the first step
        self.seed = seed
        self.augment = augment
        sizes = np.array([source.size(i) for i in range(len(source))], dtype=np.int64)
        self._sizes = sizes
        self._avoided = _boxes_by_image(avoid)
        self._cumulated = np.cumsum(sizes.prod(axis=1) if weighting == "area" else np.ones(len(sizes), np.int64))

    def batch(self, step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> CropBatch:
        """Cut the crops of one step for one process.

        Parameters
        ----------
        step : int
            Number of the training step, from 0.
        batch_size : int
            Crops per process.
        rank, world_size : int
            Number of this process, and of all.

        Returns
        -------
        CropBatch
            `batch_size` crops.

        Raises
        ------
        DataError
            A negative step, an empty batch or a rank that does not exist.
        """
        if step < 0 or batch_size < 1 or not 0 <= rank < world_size:
            raise DataError(
                f"step {step}, batch size {batch_size}, rank {rank} of {world_size}",
                "there is no such batch",
                "steps and ranks count from 0, a batch has at least one crop",
            )
        numbers = range(rank * batch_size, (rank + 1) * batch_size)
        return cut_crops(self.source, np.array([self.position(step, n) for n in numbers], dtype=np.int64), self.size)

    def position(self, step: int, number: int) -> tuple[int, int, int, int]:
        """Draw where one crop lies, without reading it.

        Parameters
        ----------
        step : int
            Number of the training step.
        number : int
            Number of the sample in the global batch.

        Returns
        -------
        index, top, left, transform : int
            As a row of `CropBatch.positions`.
        """
        rng = sample_generator(self.seed, step, number)
        for _ in range(_ATTEMPTS):
            drawn = self._draw(rng)
            if not self._is_avoided(*drawn[:3]):
                return drawn
        raise DataError(
            f"crops of {self.size[0]} x {self.size[1]}",
            "hardly any place is left beside the crops held back",
            "hold back fewer, or use smaller crops",
        )

    def _is_avoided(self, index: int, top: int, left: int) -> bool:
        return any(
            top < last_row and row < top + self.size[0] and left < last_column and column < left + self.size[1]
            for row, column, last_row, last_column in self._avoided.get(index, ())
        )

    def _draw(self, rng: np.random.Generator) -> tuple[int, int, int, int]:
        index = int(np.searchsorted(self._cumulated, rng.integers(self._cumulated[-1]), side="right"))
        rows, columns = self._sizes[index]
        top = int(rng.integers(rows - self.size[0] + 1))
        left = int(rng.integers(columns - self.size[1] + 1))
        turn = int(rng.integers(COUNT))
        if not self.augment:
            turn = 0
        elif self.augment == "flips" or self.size[0] != self.size[1]:
            turn -= turn % 2
        return index, top, left, turn


def _boxes_by_image(held_back: CropBatch | None) -> dict[int, list[tuple[int, int, int, int]]]:
    boxes: dict[int, list[tuple[int, int, int, int]]] = {}
    if held_back is not None:
        height, width = held_back.pixels.shape[-2:]
        for index, top, left, _ in held_back.positions.tolist():
            boxes.setdefault(index, []).append((top, left, top + height, left + width))
    return boxes


def grid_crops(source: ImageSource, size: int | tuple[int, int], count: int, seed: int) -> CropBatch:
    """Choose a fixed set of crops that do not overlap, for validation.

    Each image is divided into cells of the size of a crop, centred; `count` of all cells are drawn.

    Parameters
    ----------
    source : ImageSource
        The images.
    size : int or tuple of int
        Rows and columns of a crop.
    count : int
        How many; fewer are given where the images have fewer cells.
    seed : int
        Decides which.

    Returns
    -------
    CropBatch
        Crops in the order of the source, not transformed.

    Raises
    ------
    DataError
        The crop is larger than an image, or `count` is less than 1.
    """
    height, width = crop_size(source, size)
    if count < 1:
        raise DataError(f"{count} crops", "validation needs some", "ask for at least one")
    cells = np.array(list(_cells(source, height, width)), dtype=np.int64)
    chosen = np.sort(sample_generator(seed, 0, 0).permutation(len(cells))[:count])
    return cut_crops(source, cells[chosen], (height, width))


def crop_size(source: ImageSource, size: int | tuple[int, int]) -> tuple[int, int]:
    """Check that crops of a size fit into all images.

    Parameters
    ----------
    source : ImageSource
        The images.
    size : int or tuple of int
        Rows and columns; one number for a square.

    Returns
    -------
    tuple of int
        Rows and columns.

    Raises
    ------
    DataError
        The size is empty or larger than an image.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise DataError(f"crop {height} x {width}", "it has no pixels", "use at least 1 x 1")
    sizes = [source.size(i) for i in range(len(source))]
    for index, (rows, columns) in enumerate(sizes):
        if height > rows or width > columns:
            largest = f"{min(r for r, _ in sizes)} x {min(c for _, c in sizes)}"
            raise DataError(
                f"crop {height} x {width}",
                f"image {source.name(index)!r} is only {rows} x {columns}",
                f"use at most {largest}, or leave small images out",
            )
    return height, width


def _check_multiple(size: tuple[int, int], multiple_of: int) -> None:
    if multiple_of < 1:
        raise DataError(f"multiple_of={multiple_of}", "sizes are multiples of 1 or more", "use 1 or more")
    if size[0] % multiple_of or size[1] % multiple_of:
        below = [max(multiple_of, n // multiple_of * multiple_of) for n in size]
        raise DataError(
            f"crop {size[0]} x {size[1]}",
            f"the network needs multiples of {multiple_of}",
            f"use {below[0]} x {below[1]}",
        )


def sample_generator(seed: int, step: int, number: int, stream: int = _STREAM) -> np.random.Generator:
    """Generator of one sample of one step; different streams are independent.

    Parameters
    ----------
    seed, step, number : int
        Seed of the run, number of the step and number of the sample in it; the two count from 0.
    stream : int
        Different streams are independent.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    DataError
        The seed has more than 64 bits, or is negative.
    """
    if not 0 <= seed < 2**64:
        raise DataError(f"seed {seed}", "seeds have 64 bits", "use a number from 0 to 2**64 - 1")
    # Philox is a function of key and counter; a sample uses a few values of the lowest counter word only.
    key = np.array([seed, stream], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, number, step], dtype=np.uint64)))


def _cells(source: ImageSource, height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
    for index in range(len(source)):
        rows, columns = source.size(index)
        first_row, first_column = rows % height // 2, columns % width // 2
        for top in range(first_row, rows - height + 1, height):
            for left in range(first_column, columns - width + 1, width):
                yield index, top, left, 0


def cut_crops(source: ImageSource, positions: np.ndarray, size: tuple[int, int]) -> CropBatch:
    """Read crops at positions.

    Parameters
    ----------
    source : ImageSource
        Images to read.
    positions : ndarray
        Rows of `CropBatch.positions`.
    size : tuple of int
        Rows and columns of a crop.

    Returns
    -------
    CropBatch
    """
    pixels = np.empty((len(positions), source.channels, *size), dtype=np.float32)
    targets = []
    for row, (index, top, left, turn) in zip(pixels, positions.tolist(), strict=True):
        row[...] = transform(source.crop(index, top, left, *size), turn)
        target = read_target(source, index, top, left, *size)
        if target is not None:
            targets.append(transform(target, turn))
    names = [source.name(int(i)) for i in positions[:, 0]]
    counted = _counted(source, positions, size) if isinstance(source, MaskedSource) else None
    return CropBatch(pixels, names, positions, np.stack(targets) if targets else None, counted)


def _counted(source: MaskedSource, positions: np.ndarray, size: tuple[int, int]) -> np.ndarray | None:
    """Masks of crops; None where all pixels count."""
    masks = [transform(source.counted(index, top, left, *size), turn) for index, top, left, turn in positions.tolist()]
    return None if all(mask.all() for mask in masks) else np.stack(masks)
