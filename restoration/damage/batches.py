"""Pairs that are made of clean images: crops for training, and fixed ones for validation."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from typing_extensions import override

from bsn.data import (
    CropBatch,
    ImageSource,
    MirroredSource,
    RandomCrops,
    WrappedSource,
    fill_missing,
    inverse,
    transform,
)
from bsn.evaluation import ImagePair
from bsn.training import image_pairs
from restoration.config import RestoreConfig
from restoration.damage.mixture import Mixture

__all__ = ["FixedDamage", "MadeBatches", "validation_pairs"]


class MadeBatches:
    """Batches of pairs as a function of seed, step and number of the sample: clean crops, and what damage makes of them.

    Parameters
    ----------
    source : ImageSource
        Clean images.
    config : RestoreConfig
        Settings of the training.
    total : int
        Steps of the run.
    seed : int
        Seed of crops and damage.
    mixture : Mixture
        What is done to the crops.

    Notes
    -----
    Damage is made on upright crops, so that rain falls down; then both are turned and flipped alike, as `config.augment`
    says. With ``config.group_size``, each crop stands in the batch that often, with different damage.
    """

    def __init__(self, source: ImageSource, config: RestoreConfig, total: int, seed: int, mixture: Mixture) -> None:
        self.config, self.total, self.seed, self.mixture = config, total, seed, mixture
        self._crops = {
            crop: RandomCrops(MirroredSource(source, crop), crop, seed=seed, augment=config.flips)
            for crop in (config.crop, *config.progressive_crops)
        }

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> CropBatch:
        """Crops of one step for one process, with their targets.

        Parameters
        ----------
        step : int
            Number of the step, from 0.
        rank : int
            Number of this process, from 0.
        world_size : int
            Number of processes.

        Returns
        -------
        CropBatch
        """
        crop, size = self.config.stage(step / self.total)
        clean = self._crops[crop].batch(step, size // self.config.group_size, rank, world_size)
        rows = np.repeat(np.arange(len(clean.pixels)), self.config.group_size)
        damaged = [
            self._damaged(clean.pixels[row], int(clean.positions[row, 3]), step, rank * size + place)
            for place, row in enumerate(rows)
        ]
        return dataclasses.replace(
            clean,
            pixels=np.stack(damaged),
            names=[clean.names[row] for row in rows],
            positions=clean.positions[rows],
            targets=clean.pixels[rows],
            counted=None if clean.counted is None else clean.counted[rows],
        )

    def _damaged(self, clean: np.ndarray, turn: int, step: int, number: int) -> np.ndarray:
        upright = np.ascontiguousarray(inverse(clean, turn))
        return transform(self.mixture.sample(upright, self.seed, step, number), turn)


def validation_pairs(source: ImageSource, indices: Sequence[int], crop: int, mixture: Mixture) -> list[ImagePair]:
    """Fixed pairs of every kind of damage, made once.

    Parameters
    ----------
    source : ImageSource
        Clean images; missing pixels are NaN or infinite.
    indices : sequence of int
        Numbers of the images, from 0.
    crop : int
        Side of the middle part that is taken; 0 takes all.
    mixture : Mixture
        Its kinds, each on each image.

    Returns
    -------
    list of ImagePair
        Of the first kind all images, then of the second, and so on.
    """
    clean = image_pairs(source, indices, crop)
    return [
        _pair(pair, mixture, place, number) for place in range(len(mixture.kinds)) for number, pair in enumerate(clean)
    ]


def _pair(clean: ImagePair, mixture: Mixture, place: int, number: int) -> ImagePair:
    kind = mixture.kinds[place]
    filled, missing = fill_missing(clean.image)
    damaged = mixture.fixed(kind, filled, number)
    damaged[np.broadcast_to(missing, damaged.shape)] = np.nan
    return ImagePair(f"{clean.name} ({kind.name})", damaged, clean.image, kind.name)


class FixedDamage(WrappedSource):
    """Clean images as training shows them on average: each with one kind of damage, the kinds in turn.

    Parameters
    ----------
    source : ImageSource
        Clean images; missing pixels are NaN or infinite, and are filled.
    mixture : Mixture
        Its kinds.
    """

    def __init__(self, source: ImageSource, mixture: Mixture) -> None:
        super().__init__(source)
        self.mixture = mixture

    @override
    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region, damaged as if it were the whole image."""
        clean, kinds = fill_missing(super().crop(index, top, left, height, width))[0], self.mixture.kinds
        return self.mixture.fixed(kinds[index % len(kinds)], clean, index)
