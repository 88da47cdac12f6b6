"""Values in which the noise of a sensor has the same standard deviation everywhere, and the way back.

References
----------
M. Makitalo, A. Foi, "Optimal inversion of the generalized Anscombe transformation for Poisson-Gaussian noise", IEEE
Trans. Image Processing 22 (2013), equations 2 and 10.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bsn.noise.sensor.line import MosaicNoise

__all__ = ["Stabiliser"]

_ROOT = math.sqrt(1.5)
_SMALLEST = 1.0  # below, the expansion of the inverse is wrong; no mean of the stabilised values is that small
_GAUSSIAN = 1e-6  # gain times range over the variance at 0, below which the noise is the same everywhere


@dataclass(frozen=True)
class Stabiliser:
    """The generalised Anscombe transformation of each plane of a mosaic: the noise has standard deviation 1 after it.

    Parameters
    ----------
    noise : MosaicNoise
        The noise before.
    span : float
        Largest value that occurs.
    """

    noise: MosaicNoise
    span: float

    def forward(self, planes: np.ndarray) -> np.ndarray:
        """Stabilise the noise.

        Parameters
        ----------
        planes : ndarray, shape (4, h, w)
            Image values.

        Returns
        -------
        ndarray, shape (4, h, w), float32
        """
        return self._each(self._forward, planes)

    def inverse(self, stabilised: np.ndarray) -> np.ndarray:
        """Give the mean of the image values, of means of the stabilised ones.

        Parameters
        ----------
        stabilised : ndarray, shape (4, h, w)
            Denoised values.

        Returns
        -------
        ndarray, shape (4, h, w), float32
            Unbiased where `stabilised` is the mean of what `forward` gives.
        """
        return self._each(self._inverse, stabilised)

    def _each(self, change: Callable[[np.ndarray, float, float], np.ndarray], planes: np.ndarray) -> np.ndarray:
        """Change plane by plane in float64."""
        result = np.empty(planes.shape, np.float32)
        for number, line in enumerate(zip(self.noise.gain, self.noise.constant, strict=True)):
            result[number] = change(planes[number].astype(np.float64), *line)
        return result

    def _gaussian(self, gain: float, constant: float) -> bool:
        return constant > 0 and gain * self.span < _GAUSSIAN * constant

    def _forward(self, values: np.ndarray, gain: float, constant: float) -> np.ndarray:
        if self._gaussian(gain, constant):
            return values / math.sqrt(constant)
        return 2 * np.sqrt(np.maximum(values / gain + 0.375 + constant / gain**2, 0.0))

    def _inverse(self, stabilised: np.ndarray, gain: float, constant: float) -> np.ndarray:
        if self._gaussian(gain, constant):
            return stabilised * math.sqrt(constant)
        z = np.maximum(stabilised, _SMALLEST)
        counts = z**2 / 4 + _ROOT / (4 * z) - 11 / (8 * z**2) + 5 * _ROOT / (8 * z**3) - 0.125
        found: np.ndarray = (counts - constant / gain**2) * gain
        return found
