"""Batches of noisy crops and what a student should make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bsn.data import CropBatch, RandomCrops

__all__ = ["PairBatch", "Pairs", "split_stack"]


@dataclass(frozen=True, eq=False)
class PairBatch:
    """Crops with their targets.

    Attributes
    ----------
    noisy : ndarray, shape (B, C, h, w), float32, image values
    targets : ndarray, shape (B, T, C, h, w), float32, image values
        T answers of the teacher to the same crop.
    spread : ndarray, shape (B, C, h, w), float32, or None
        Standard deviation that the teacher gives its answer, in image values.
    names : list of str
        Name of the image of each crop.
    """

    noisy: np.ndarray
    targets: np.ndarray
    spread: np.ndarray | None
    names: list[str]


class Pairs(Protocol):
    """Source of batches: a pure function of the step."""

    def batch(self, step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> PairBatch:
        """Pairs of one step for one process."""
        ...


def split_stack(batch: CropBatch, channels: int, targets: int) -> PairBatch:
    """Pairs of crops whose channels are stacked: noisy, targets one after the other, and perhaps a spread.

    Parameters
    ----------
    batch : CropBatch
        Pixels of shape (B, channels * (1 + targets [+ 1]), h, w).
    channels, targets : int
    """
    pixels = batch.pixels
    parts = pixels.reshape(len(pixels), -1, channels, *pixels.shape[-2:])
    spread = parts[:, 1 + targets] if parts.shape[1] > 1 + targets else None
    return PairBatch(parts[:, 0], parts[:, 1 : 1 + targets], spread, batch.names)


@dataclass(frozen=True)
class StackedPairs:
    """Pairs cut from a source whose channels are stacked, see :func:`split_stack`."""

    crops: RandomCrops
    channels: int
    targets: int

    def batch(self, step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> PairBatch:
        """Pairs of one step, see :meth:`data.RandomCrops.batch`."""
        return split_stack(self.crops.batch(step, batch_size, rank, world_size), self.channels, self.targets)
