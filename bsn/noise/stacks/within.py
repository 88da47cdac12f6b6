"""Noise inside frames, from the differences of neighbouring frames: texture that stands still cancels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bsn.noise.stacks.blocks import SIDE, as_blocks, plane_basis, plane_removed, quiet_blocks

__all__ = ["FrameNoise", "noise_within"]

_TOO_LOW = 0.95  # the quietest quarter of the blocks, measured on white noise


@dataclass(frozen=True)
class FrameNoise:
    """Noise of single frames.

    Parameters
    ----------
    sigma : float
        Standard deviation, in image values.
    lags_x, lags_y : tuple of float
        Correlation at distances 1 and 2 along rows and along columns.
    diagonal : float
        Correlation of diagonal neighbours.
    """

    sigma: float
    lags_x: tuple[float, float]
    lags_y: tuple[float, float]
    diagonal: float

    @property
    def strongest(self) -> float:
        """Largest correlation of neighbours, by absolute value."""
        return max(self.lags_x[0], self.lags_y[0], self.diagonal, key=abs)


def noise_within(frames: np.ndarray) -> FrameNoise:
    """Measure on the quiet blocks of the differences.

    Parameters
    ----------
    frames : ndarray, shape (T, C, H, W)
        Two frames or more, of one block or more.

    Returns
    -------
    FrameNoise
        Noise that is correlated from frame to frame appears too weak.
    """
    blocks = plane_removed(as_blocks(np.diff(frames, axis=0)))
    energy = (blocks**2).mean(-1)
    intensity = as_blocks((frames[1:] + frames[:-1]) / 2).mean(-1)
    # Each pair of frames chooses its own: what moves is somewhere else in the next.
    chosen = [
        blocks[pair, channel, quiet_blocks(energy[pair, channel], intensity[pair, channel])]
        for pair in range(len(blocks))
        for channel in range(blocks.shape[1])
    ]
    quiet = np.concatenate(chosen)
    lost = 1 - plane_basis().shape[1] / SIDE**2
    sigma = math.sqrt(float((quiet**2).mean()) / lost / 2) / _TOO_LOW
    square = quiet.reshape(-1, SIDE, SIDE)
    offsets = ((0, 1), (0, 2), (1, 0), (2, 0), (1, 1))
    found = [_correlation(square, *offset) for offset in offsets]
    return FrameNoise(sigma, (found[0], found[1]), (found[2], found[3]), found[4])


def _correlation(blocks: np.ndarray, rows: int, columns: int) -> float:
    """Correlation at an offset, without what taking the plane off adds to white noise."""
    energy = float((blocks**2).mean())
    if energy == 0:
        return 0.0
    first = blocks[:, : SIDE - rows, : SIDE - columns]
    second = blocks[:, rows:, columns:]
    return float((first * second).mean()) / energy - _white(rows, columns)


def _white(rows: int, columns: int) -> float:
    """The same for white noise whose plane was taken off: exactly known."""
    basis = plane_basis().reshape(SIDE, SIDE, -1)
    first, second = basis[: SIDE - rows, : SIDE - columns], basis[rows:, columns:]
    shared = -float((first * second).sum(-1).mean())
    return shared / (1 - basis.shape[-1] / SIDE**2)
