"""Level, curve and correlation of noise, measured on the noisy images alone."""

from bsn.noise.measurement.colour_axes import AxisNoise, measure_along
from bsn.noise.measurement.flattest import FlattestParts, flattest_parts
from bsn.noise.measurement.statistics import NoiseStatistics, measure_noise

__all__ = [
    "AxisNoise",
    "FlattestParts",
    "NoiseStatistics",
    "flattest_parts",
    "measure_along",
    "measure_noise",
]
