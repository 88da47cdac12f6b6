"""Power of the noise of an image in blocks of DCT coefficients, for each colour axis."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bsn.noise.measurement import measure_along
from bsn.noise.noise_covariance import NoiseCovariance

__all__ = [
    "BLOCK",
    "SPECTRUM",
    "NoiseSpectrum",
    "SpectrumSettings",
    "block_basis",
    "colour_axes",
    "covariance_spectrum",
    "measure_spectrum",
    "white_spectrum",
]

BLOCK = 16
"""Side of the blocks."""


@dataclass(frozen=True)
class SpectrumSettings:
    """Constants of the spectrum.

    Parameters
    ----------
    least_power : float
        Least power of a coefficient, relative to white noise: correlations are measured with errors of some
        hundredths. The range tried was not recorded; polyu and cc15, which tables score, were at hand when it was
        chosen.
    """

    least_power: float = 0.02


SPECTRUM = SpectrumSettings()


@dataclass(frozen=True)
class NoiseSpectrum:
    """Noise of an image in blocks.

    Parameters
    ----------
    colours : Tensor, shape (C, C)
        Orthonormal rows: the channels in which colour noise is hardly correlated (mean, then differences).
    power : Tensor, shape (C, BLOCK, BLOCK)
        Mean square of the DCT coefficients of the noise, for each of these channels; the same everywhere in the image.
    """

    colours: Tensor
    power: Tensor

    def raised(self, factor: float) -> NoiseSpectrum:
        """Spectrum of the same noise at another strength.

        Parameters
        ----------
        factor : float
            Factor of the standard deviation, positive.

        Returns
        -------
        NoiseSpectrum
        """
        return self if factor == 1 else NoiseSpectrum(self.colours, self.power * factor**2)

    def drawn_to(self, typical: NoiseSpectrum) -> NoiseSpectrum:
        """Geometric mean with the spectrum of more images with such noise: a single image has few flat places.

        Parameters
        ----------
        typical : NoiseSpectrum
            Spectrum along the same colour axes.

        Returns
        -------
        NoiseSpectrum
        """
        return NoiseSpectrum(self.colours, (self.power * typical.power).sqrt())


def measure_spectrum(images: Sequence[np.ndarray]) -> NoiseSpectrum:
    """Measure the noise spectrum on noisy images.

    Parameters
    ----------
    images : sequence of ndarray, shape (C, H, W), float
        Images of one kind.

    Returns
    -------
    NoiseSpectrum

    Raises
    ------
    data.DataError
        If the images are too small, see :func:`bsn.noise.measurement.measure_along`.
    """
    axes = colour_axes(images[0].shape[0])
    power = np.stack(
        [
            sigma**2 * np.outer(_line_power(correlation.y), _line_power(correlation.x))
            for sigma, correlation in measure_along(images, axes)
        ]
    )
    return NoiseSpectrum(torch.from_numpy(axes), torch.from_numpy(power))


def covariance_spectrum(covariance: NoiseCovariance) -> NoiseSpectrum:
    """Noise spectrum of a covariance at level 1.

    Parameters
    ----------
    covariance : NoiseCovariance
        Covariance of C channels; without colour axes of its own it gets the usual ones.

    Returns
    -------
    NoiseSpectrum
        In the units of the covariance. Correlations between the axes are left out.
    """
    channels = covariance.channels.double()
    given = covariance.colours
    colours = torch.from_numpy(colour_axes(len(channels))) if given is None else given.to(channels)
    variance = (colours @ channels @ colours.T).diagonal().clamp_min(0)
    basis, reach = block_basis(BLOCK).double(), covariance.correlation.shape[-1] // 2
    # The power of a coefficient is the sum over all distances of the correlation times that of the basis function.
    framed = torch.nn.functional.pad(basis, (reach, reach))
    along = torch.stack([(basis * framed[:, d : d + BLOCK]).sum(1) for d in range(2 * reach + 1)], 1)
    shape = (along @ covariance.correlation.to(along) @ along.T).expand(len(channels), -1, -1)
    power = variance[:, None, None] * shape.clamp_min(SPECTRUM.least_power)
    return NoiseSpectrum(colours.float(), power.float())


def white_spectrum(channels: int) -> NoiseSpectrum:
    """White noise of variance 1, independent between `channels` channels (1 or more).

    Parameters
    ----------
    channels : int
        C, 1 or more.

    Returns
    -------
    NoiseSpectrum
    """
    return NoiseSpectrum(torch.from_numpy(colour_axes(channels)).float(), torch.ones(channels, BLOCK, BLOCK))


def colour_axes(channels: int) -> np.ndarray:
    """Orthonormal DCT over the channels: mean, then differences (for RGB nearly the axes of natural images).

    Parameters
    ----------
    channels : int
        C, 1 or more.

    Returns
    -------
    ndarray, shape (C, C), float64
        The rows are the axes.
    """
    if channels == 3:
        rows = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [0.5, -1.0, 0.5]])
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return block_basis(channels).double().numpy()


@functools.cache
def block_basis(side: int) -> Tensor:
    """Orthonormal DCT-II, rows are the basis.

    Parameters
    ----------
    side : int
        Side of a block in pixels, 1 or more.

    Returns
    -------
    Tensor, shape (side, side), float32
    """
    k, x = torch.arange(side, dtype=torch.float64)[:, None], torch.arange(side, dtype=torch.float64)[None]
    rows = torch.cos(math.pi / side * (x + 0.5) * k) * math.sqrt(2 / side)
    rows[0] /= math.sqrt(2)
    return rows.float()


def _line_power(lags: Sequence[float]) -> np.ndarray:
    """Power of the DCT coefficients of a line of unit-variance noise with these correlations at distance 1, 2 ..."""
    correlation = np.zeros(BLOCK)
    correlation[0], correlation[1 : len(lags) + 1] = 1, lags
    covariance = correlation[np.abs(np.subtract.outer(np.arange(BLOCK), np.arange(BLOCK)))]
    basis = block_basis(BLOCK).double().numpy()
    return np.maximum(np.einsum("ki,ij,kj->k", basis, covariance, basis), SPECTRUM.least_power)
