"""What the noise of an image is, measured on the noisy image alone, and what to do about it."""

from bsn.data.noise_statistics.advice import Advice, NoiseName, NoiseScope, advise
from bsn.data.noise_statistics.colour_axes import AxisNoise, measure_along
from bsn.data.noise_statistics.flattest import FlattestParts, flattest_parts
from bsn.data.noise_statistics.statistics import NoiseStatistics, measure_noise

__all__ = [
    "Advice",
    "AxisNoise",
    "FlattestParts",
    "NoiseName",
    "NoiseScope",
    "NoiseStatistics",
    "advise",
    "flattest_parts",
    "measure_along",
    "measure_noise",
]
