"""Flat blocks chosen by one half of their coefficients and measured in the other.

Blocks without texture are found by their small energy. But whoever picks the blocks with the least energy also picks those
whose noise happens to be weak, and measures too little; how much, depends on the texture of the rest. So the coefficients of a
block are divided like the fields of a chessboard. Texture has energy in both halves of a block, and the energies of noise in
them are independent: blocks that are chosen by the black half show unbiased noise in the white half, and the other way round.
The lowest frequencies, where every picture has most of its energy, belong to neither. (Ours; the idea is cross-validation.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.noise.measurement.dct_blocks import BLOCKS, DCTBlocks
from bsn.noise.measurement.intensity_curve import IntensityPoints, smooth_curve

__all__ = ["HALVES", "FlatNoise", "HalvesSettings", "measure_halves"]


@dataclass(frozen=True)
class HalvesSettings:
    """Constants of the choice of blocks; tried on synthetic camera noise and on the training part of polyu.

    Parameters
    ----------
    first : int
        Lowest sum of row and column of the coefficients that are looked at. Tried 3 to 6: with 3, slopes of the picture count
        as noise; with 6, too little is seen of slow noise.
    ranges : int
        Number of ranges of intensities. Tried 5, 8 and 12.
    fewest_in_range : int
        Blocks in each of them.
    surest : float
        Share of the blocks of a range that are flat for sure. Tried 0.01 and 0.02.
    factor : float
        Blocks are flat whose energy is at most so many times that of the surest. Tried 1.3, 1.4 and 1.6.
    most : float
        Share of the blocks of a range that counts as flat, at most.
    fewest : int
        Flat blocks of a range, at least.
    rounds : int
        Number of rounds: energies are weighted with the spectrum and the curve of the round before.
    """

    first: int = 4
    ranges: int = 8
    fewest_in_range: int = 30
    surest: float = 0.02
    factor: float = 1.4
    most: float = 0.5
    fewest: int = 4
    rounds: int = 3


HALVES = HalvesSettings()

_ROW, _COLUMN = np.divmod(np.arange(BLOCKS.side**2), BLOCKS.side)
_SUM = _ROW + _COLUMN
_BLACK = (HALVES.first <= _SUM) & (_SUM % 2 == 0)
_WHITE = (HALVES.first <= _SUM) & (_SUM % 2 == 1)
_SEEN = _BLACK | _WHITE
_LEAST = 0.05  # weight of the weakest coefficients: not above that of a twentieth of the mean power


@dataclass(frozen=True)
class FlatNoise:
    """Noise of flat blocks.

    Parameters
    ----------
    curves : list of IntensityPoints
        Variance of each channel over its intensity; all frequencies together.
    powers : ndarray, shape (C, C, side, side)
        Covariance of the coefficients between channels, relative to the curves: mean 1 on the diagonal.
    blocks : int
        How many flat blocks it is measured on.
    """

    curves: list[IntensityPoints]
    powers: np.ndarray
    blocks: int


def measure_halves(blocks: DCTBlocks) -> FlatNoise:
    """Measure curves and spectrum of the noise.

    Parameters
    ----------
    blocks : DCTBlocks
        At least one block.

    Returns
    -------
    FlatNoise
    """
    channels, count = blocks.mean.shape
    coefficients = blocks.coefficients.reshape(channels, count, -1)
    squares = np.square(coefficients)
    power = np.ones((channels, squares.shape[-1]))
    variance = np.ones((channels, count))
    curves: list[IntensityPoints] = []
    for _ in range(HALVES.rounds):
        energies = _energies(squares, power, variance)
        curves = [_curve(squares[c], blocks.mean[c], energies) for c in range(channels)]
        variance = np.stack([curve(mean) for curve, mean in zip(curves, blocks.mean, strict=True)])
        chosen = _flat(blocks.mean.mean(0), energies)
        power = np.stack([_power(squares[c], variance[c], chosen) for c in range(channels)])
    between = _between(coefficients, variance, chosen)
    own = np.einsum("ccp->cp", between).mean(1)
    curves = [curve.times(float(share)) for curve, share in zip(curves, own, strict=True)]
    scale = np.sqrt(np.maximum(own, 1e-30))
    relative = (between / np.outer(scale, scale)[..., None]).reshape(channels, channels, BLOCKS.side, BLOCKS.side)
    return FlatNoise(curves, relative, sum(len(part) for pair in chosen for part in pair))


def _energies(squares: np.ndarray, power: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Energy of each block in both halves, (2, K), about 1 for noise alone: mean over the channels."""
    least = _LEAST * power[:, _SEEN].mean(1, keepdims=True)
    weights = 1 / np.maximum(np.maximum(power, least), 1e-30)
    halves = np.stack([half / half.sum() for half in (_BLACK, _WHITE)], 1)
    found = [
        s @ (w[:, None] * halves).astype(s.dtype) / v[:, None]
        for s, w, v in zip(squares, weights, variance, strict=True)
    ]
    energies: np.ndarray = np.mean(found, 0).T
    return energies


