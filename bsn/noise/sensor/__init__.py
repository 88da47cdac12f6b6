"""Noise of the mosaics of sensors: measured on one of them, and made the same everywhere."""

from bsn.noise.sensor.found import FoundSensor, find_sensor
from bsn.noise.sensor.line import MosaicNoise, measure_sensor
from bsn.noise.sensor.stabiliser import Stabiliser

__all__ = ["FoundSensor", "MosaicNoise", "Stabiliser", "find_sensor", "measure_sensor"]
