"""Level, curve and correlation of noise, measured on the noisy images alone."""

from bsn.noise.measurement.along_axes import measure_along
from bsn.noise.measurement.flattest import FlattestParts, flattest_parts
from bsn.noise.measurement.statistics import NoiseStatistics, measure_noise, measure_usable
from bsn.noise.measurement.usable import UsableImage, usable

__all__ = [
    "FlattestParts",
    "NoiseStatistics",
    "UsableImage",
    "flattest_parts",
    "measure_along",
    "measure_noise",
    "measure_usable",
    "usable",
]
