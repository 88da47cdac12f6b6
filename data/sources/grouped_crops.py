"""Random crops of several degraded images of one background, all from the same place.

As in `bsn.data.sources.crops` there is no sampler state: the crops are a function of seed, step and number of the
background in the global batch.
"""

from collections.abc import Collection, Sequence
from typing import Any, Literal

import numpy as np

from bsn.data.arrays.geometry import COUNT
from bsn.data.errors import DataError, name_some
from bsn.data.sources.crops import CropBatch, cut_crops, sample_generator

__all__ = ["GroupedCrops", "background_members"]

# Keeps these random numbers apart from those of other users of the same seed.
_STREAM = 0x67726F75


def background_members(groups: Sequence[str], count: int) -> dict[str, list[int]]:
    """Images of each background that has enough of them.

    Parameters
    ----------
    groups : sequence of str
        Background of each image.
    count : int
        How many are needed.

    Returns
    -------
    dict of str to list of int
        Indices of the images of each background with `count` or more, in the order of the images.

    Raises
    ------
    DataError
        No background has that many images.

    Examples
    --------
    >>> background_members(["a", "b", "a"], 2)
    {'a': [0, 2]}
    """
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    enough = {group: indices for group, indices in members.items() if len(indices) >= count}
    if not enough:
        largest = max(map(len, members.values()), default=0)
        remedy = f"use a group size of {largest}" if largest > 1 else "use a group size of 1"
        raise DataError(
            f"groups of {count} degraded images",
            f"no background has that many; {len(members)} backgrounds ({name_some(list(members), 2)}) have {largest} at most",
            f"{remedy}, or say with a layout or a group pattern which images show the same background",
        )
    return enough


class GroupedCrops:
    """Crops of `count` degraded images of one background at a time, side by side in the batch.

    Parameters
    ----------
    source : ImageSource
        Of pairs, see `bsn.data.pairs.pair_source`.
    groups : sequence of str
        Background of each image of the source. Backgrounds with fewer than `count` images are left out.
    size : int
        Side of a crop.
    count : int
        Degraded images of a background, drawn without repetition.
    seed : int
        Seed of the crops.
    augment : bool or "flips"
        See `RandomCrops`; the same for all images of a background.
    only : collection of str, optional
        Backgrounds to draw from.

    Raises
    ------
    DataError
        No background has `count` images; images of one background differ in size, or are smaller than a crop.
    """

    def __init__(
        self,
        source: Any,
        groups: Sequence[str],
        size: int,
        count: int,
        *,
        seed: int,
        augment: bool | Literal["flips"] = True,
        only: Collection[str] | None = None,
    ) -> None:
        self.source, self.size, self.count, self.seed, self.augment = source, size, count, seed, augment
        found = background_members(groups, count)
        chosen = {name: indices for name, indices in found.items() if only is None or name in only}
        for name, indices in chosen.items():
            self._check(name, indices)
        self.members = list(chosen.values())

    def _check(self, name: str, indices: list[int]) -> None:
        sizes = {self.source.size(index) for index in indices}
        if len(sizes) > 1:
            (a, b), (c, d) = sorted(sizes)[:2]
            raise DataError(
                f"background {name!r}", f"has images of {a} x {b} and {c} x {d}", "images of one background are aligned"
            )
        rows, columns = next(iter(sizes))
        if min(rows, columns) < self.size:
            raise DataError(
                f"crop {self.size} x {self.size}",
                f"background {name!r} is only {rows} x {columns}",
                "use a smaller crop",
            )

    def batch(self, step: int, backgrounds: int, rank: int = 0, world_size: int = 1) -> CropBatch:
        """Cut the crops of one step for one process.

        Parameters
        ----------
        step : int
            Number of the step, from 0.
        backgrounds : int
            Per process.
        rank, world_size : int
            Number of this process, from 0, and number of processes.

        Returns
        -------
        CropBatch
            `backgrounds` times `count` crops: image k of background i is number i count + k.
        """
        numbers = range(rank * backgrounds, (rank + 1) * backgrounds)
        positions = [place for number in numbers for place in self.positions(step, number)]
        return cut_crops(self.source, np.array(positions, dtype=np.int64), (self.size, self.size))

    def positions(self, step: int, number: int) -> list[tuple[int, int, int, int]]:
        """Draw where the crops of one background lie.

        Parameters
        ----------
        step, number : int
            Number of the step and of the background in it, from 0.

        Returns
        -------
        list of tuple of 4 int
            Rows of `CropBatch.positions`.
        """
        rng = sample_generator(self.seed, step, number, _STREAM)
        indices = self.members[int(rng.integers(len(self.members)))]
        chosen = rng.permutation(len(indices))[: self.count]
        rows, columns = self.source.size(indices[0])
        top, left = (int(rng.integers(side - self.size + 1)) for side in (rows, columns))
        turn = int(rng.integers(COUNT))
        if not self.augment:
            turn = 0
        elif self.augment == "flips":
            turn -= turn % 2
        return [(indices[int(k)], top, left, turn) for k in chosen]
