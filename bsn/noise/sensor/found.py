"""The noise of a mosaic as it is measured and as its file tells it, and which of the two is believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.data.files.formats.mosaic import Mosaic, joined, places
from bsn.noise.sensor.line import MosaicNoise, measure_sensor

__all__ = ["FoundSensor", "find_sensor"]

# Texture can raise a measurement, but nothing lowers it except noise that is not there.
_LOWER, _HIGHER = 0.6, 4.0


@dataclass(frozen=True)
class FoundSensor:
    """Noise of a mosaic.

    Parameters
    ----------
    pattern : str
        Colours of its 2 x 2 cell.
    measured : MosaicNoise
        From the mosaic.
    told : MosaicNoise, optional
        From the file (NoiseProfile of DNG files).
    ratio : float, optional
        Measured variance over the one that is told, at the mean of the green pixels.
    reduced : float
        Share of the noise that was taken away before, as the file says.
    """

    pattern: str
    measured: MosaicNoise
    told: MosaicNoise | None = None
    ratio: float | None = None
    reduced: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether the noise may be what the file tells; texture may raise what is measured."""
        return self.ratio is not None and _LOWER <= self.ratio <= _HIGHER

    @property
    def believed(self) -> MosaicNoise:
        """What the file tells, unless the mosaic says otherwise; else what was measured."""
        return self.told if self.told is not None and self.agrees and not self.reduced else self.measured


def find_sensor(planes: np.ndarray, facts: Mosaic) -> FoundSensor:
    """Measure the noise of a mosaic and compare it with what the file tells.

    Parameters
    ----------
    planes : ndarray, shape (4, h, w), float
        Image values.
    facts : Mosaic
        What is known of it.

    Returns
    -------
    FoundSensor
    """
    green = places(facts.pattern)[1]
    measured = measure_sensor(joined(planes, facts.pattern), green, black_known=facts.levels is not None)
    if not facts.noise or facts.levels is None:
        return FoundSensor(facts.pattern, measured, reduced=facts.reduced)
    gain, constant = zip(*facts.noise, strict=True)
    told = MosaicNoise(gain, constant)
    means = np.maximum(planes.mean((1, 2)), 0)
    there = float(told.variance(means)[1])
    ratio = float(measured.variance(means)[1]) / there if there > 0 else None
    return FoundSensor(facts.pattern, measured, told, ratio, facts.reduced)
