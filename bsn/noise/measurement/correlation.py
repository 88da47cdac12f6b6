"""Correlation of noise between neighbouring pixels and between channels."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

__all__ = ["LAGS", "Correlation", "channel_correlation", "measure_correlation", "plane_basis"]

LAGS = 6
"""Longest lag that is looked at, in pixels."""

_ROUNDS = 8


@dataclass(frozen=True)
class Correlation:
    """Correlation of noise along rows (x) and columns (y).

    Parameters
    ----------
    x, y : tuple of float
        Autocorrelation at the lags 1 ... LAGS.
    kept : float
        Share of the noise variance that taking a plane off a block leaves, relative to white noise: below 1 for correlated
        noise, part of which looks like a plane.
    """

    x: tuple[float, ...] = (0.0,) * LAGS
    y: tuple[float, ...] = (0.0,) * LAGS
    kept: float = 1.0

    @property
    def sum_of_squares(self) -> float:
        """Sum over all lags of the squared autocorrelation, taken to be the product of x and y; 1 for white noise."""
        return float(np.prod([1 + 2 * sum(lag**2 for lag in lags) for lags in (self.x, self.y)]))


def measure_correlation(residual: np.ndarray) -> Correlation:
    """Correlation of noise from blocks of which a plane was taken.

    Parameters
    ----------
    residual : ndarray, shape (K, S, S)
        Every block counts alike, whatever its noise level.

    Returns
    -------
    Correlation
        Of the noise before the planes were taken: the correlation is found that, taken through the same operation,
        gives what was observed.
    """
    power = np.square(residual).mean((1, 2))
    residual, power = residual[power > 0], power[power > 0]
    if not len(residual):
        return Correlation()
    observed = [
        [float(np.mean((residual[:, :, k:] * residual[:, :, :-k]).mean((1, 2)) / power)) for k in range(1, LAGS + 1)],
        [float(np.mean((residual[:, k:] * residual[:, :-k]).mean((1, 2)) / power)) for k in range(1, LAGS + 1)],
    ]
    lags, kept = np.array(observed), 1.0
    for _ in range(_ROUNDS):
        expected, kept = _through_plane(lags, residual.shape[-1])
        lags = np.clip(lags + (np.array(observed) - expected), -0.95, 0.95)
    return Correlation(tuple(map(float, lags[0])), tuple(map(float, lags[1])), kept)


def _through_plane(lags: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """Lags (2, LAGS) that noise of those lags shows in blocks without their plane, and the variance that is left."""
    basis = plane_basis(side)
    along_x, along_y = (_toeplitz(row, side) for row in lags)
    covariance = np.kron(along_y, along_x)
    projected = covariance @ basis
    left = covariance - projected @ basis.T - basis @ projected.T + basis @ (basis.T @ projected) @ basis.T
    left = left.reshape(side, side, side, side)
    power = np.einsum("ijij->ij", left).mean()
    expected = np.empty_like(lags)
    for k in range(1, LAGS + 1):
        expected[0, k - 1] = np.einsum("ijij->ij", left[:, :-k, :, k:]).mean() / power
        expected[1, k - 1] = np.einsum("ijij->ij", left[:-k, :, k:, :]).mean() / power
    return expected, float(power / (1 - basis.shape[1] / side**2))


def _toeplitz(lags: np.ndarray, side: int) -> np.ndarray:
    column = np.zeros(side)
    column[0], column[1 : len(lags) + 1] = 1, lags
    return column[np.abs(np.subtract.outer(np.arange(side), np.arange(side)))]


@functools.cache
def plane_basis(side: int) -> np.ndarray:
    """Orthonormal basis (side * side, 3) of the planes over a block.

    Parameters
    ----------
    side : int
        Side of the block in pixels, 2 or more.

    Returns
    -------
    ndarray, shape (side * side, 3)
        Columns are orthonormal.
    """
    axis = np.linspace(-1, 1, side)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return np.linalg.qr(np.stack([np.ones(side * side), x.ravel(), y.ravel()], 1))[0]


def channel_correlation(residuals: list[np.ndarray]) -> np.ndarray:
    """Correlation matrix (C, C) of the residuals of the same blocks in all channels.

    Parameters
    ----------
    residuals : list of ndarray, one per channel, of equal shapes
        Residuals of the same blocks.

    Returns
    -------
    ndarray, shape (C, C)
        The rows of a channel without noise are 0.
    """
    flat = np.stack([residual.ravel() for residual in residuals])
    deviation = np.sqrt(np.square(flat).mean(1))
    deviation[deviation == 0] = 1
    return (flat @ flat.T) / flat.shape[1] / np.outer(deviation, deviation)
