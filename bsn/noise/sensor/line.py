"""Gain and read noise of a sensor, from the green pixels of one mosaic.

Half of the pixels are green, in the pattern of a chess board, so that the nearest greens are closer together than any other
colour. What is left of a second difference along both diagonals is noise, even where the half-size planes are full of texture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["SENSOR", "SensorNoise", "SensorSettings", "measure_sensor"]

# The second difference along one diagonal of that along the other: 36 is the sum of its squares.
_SECOND = np.array([[0, 0, 1, 0, 0], [0, -2, 0, -2, 0], [1, 0, 4, 0, 1], [0, -2, 0, -2, 0], [0, 0, 1, 0, 0]]) / 6.0
_MEDIAN_OF_SQUARES = 0.4549  # of normal numbers of variance 1
# Mean of a green pixel and of its four neighbours across.
_GREEN_MEAN = np.array([[1, 0, 1], [0, 4, 0], [1, 0, 1]]) / 8.0


@dataclass(frozen=True)
class SensorSettings:
    """Constants of the measurement; chosen on mosaics of ten photographs with four strengths of noise.

    Parameters
    ----------
    side : int
        Side of a block in pixels of a half-size plane.
    flattest : float
        Share of the blocks of a range of intensities that is looked at: those with the least variance.
    expected : float
        Variance that these have of pure noise of variance 1, by simulation.
    ranges : int
        Ranges of intensities, at most.
    blocks : int
        Blocks in each range, at least; as many are needed at all.
    saturated : float
        Blocks in which more than this share of the pixels reaches the largest value do not count.
    """

    side: int = 16
    flattest: float = 0.1
    expected: float = 0.805
    ranges: int = 12
    blocks: int = 20
    saturated: float = 0.01


SENSOR = SensorSettings()


@dataclass(frozen=True)
class SensorNoise:
    """Noise variance of each plane of a mosaic: variance = gain * value + constant.

    Parameters
    ----------
    gain, constant : tuple of float
        One number for each plane, in image values.
    """

    gain: tuple[float, ...]
    constant: tuple[float, ...]

    @property
    def read_noise(self) -> float:
        """Standard deviation at value 0, of the first green plane; 0 where the line is negative there."""
        return float(np.sqrt(max(self.constant[1], 0.0)))

    def variance(self, values: np.ndarray) -> np.ndarray:
        """Variance at the means of the planes.

        Parameters
        ----------
        values : ndarray, shape (4,)
            Image values.

        Returns
        -------
        ndarray, shape (4,)
        """
        found: np.ndarray = np.asarray(self.gain) * values + np.asarray(self.constant)
        return found


def measure_sensor(mosaic: np.ndarray, green: tuple[int, int], *, black_known: bool) -> SensorNoise:
    """Measure the noise of a mosaic, the same line for all colours, since they share their amplifier.

    Parameters
    ----------
    mosaic : ndarray, shape (H, W), float
        Image values, one colour per pixel.
    green : tuple of int
        Row and column of the first green pixel in the 2 x 2 cell; the other one lies across.
    black_known : bool
        Black is at 0, so that the variance there is not negative.

    Returns
    -------
    SensorNoise
        Of a mosaic that is too small for a line, the same variance at all values; of one without noise, zeros.
    """
    from scipy import ndimage

    rest = ndimage.convolve(mosaic.astype(np.float64), _SECOND, mode="mirror")
    level = ndimage.convolve(mosaic.astype(np.float64), _GREEN_MEAN, mode="mirror")
    squares, levels, highest = (
        _blocks(part[green[0] :: 2, green[1] :: 2]) for part in (np.square(rest), level, mosaic)
    )
    counted = (highest >= mosaic.max()).mean(1) <= SENSOR.saturated
    variance, intensity = squares.mean(1)[counted], levels.mean(1)[counted]
    if len(variance) < SENSOR.blocks or not variance.max() > 0:
        green_rest = rest[green[0] :: 2, green[1] :: 2]
        return SensorNoise((0.0,) * 4, (float(np.median(np.square(green_rest))) / _MEDIAN_OF_SQUARES,) * 4)
    gain, constant = _line(*_points(intensity, variance), black_known=black_known)
    return SensorNoise((gain,) * 4, (constant,) * 4)


def _blocks(plane: np.ndarray) -> np.ndarray:
    side = SENSOR.side
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    cut = plane[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return cut.swapaxes(1, 2).reshape(rows * columns, side * side)


def _points(intensity: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean intensity, noise variance and number of blocks of each range of intensities."""
    order = np.argsort(intensity, kind="stable")
    points = []
    for part in np.array_split(order, max(1, min(SENSOR.ranges, len(order) // SENSOR.blocks))):
        flat = part[np.argsort(variance[part], kind="stable")][: max(3, round(len(part) * SENSOR.flattest))]
        points.append((intensity[flat].mean(), variance[flat].mean() / SENSOR.expected, len(part)))
    columns = np.array(points).T
    return columns[0], columns[1], columns[2]


def _line(x: np.ndarray, y: np.ndarray, blocks: np.ndarray, *, black_known: bool) -> tuple[float, float]:
    """Line through points by relative errors. Texture lifts single points, so that those above the line count less."""
    from scipy.optimize import lsq_linear

    y = np.maximum(y, 1e-6 * y.max())
    weights = np.sqrt(blocks) / y
    scale = max(float(np.abs(x).max()), 1e-12)
    lowest = [0.0, 0.0 if black_known else -np.inf]
    found = np.zeros(2)
    for _ in range(20):
        design = np.stack([x / scale, np.ones_like(x)], 1) * weights[:, None]
        found = lsq_linear(design / np.abs(design).max(), y * weights / np.abs(design).max(), (lowest, np.inf)).x
        error = (y - found[0] * x / scale - found[1]) / y
        spread = max(1.4826 * float(np.median(np.abs(error))), 1e-3)
        weights = np.sqrt(blocks) / y / np.sqrt(1 + np.square(np.maximum(error, 0) / spread))
    return float(found[0] / scale), float(found[1])
