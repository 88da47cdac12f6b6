"""Gain and read noise of a sensor, from one mosaic.

Half of the pixels are green, in the pattern of a chess board, so that the nearest greens are closer together than any other
colour. What is left of a second difference along both diagonals is noise, even where the half-size planes are full of texture.
So the green pixels tell gain and read noise. Some cameras multiply red and blue after the amplifier; by how much, the flattest
parts of the planes tell. Where nobody knows which number is black, as in frames of astronomical cameras, each plane is measured
by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["SENSOR", "MosaicNoise", "SensorSettings", "measure_sensor"]


class _Difference(NamedTuple):
    """A second difference along two directions, of squares that add up to 1.

    `flattest` is the mean variance, of pure noise of variance 1, of the tenth of the blocks that has the least; `spread` is the
    standard deviation of the variance of a block. Both by simulation.
    """

    kernel: np.ndarray
    flattest: float
    spread: float


_GREEN = _Difference(
    np.array([[0, 0, 1, 0, 0], [0, -2, 0, -2, 0], [1, 0, 4, 0, 1], [0, -2, 0, -2, 0], [0, 0, 1, 0, 0]]) / 6.0,
    0.803,
    0.12,
)
_PLANE = _Difference(np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 6.0, 0.737, 0.166)
_GREEN_MEAN = np.array([[1, 0, 1], [0, 4, 0], [1, 0, 1]]) / 8.0
_MEDIAN_OF_SQUARES = 0.4549  # of normal numbers of variance 1


@dataclass(frozen=True)
class SensorSettings:
    """Constants of the measurement; chosen on mosaics of ten photographs with four strengths of noise.

    Parameters
    ----------
    side : int
        Side of a block in pixels of a half-size plane.
    flattest : float
        Share of the blocks of a range of intensities that is looked at: those with the least variance.
    ranges : int
        Ranges of intensities, at most.
    blocks : int
        Blocks in each range, at least; as many are needed at all.
    saturated : float
        Blocks in which more than this share of the pixels reaches the largest value do not count.
    texture : float
        Factor by which texture may raise the noise of the green planes where red and blue are to be compared with them.
    alike : float
        Factors of red and blue up to this one, and down to its reciprocal, are taken for 1.
    certain : float
        Standard errors by which a slope must differ from 0 where black is not known.
    """

    side: int = 16
    flattest: float = 0.1
    ranges: int = 12
    blocks: int = 20
    saturated: float = 0.01
    texture: float = 1.5
    alike: float = 1.3
    certain: float = 4.0


SENSOR = SensorSettings()


@dataclass(frozen=True)
class MosaicNoise:
    """Noise variance of each plane of a mosaic: variance = gain * value + constant.

    Parameters
    ----------
    gain, constant : tuple of float
        One number for each plane (red, green, green, blue), in image values.
    """

    gain: tuple[float, ...]
    constant: tuple[float, ...]

    @property
    def read_noise(self) -> float:
        """Standard deviation at value 0, of the first green plane; 0 where the line is negative there."""
        return math.sqrt(max(self.constant[1], 0.0))

    def variance(self, values: np.ndarray) -> np.ndarray:
        """Variance at one value of each plane.

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


