"""Gaussian, photon and read-out noise, and the names by which noise is chosen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from bsn.data.errors import DataError
from bsn.data.synthetic.correlated_noise import CorrelatedGaussian
from bsn.data.synthetic.noise_image import Noise, Rng, as_clean, as_generator

__all__ = ["NOISES", "CorrelatedGaussian", "Gaussian", "Noise", "Poisson", "PoissonGaussian"]


@dataclass(frozen=True)
class Gaussian(Noise):
    """White Gaussian noise.

    Parameters
    ----------
    sigma : float
        Standard deviation in units of the range [0, 1]; `from_grey_levels` takes it in grey levels.

    Raises
    ------
    DataError
        `sigma` is negative or no number.

    Examples
    --------
    >>> Gaussian.from_grey_levels(25.5)
    Gaussian(sigma=0.1)
    >>> Gaussian(0.1)(np.zeros((8, 8), np.float32), rng=0).dtype
    dtype('float32')
    """

    sigma: float

    def __post_init__(self) -> None:
        _check("sigma", self.sigma)

    @classmethod
    def from_grey_levels(cls, sigma: float, levels: float = 255.0) -> "Gaussian":
        """Make noise of a standard deviation in grey levels, as papers state it.

        Parameters
        ----------
        sigma : float
            Standard deviation in grey levels, for example 25.
        levels : float
            The grey level that stands for 1: 255 for 8 bits.

        Returns
        -------
        Gaussian
            Noise of ``sigma / levels``.

        Raises
        ------
        DataError
            A negative number.
        """
        if not levels > 0:
            raise DataError(f"levels {levels}", "white is above zero", "use 255 or 65535")
        return cls(sigma / levels)

    @override
    def sample_like(self, image: np.ndarray, rng: Rng) -> np.ndarray:
        shape = as_clean(image).shape
        return as_generator(rng).standard_normal(shape, dtype=np.float32) * np.float32(self.sigma)


@dataclass(frozen=True)
class PoissonGaussian(Noise):
    """Photon noise and read-out noise: variance = gain * clean + read_noise ** 2.

    Parameters
    ----------
    gain : float
        Signal of one photon in units of the range [0, 1]; 1 / gain photons make a pixel of value 1. 0 for none.
    read_noise : float
        Standard deviation of the Gaussian part in units of the range [0, 1].

    Raises
    ------
    DataError
        A parameter is negative or no number.

    Examples
    --------
    >>> noisy = PoissonGaussian(gain=0.01, read_noise=0.02)(np.full((64, 64), 0.5), rng=0)
    >>> bool(abs(noisy.std() - (0.01 * 0.5 + 0.02**2) ** 0.5) < 0.005)
    True
    """

    gain: float
    read_noise: float = 0.0

    def __post_init__(self) -> None:
        _check("gain", self.gain)
        _check("read_noise", self.read_noise)

    @override
    def sample_like(self, image: np.ndarray, rng: Rng) -> np.ndarray:
        clean, generator = as_clean(image), as_generator(rng)
        noise = np.zeros(clean.shape)
        if self.gain > 0:
            if clean.min() < 0:
                raise DataError(
                    f"an image with the value {clean.min():g}", "a rate of photons is not negative", "clip it at 0"
                )
            rate = clean.astype(np.float64) / self.gain
            noise += (generator.poisson(rate) - rate) * self.gain
        if self.read_noise > 0:
            noise += generator.standard_normal(clean.shape) * self.read_noise
        return noise.astype(np.float32)


@dataclass(frozen=True)
class Poisson(Noise):
    """Photon noise: variance = clean / peak.

    Parameters
    ----------
    peak : float
        Photons that make a pixel of value 1.

    Raises
    ------
    DataError
        `peak` is not positive.

    Examples
    --------
    >>> Poisson(peak=4)(np.ones((2, 2)), rng=0).shape
    (2, 2)
    """

    peak: float

    def __post_init__(self) -> None:
        _check("peak", self.peak)
        if self.peak == 0:
            raise DataError("peak 0", "no photons make no image", "use a positive number")

    @override
    def sample_like(self, image: np.ndarray, rng: Rng) -> np.ndarray:
        return PoissonGaussian(1 / self.peak).sample_like(image, rng)


def _check(name: str, value: float) -> None:
    if not 0 <= value < float("inf"):
        raise DataError(f"{name} {value}", "strengths of noise are numbers not below 0", "use 0 or more")


NOISES: Mapping[str, type] = {
    "gaussian": Gaussian,
    "poisson": Poisson,
    "poisson-gaussian": PoissonGaussian,
    "correlated-gaussian": CorrelatedGaussian,
}
