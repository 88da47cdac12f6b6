"""Crops of pairs that are made by noise of the measured covariance: their input, and what a sighted network learns from it."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod

import numpy as np
import torch
from typing_extensions import override

from bsn.data import CropBatch, RandomCrops
from bsn.noise import MatchedNoise, NoiseCovariance, recorrupt

__all__ = ["MatchedCrops", "RecorruptedCrops"]

_STREAM = 0x70616972  # keeps these random numbers apart from those of the crops


def _generator(seed: int, step: int, rank: int) -> torch.Generator:
    """A function of its arguments, so that a resumed run draws the same noise."""
    return torch.Generator().manual_seed(int(np.random.default_rng((_STREAM, seed, step, rank)).integers(2**63)))


class MadePairs(ABC):
    """Pairs that are made of random crops, with noise that depends on seed, step and process alone.

    Parameters
    ----------
    crops : RandomCrops
        Crops of the images that pairs are made of.
    """

    def __init__(self, crops: RandomCrops) -> None:
        self.crops = crops

    def batch(self, step: int, batch_size: int, rank: int = 0, world_size: int = 1) -> CropBatch:
        """Pairs of one step for one process, see :meth:`bsn.data.RandomCrops.batch`.

        Parameters
        ----------
        step, batch_size, rank, world_size : int
            Number of the step, crops per process, number of this process and of all.

        Returns
        -------
        CropBatch
        """
        batch = self.crops.batch(step, batch_size, rank, world_size)
        return self.pairs(batch, _generator(self.crops.seed, step, rank))

    @abstractmethod
    def pairs(self, batch: CropBatch, generator: torch.Generator) -> CropBatch:
        """Make pairs of crops.

        Parameters
        ----------
        batch : CropBatch
            Crops of the images.
        generator : torch.Generator
            Generator of the noise.

        Returns
        -------
        CropBatch
            With targets of the shape of the crops.
        """


class RecorruptedCrops(MadePairs):
    """Noisy crops with more noise, and as their targets the same crops with other noise (:mod:`bsn.noise.recorruption`).

    Parameters
    ----------
    crops : RandomCrops
        Crops of the noisy images.
    covariance : NoiseCovariance
        Covariance of their noise.
    strength : float
        Of the recorruption.
    """

    def __init__(self, crops: RandomCrops, covariance: NoiseCovariance, strength: float) -> None:
        super().__init__(crops)
        self.covariance, self.strength = covariance, strength

    @override
    def pairs(self, batch: CropBatch, generator: torch.Generator) -> CropBatch:
        noisy = torch.from_numpy(batch.pixels)
        seen, target = recorrupt(noisy, self.covariance, generator, strength=self.strength)
        return dataclasses.replace(batch, pixels=seen.numpy(), targets=target.numpy())


class MatchedCrops(MadePairs):
    """Clean crops with the noise of a camera on them; the targets are the clean crops.

    Parameters
    ----------
    crops : RandomCrops
        Crops of clean images.
    noise : MatchedNoise
        Noise that is put on them.
    """

    def __init__(self, crops: RandomCrops, noise: MatchedNoise) -> None:
        super().__init__(crops)
        self.noise = noise

    @override
    def pairs(self, batch: CropBatch, generator: torch.Generator) -> CropBatch:
        clean = torch.from_numpy(batch.pixels)
        return dataclasses.replace(batch, pixels=self.noise(clean, generator).numpy(), targets=batch.pixels)