class _Blocks(NamedTuple):
    """Mean and noise variance of blocks, with that of pure noise as it is."""

    mean: np.ndarray
    variance: np.ndarray
    of: _Difference

    @property
    def enough(self) -> bool:
        return len(self.mean) >= SENSOR.blocks and bool(self.variance.max() > 0)

    def flat(self, among: np.ndarray) -> tuple[float, float, int]:
        """Mean, noise variance and number of the flattest of some blocks."""
        count = max(3, round(len(among) * SENSOR.flattest))
        chosen = among[np.argsort(self.variance[among], kind="stable")][:count]
        return float(self.mean[chosen].mean()), float(self.variance[chosen].mean()) / self.of.flattest, count

    def points(self) -> np.ndarray:
        """Mean, noise variance and its relative error in ranges of intensities, shape (K, 3)."""
        order = np.argsort(self.mean, kind="stable")
        parts = np.array_split(order, max(1, min(SENSOR.ranges, len(order) // SENSOR.blocks)))
        found = [self.flat(part) for part in parts]
        return np.array([(mean, variance, self.of.spread / math.sqrt(count)) for mean, variance, count in found])


def measure_sensor(mosaic: np.ndarray, green: tuple[int, int], *, black_known: bool) -> MosaicNoise:
    """Measure the noise of a mosaic.

    Parameters
    ----------
    mosaic : ndarray, shape (H, W), float
        Image values, one colour per pixel; H and W are even.
    green : tuple of int
        Row and column, in the 2 x 2 cell, of the green pixel that is in the row of red; the other one lies across.
    black_known : bool
        Black is at 0, so that the variance there is not negative.

    Returns
    -------
    MosaicNoise
        Of a mosaic that is too small for a line, the same variance at all values; of one without noise, zeros.
    """
    values = mosaic.astype(np.float64)
    row, column = green
    corners = [(row, 1 - column), (row, column), (1 - row, 1 - column), (1 - row, column)]
    planes = [values[top::2, left::2] for top, left in corners]
    each = [_of_plane(plane) for plane in planes]
    if not black_known:
        lines = [_by_itself(blocks, plane) for blocks, plane in zip(each, planes, strict=True)]
        return MosaicNoise(tuple(gain for gain, _ in lines), tuple(constant for _, constant in lines))
    blocks = _of_green(values, green)
    gain, constant = _line(blocks.points()) if blocks.enough else _constant(planes[1])
    factors = _factors(each, gain, constant)
    return MosaicNoise(tuple(gain * k for k in factors), tuple(constant * k * k for k in factors))


def _constant(plane: np.ndarray) -> tuple[float, float]:
    """The same variance everywhere, of a plane that is too small for more."""
    return 0.0, float(np.median(np.square(_convolved(plane, _PLANE.kernel)))) / _MEDIAN_OF_SQUARES


def _of_green(mosaic: np.ndarray, green: tuple[int, int]) -> _Blocks:
    one = (slice(green[0], None, 2), slice(green[1], None, 2))
    squares = np.square(_convolved(mosaic, _GREEN.kernel))[one]
    return _cut(squares, _convolved(mosaic, _GREEN_MEAN)[one], mosaic[one], _GREEN)


def _of_plane(plane: np.ndarray) -> _Blocks:
    return _cut(np.square(_convolved(plane, _PLANE.kernel)), plane, plane, _PLANE)


def _convolved(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    found: np.ndarray = ndimage.convolve(image, kernel, mode="mirror")
    return found


def _cut(squares: np.ndarray, level: np.ndarray, seen: np.ndarray, of: _Difference) -> _Blocks:
    """Cut into blocks those that are not saturated."""
    side = SENSOR.side
    rows, columns = seen.shape[0] // side, seen.shape[1] // side

    def means(values: np.ndarray) -> np.ndarray:
        cut = values[: rows * side, : columns * side].reshape(rows, side, columns, side)
        found: np.ndarray = cut.mean((1, 3)).ravel()
        return found

    counted = means(seen >= seen.max()) <= SENSOR.saturated
    return _Blocks(means(level)[counted], means(squares)[counted], of)


def _factors(each: list[_Blocks], gain: float, constant: float) -> list[float]:
    """By how much each plane was multiplied after the amplifier; green is 1."""
    if not all(blocks.enough for blocks in each):
        return [1.0] * len(each)
    flat = [blocks.flat(np.arange(len(blocks.mean))) for blocks in each]
    expected = [gain * max(mean, 0.0) + constant for mean, _, _ in flat]
    ratios = [seen / wanted if wanted > 0 else 1.0 for (_, seen, _), wanted in zip(flat, expected, strict=True)]
    texture = (ratios[1] + ratios[2]) / 2
    factors = [1.0] * len(each)
    for plane in (0, 3):
        ratio = ratios[plane] / texture
        if texture <= SENSOR.texture and not 1 / SENSOR.alike <= ratio <= SENSOR.alike:
            # k * gain * mean + k ** 2 * constant is ratio times what it is for k = 1
            slope, wanted = gain * max(flat[plane][0], 0.0), ratio * expected[plane]
            root = math.sqrt(slope**2 + 4 * constant * wanted)
            factors[plane] = 2 * wanted / (slope + root)
    return factors


def _by_itself(blocks: _Blocks, plane: np.ndarray) -> tuple[float, float]:
    """Line of one plane whose black is not known: level, unless it certainly rises."""
    if not blocks.enough:
        return _constant(plane)
    points = blocks.points()
    level = float(np.average(points[:, 1], weights=points[:, 2] ** -2))
    darkest, variance = points[0, 0], points[0, 1]
    x, error = points[:, 0] - points[:, 0].mean(), points[:, 1] * points[:, 2]
    deviation = math.sqrt(1 / float(np.sum(np.square(x / error)))) if np.ptp(x) > 0 else math.inf
    gain, constant = _line(points, lowest=-np.inf)
    if gain <= SENSOR.certain * deviation:
        return 0.0, level
    # A noisy pixel may lie three deviations below the darkest part, and its variance is positive there, too.
    gain = min(gain, math.sqrt(variance) / 3)
    return gain, max(constant, variance - gain * darkest)


def _line(points: np.ndarray, lowest: float = 0.0) -> tuple[float, float]:
    """Line through points by relative errors. Texture lifts single points, so that those above the line count less."""
    from scipy.optimize import lsq_linear

    x, error = points[:, 0], points[:, 2]
    y = np.maximum(points[:, 1], 1e-6 * points[:, 1].max())
    scale = max(float(np.abs(x).max()), 1e-12)
    certain = 1 / (y * error)
    weights = certain
    found = np.zeros(2)
    for _ in range(20):
        design = np.stack([x / scale, np.ones_like(x)], 1) * weights[:, None]
        size = float(np.abs(design).max())
        bounds = ([0.0, lowest], np.inf)
        found = lsq_linear(design / size, y * weights / size, bounds, method="bvls").x
        rest = (y - found[0] * x / scale - found[1]) / y
        spread = max(1.4826 * float(np.median(np.abs(rest))), 1e-3)
        weights = certain / np.sqrt(1 + np.square(np.maximum(rest, 0) / spread))
    return float(found[0] / scale), float(found[1])
