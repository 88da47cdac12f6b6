"""One kind of damage or two for each sample: a function of seed, step and number of the sample."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from bsn.data import sample_generator
from restoration.damage.kinds import Damage

__all__ = ["Mixture"]

_STREAM = 0x64616D61  # keeps these random numbers apart from those of the crops
_FIXED = 0x66697864  # and those of the fixed pairs from both


@dataclass(frozen=True)
class Mixture:
    """Kinds of damage, all drawn alike, and how often two of them meet on one image.

    Parameters
    ----------
    kinds : tuple of Damage
        At least one.
    mixed : float
        Share of the samples that get a second kind, from 0 to 1, where there is one for another place on the way from the scene
        to the file.
    untouched : float
        Share of the samples that stay as they are, from 0 to 1, so that a network learns to leave good images alone.
    """

    kinds: tuple[Damage, ...]
    mixed: float = 0.0
    untouched: float = 0.0

    def sample(self, clean: np.ndarray, seed: int, step: int, number: int) -> np.ndarray:
        """Damage one sample of a training.

        Parameters
        ----------
        clean : ndarray, shape (C, H, W), float32, range [0, 1]
            Clean crop.
        seed, step, number : int
            Seed of the run, number of the step, number of the sample in the batch of all processes.

        Returns
        -------
        ndarray, shape (C, H, W), float32, range [0, 1]
        """
        rng = sample_generator(seed, step, number, _STREAM)
        if self.untouched and rng.random() < self.untouched:
            return clean
        for kind in self._chosen(rng):
            clean = kind(clean, rng)
        return clean

    def fixed(self, kind: Damage, clean: np.ndarray, number: int) -> np.ndarray:
        """Damage one image with one kind, always alike: neither the seed of the run nor the other kinds change it.

        Parameters
        ----------
        kind : Damage
            One of the kinds.
        clean : ndarray, shape (C, H, W), float32, range [0, 1]
            Clean image.
        number : int
            Number of the image.

        Returns
        -------
        ndarray, shape (C, H, W), float32, range [0, 1]
        """
        return kind(clean, sample_generator(zlib.crc32(kind.name.encode()), 0, number, _FIXED))

    def _chosen(self, rng: np.random.Generator) -> list[Damage]:
        first = self.kinds[int(rng.integers(len(self.kinds)))]
        others = [kind for kind in self.kinds if kind.order != first.order]
        if not others or rng.random() >= self.mixed:
            return [first]
        second = others[int(rng.integers(len(others)))]
        return sorted((first, second), key=lambda kind: kind.order)
