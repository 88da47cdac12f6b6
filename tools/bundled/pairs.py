"""Pairs of clean crops and noisy versions of them, where clean images exist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bsn.data import CropBatch, RandomCrops, transform

__all__ = ["Corruption", "RecycledPairs", "SyntheticPairs"]

# Keeps these random numbers apart from those of other users of the same seed.
_STREAM = 0x6E6F6973
_CUTS = 0x63757473

_TURNS = 8  # flips and quarter turns of bsn.data.transform

Corruption = Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""``corrupt(clean, rng)`` makes a pair of a clean image (C, h, w): the corrupted one and its target."""


class _Piece(NamedTuple):
    """A noisy piece and its target, and where they are from."""

    turn: int
    name: str
    position: np.ndarray
    noisy: np.ndarray
    target: np.ndarray


@dataclass(frozen=True)
class SyntheticPairs:
    """Clean crops and noisy versions of them, where clean images exist.

    Parameters
    ----------
    crops : RandomCrops
        Of clean images in [0, 1].
    corrupt : callable
        ``corrupt(clean, rng)`` of one crop (C, h, w) gives (noisy, target); the target may be changed as well (colours,
        brightness).
    """

    crops: RandomCrops
    corrupt: Corruption

    def batch(self, step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> CropBatch:
        """Pairs of one step; the noise, too, is a pure function of seed, step and number."""
        clean = self.crops.batch(step, batch_size, rank, world_size)
        made = [
            self.corrupt(crop, np.random.default_rng((_STREAM, self.crops.seed, step, rank * batch_size + index)))
            for index, crop in enumerate(clean.pixels)
        ]
        noisy, target = (np.stack(images).astype(np.float32, copy=False) for images in zip(*made, strict=True))
        return CropBatch(noisy, clean.names, clean.positions, target[:, None])


@dataclass(frozen=True)
class RecycledPairs:
    """Crops of larger noisy pieces, each of which serves several steps, since to make one is slow.

    The crops of a step are of different pieces. At each step a share of them is made anew, so that all steps take about the
    same time. A batch still is a pure function of seed, step and number: a run that is resumed makes its pieces again.

    Parameters
    ----------
    pieces : RandomCrops
        Of clean images in [0, 1], large enough for `corrupt`.
    corrupt : callable
        ``corrupt(clean, rng)`` of one piece gives (noisy, target), equal in size and not smaller than a crop.
    size : int
        Side of the crops.
    uses : int
        Steps that a piece serves.
    """

    pieces: RandomCrops
    corrupt: Corruption
    size: int
    uses: int = 8
    _made: dict[int, _Piece] = field(default_factory=dict, repr=False)

    def batch(self, step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> CropBatch:
        """Pairs of one step.

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
            Positions are those of the pieces in their photographs.
        """
        cut = [self._cut(step, number) for number in range(rank * batch_size, (rank + 1) * batch_size)]
        noisy, target, names, positions = zip(*cut, strict=True)
        return CropBatch(np.stack(noisy), list(names), np.stack(positions), np.stack(target)[:, None])

    def _cut(self, step: int, number: int) -> tuple[np.ndarray, np.ndarray, str, np.ndarray]:
        piece = self._piece((step + number) // self.uses, number)
        rng = np.random.default_rng((_CUTS, self.pieces.seed, step, number))
        top, left = (int(rng.integers(size - self.size + 1)) for size in piece.noisy.shape[-2:])
        turn = int(rng.integers(_TURNS))
        inner = (slice(None), slice(top, top + self.size), slice(left, left + self.size))
        noisy, target = (transform(image[inner], turn) for image in (piece.noisy, piece.target))
        return noisy, target, piece.name, piece.position

    def _piece(self, turn: int, number: int) -> _Piece:
        """The piece of a place in the batch for some steps; the last one of each place is kept."""
        held = self._made.get(number)
        if held is not None and held.turn == turn:
            return held
        position = np.array(self.pieces.position(turn, number))
        index, top, left, turned = position.tolist()
        clean = transform(self.pieces.source.crop(index, top, left, *self.pieces.size), turned)
        noisy, target = self.corrupt(clean, np.random.default_rng((_STREAM, self.pieces.seed, turn, number)))
        pair = (np.asarray(image, np.float32) for image in (noisy, target))
        self._made[number] = made = _Piece(turn, self.pieces.source.name(index), position, *pair)
        return made
