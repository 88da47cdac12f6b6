"""Noise that a model was trained to see through, stored with its weights."""

from __future__ import annotations

from dataclasses import dataclass

from bsn.noise.value_scale import ValueScale

__all__ = ["NoiseModel"]


@dataclass(frozen=True)
class NoiseModel:
    """Poisson-Gaussian noise, independent from pixel to pixel: variance = gain * clean + variance at zero.

    A model with one predicts mean and covariance, and its result is the posterior mean
    (:mod:`bsn.noise.posterior`).

    Parameters
    ----------
    gain : float
        Slope of the variance in image values (range [0, 1] for integer images); 0 for Gaussian noise.
    variance : float
        Variance at clean value 0, in squared image values. It may be negative for images with a large offset, where the
        noise curve meets zero at a positive value.
    per_image : bool
        The noise differs from image to image, and is fitted to each (:func:`bsn.noise.fit_noise`); the numbers above are
        then those of the training images together, for the reader.

    Raises
    ------
    ValueError
        If `gain` is negative or both are zero.

    Examples
    --------
    >>> NoiseModel(gain=0.5, variance=0.0625).in_network_units(ValueScale(offset=0.5, scale=0.25))
    (2.0, 5.0)
    """

    gain: float
    variance: float
    per_image: bool = False

    def __post_init__(self) -> None:
        if self.gain < 0 or (self.gain == 0 and self.variance <= 0):
            raise ValueError(f"gain {self.gain} and variance {self.variance} are not noise; one must be positive")

    def in_network_units(self, scale: ValueScale) -> tuple[float, float]:
        """Slope and constant of the variance as a function of the network's value.

        Parameters
        ----------
        scale : ValueScale
            Maps network values to image values.

        Returns
        -------
        tuple of float
            Slope and constant, in squared network values.
        """
        slope = self.gain / scale.scale
        return slope, (self.gain * scale.offset + self.variance) / scale.scale**2

    @classmethod
    def from_network_units(cls, slope: float, constant: float, scale: ValueScale) -> NoiseModel:
        """Inverse of :meth:`in_network_units`.

        Parameters
        ----------
        slope, constant : float
            Variance as slope * value + constant, in squared network values.
        scale : ValueScale
            Maps network values to image values.

        Returns
        -------
        NoiseModel
            The noise model in image values.
        """
        gain = slope * scale.scale
        return cls(gain, constant * scale.scale**2 - gain * scale.offset)
