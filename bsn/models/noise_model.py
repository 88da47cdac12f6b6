"""Noise that a model was trained to see through, stored with its weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bsn.models.value_scale import ValueScale
from data import DataError
from data.noise_statistics import measure_noise

__all__ = ["NoiseModel"]


@dataclass(frozen=True)
class NoiseModel:
    """Poisson-Gaussian noise, independent from pixel to pixel: variance = gain * clean + variance at zero.

    A model with one predicts mean and covariance, and its result is the posterior mean
    (:mod:`bsn.selfsup.posterior`).

    Parameters
    ----------
    gain : float
        Slope of the variance in image values (range [0, 1] for integer images); 0 for Gaussian noise.
    variance : float
        At clean value 0, in squared image values. May be negative for images with a large offset, where the noise curve
        meets zero at a positive value.
    least : float
        The variance is never taken to be less, in squared image values.
    per_image : bool
        The noise differs from image to image, and is measured on each; the numbers above then hold where an image is too
        small for that.
    factor : float
        What is measured on an image is multiplied by this.

    Raises
    ------
    ValueError
        If `gain` is negative, or there is no variance, or `factor` is not positive.

    Examples
    --------
    >>> NoiseModel(gain=0.5, variance=0.0625).in_network_units(ValueScale(offset=0.5, scale=0.25))
    (2.0, 5.0, 0.0)
    """

    gain: float
    variance: float
    least: float = 0.0
    per_image: bool = False
    factor: float = 1.0

    def __post_init__(self) -> None:
        if self.gain < 0 or (self.gain == 0 and self.variance <= 0):
            raise ValueError(f"gain {self.gain} and variance {self.variance} are no noise; one must be positive")
        if self.least < 0 or self.factor <= 0:
            raise ValueError(f"least variance {self.least} and factor {self.factor} must not be negative, or zero")

    def in_network_units(self, scale: ValueScale) -> tuple[float, float, float]:
        """Slope, constant and least value of the variance as a function of the network's value."""
        slope, square = self.gain / scale.scale, scale.scale**2
        return slope, (self.gain * scale.offset + self.variance) / square, self.least / square

    @classmethod
    def from_network_units(cls, slope: float, constant: float, scale: ValueScale) -> NoiseModel:
        """Inverse of :meth:`in_network_units`, with no least value."""
        gain = slope * scale.scale
        return cls(gain, constant * scale.scale**2 - gain * scale.offset)

    def measured_on(self, images: Sequence[np.ndarray]) -> NoiseModel:
        """Measure the noise of an image, on all of it or on several parts.

        Parameters
        ----------
        images : sequence of ndarray, shape (C, H, W), float
            Image values.

        Returns
        -------
        NoiseModel
            Of the same kind: without gain if this one has none. This one itself where the images are too small, or their
            noise too little, to be measured.
        """
        try:
            found = measure_noise(images)
        except DataError:
            return self
        gain, constant = (found.gain, found.constant) if self.gain else (0.0, found.sigma**2)
        # Below the darkest place that was measured the line may cross zero; noise does not.
        least = gain * min(point.intensity for point in found.curve) + constant
        if least <= 0 or not np.isfinite(least):
            return self
        f = self.factor
        return dataclasses.replace(self, gain=f * gain, variance=f * constant, least=f * least, factor=1.0)
