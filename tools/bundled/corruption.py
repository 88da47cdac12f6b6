"""The noise that the weights in the box are trained for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.data import Gaussian, PoissonGaussian

__all__ = ["BlindNoise"]


@dataclass(frozen=True)
class BlindNoise:
    """Random colours, random brightness, random noise.

    Parameters
    ----------
    largest : float
        Standard deviation of the strongest noise in grey levels of 255.
    photons : float
        Share of crops with Poisson-Gaussian instead of Gaussian noise.
    grey : float
        Share of crops turned grey before the noise, which is then the same in all channels: grey images are denoised by
        the same network.
    clipped : float
        Share of crops whose noisy values are cut at 0 and 1, as files hold them.
    """

    largest: float = 60.0
    photons: float = 0.3
    grey: float = 0.3
    clipped: float = 0.3

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Make a noisy crop and its target.

        Parameters
        ----------
        clean : ndarray, shape (3, h, w), float32, range [0, 1]
        rng : numpy.random.Generator

        Returns
        -------
        noisy, target : ndarray, shape (3, h, w), float32
        """
        target = clean[rng.permutation(3)] * np.float32(rng.uniform(0.5, 1.0))
        if rng.random() < self.grey:
            target = target.mean(0, keepdims=True)
        noisy = target + self._noise(rng).sample_like(target, rng)
        if rng.random() < self.clipped:
            noisy = np.clip(noisy, 0, 1)
        return np.broadcast_to(noisy, clean.shape), np.broadcast_to(target, clean.shape)

    def _noise(self, rng: np.random.Generator) -> Gaussian | PoissonGaussian:
        sigma = rng.uniform(0, self.largest) / 255
        if rng.random() >= self.photons:
            return Gaussian(sigma)
        # The same strength at mid-grey, shared between photons and read-out.
        share = rng.random()
        return PoissonGaussian(gain=2 * share * sigma**2, read_noise=sigma * (1 - share) ** 0.5)
