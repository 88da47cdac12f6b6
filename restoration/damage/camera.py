"""What a camera does to a picture: noise of its sensor, and the losses of its file."""

from __future__ import annotations

import numpy as np

from bsn.data import PoissonGaussian, jpeg_compressed, log_uniform
from restoration.damage.kinds import Place, register_damage

__all__ = ["jpeg", "noise"]


@register_damage("noise", "photon noise and read-out noise", order=Place.SENSOR)
def noise(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Poisson-Gaussian noise of a standard deviation from 4 to 45 of 255 at mid-grey, clipped as files are.

    Parameters
    ----------
    clean : ndarray, shape (C, H, W), float32, range [0, 1]
        Clean image.
    rng : numpy.random.Generator
        Generator of the strength and of all else that is random.

    Returns
    -------
    ndarray, shape (C, H, W), float32
    """
    deviation = log_uniform(rng, 4, 45) / 255
    photons = rng.uniform(0, 1)  # share of the variance in the middle of the range that comes from photons
    model = PoissonGaussian(gain=photons * deviation**2 / 0.5, read_noise=deviation * np.sqrt(1 - photons))
    return np.clip(model(clean, rng), 0, 1)


@register_damage("jpeg", "blocks and smears of strong JPEG compression", order=Place.FILE, channels=(1, 3))
def jpeg(clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG of a quality from 8 to 60, at any place on its grid of blocks.

    Parameters
    ----------
    clean : ndarray, shape (1 or 3, H, W), float32, range [0, 1]
        Clean image.
    rng : numpy.random.Generator
        Generator of the strength and of all else that is random.

    Returns
    -------
    ndarray, shape (1 or 3, H, W), float32
    """
    quality = round(log_uniform(rng, 8, 60))
    return jpeg_compressed(clean, quality, (int(rng.integers(8)), int(rng.integers(8))))