def _flat(intensity: np.ndarray, energies: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Blocks that are flat by their black half, and by their white one, in each range of intensities."""
    ranges = max(min(HALVES.ranges, len(intensity) // HALVES.fewest_in_range), 1)
    parts = np.array_split(np.argsort(intensity, kind="stable"), ranges)
    return [(_flattest(part, energies[0]), _flattest(part, energies[1])) for part in parts]


def _flattest(part: np.ndarray, energies: np.ndarray) -> np.ndarray:
    energy = energies[part]
    within = int((energy <= HALVES.factor * np.quantile(energy, HALVES.surest)).sum())
    count = min(max(min(within, int(HALVES.most * len(part))), HALVES.fewest), len(part))
    return part[np.argpartition(energy, count - 1)[:count]]


def _crossed(values: np.ndarray, by_black: np.ndarray, by_white: np.ndarray) -> np.ndarray:
    """Mean over blocks of values (..., K, side^2): each half over the blocks that the other chose."""
    crossed: np.ndarray = np.where(_WHITE, values[..., by_black, :].mean(-2), values[..., by_white, :].mean(-2))
    return crossed


def _curve(squares: np.ndarray, mean: np.ndarray, energies: np.ndarray) -> IntensityPoints:
    """Curve of a channel, over the frequencies that are looked at."""
    chosen = _flat(mean, energies)
    intensity = [mean[np.concatenate(pair)].mean() for pair in chosen]
    variance = [_crossed(squares, *pair)[_SEEN].mean() for pair in chosen]
    return smooth_curve(np.array(intensity), np.array(variance), np.array([len(a) + len(b) for a, b in chosen], float))


def _power(squares: np.ndarray, variance: np.ndarray, chosen: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    relative = squares / np.maximum(variance, 1e-30)[:, None].astype(squares.dtype)
    by_black, by_white = (np.concatenate(parts) for parts in zip(*chosen, strict=True))
    return _filled(_crossed(relative, by_black, by_white))


def _between(coefficients: np.ndarray, variance: np.ndarray, chosen: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Covariance of the coefficients between channels, in units of the curves, (C, C, side^2)."""
    flat = coefficients / np.sqrt(np.maximum(variance, 1e-30))[..., None].astype(coefficients.dtype)
    by_black, by_white = (np.concatenate(parts) for parts in zip(*chosen, strict=True))
    found = [[_filled(_crossed(a * b, by_black, by_white)) for b in flat] for a in flat]
    return np.array(found)


def _filled(power: np.ndarray) -> np.ndarray:
    """Continue the power to the lowest frequencies as it grows towards them."""
    near, far = (power[(first <= _SUM) & (first + 2 > _SUM)].mean() for first in (HALVES.first, HALVES.first + 2))
    growth = np.sqrt(near / far) if near * far > 0 else 1.0
    filled: np.ndarray = np.where(_SEEN, power, near * np.clip(growth, 0.7, 1.5))
    return filled
