"""Pairs of clean crops and noisy versions of them, where clean images exist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bsn.data import CropBatch, RandomCrops

__all__ = ["SyntheticPairs"]

# Keeps these random numbers apart from those of other users of the same seed.
_STREAM = 0x6E6F6973


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
    corrupt: Callable[[np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]

    def batch(self, step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> CropBatch:
        """Pairs of one step; the noise, too, is a pure function of seed, step and number."""
        clean = self.crops.batch(step, batch_size, rank, world_size)
        made = [
            self.corrupt(crop, np.random.default_rng((_STREAM, self.crops.seed, step, rank * batch_size + index)))
            for index, crop in enumerate(clean.pixels)
        ]
        noisy, target = (np.stack(images).astype(np.float32, copy=False) for images in zip(*made, strict=True))
        return CropBatch(noisy, clean.names, clean.positions, target[:, None])
