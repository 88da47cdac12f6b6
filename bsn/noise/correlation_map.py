"""Correlation of noise between neighbours in all directions: demosaicing makes diamonds, JPEG blocks, line noise rows.

The noise is what the flattest blocks of the images hold beside a plane. Taking the plane off changes what is seen: with the
projection P onto what is left, noise of covariance C shows P C P. For stationary noise C has one unknown for each lag, and what
is seen at each lag is linear in them, so the unknowns follow from a small linear system (ours; for the two axes alone see
:mod:`bsn.noise.measurement.correlation`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bsn.data import DataError
from bsn.noise.measurement.correlation import plane_basis
from bsn.noise.measurement.flat_blocks import SIDE, cut_blocks, unclipped
from bsn.noise.measurement.usable import usable

__all__ = ["REACH", "NoiseCorrelation", "measure_correlation_map"]

REACH = 8
"""Longest lag in pixels, in both directions."""

_NEIGHBOURS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


@dataclass(frozen=True)
class MapSettings:
    """Constants of the measurement; chosen on synthetic correlated noise on smooth scenes.

    Parameters
    ----------
    share : float
        Share of the blocks that is taken, those with the flattest surroundings. Only this value was tried.
    fewest : int
        Blocks, at least; fewer than this are not measured.
    outstanding : float
        Variance of a block over the median of those taken from which it holds an edge. Only this value was tried.
    """

    share: float = 0.1
    fewest: int = 30
    outstanding: float = 3.0


MAP = MapSettings()


@dataclass(frozen=True)
class NoiseCorrelation:
    """Correlation of stationary noise over the distance in both directions.

    Parameters
    ----------
    values : ndarray, shape (2 REACH + 1, 2 REACH + 1)
        Entry (REACH + dy, REACH + dx) for pixels dy rows and dx columns apart; 1 in the middle, symmetric about it.
    error : ndarray, same shape
        Standard error of each, from the spread over the blocks, and over rows and columns of blocks, which share the noise of
        lines; 0 in the middle.
    blocks : int
        How many blocks of 16 x 16 pixels it is measured on.
    """

    values: np.ndarray
    error: np.ndarray
    blocks: int


def measure_correlation_map(images: Iterable[np.ndarray], grey_level: float = 0.0) -> NoiseCorrelation:
    """Measure the correlation of the noise of images of one kind, all channels together.

    Parameters
    ----------
    images : iterable of ndarray, shape (C, H, W), float
        Outliers and missing values (not finite) do not count.
    grey_level : float
        Distance of two values of the original dtype; 0 for floats.

    Returns
    -------
    NoiseCorrelation
        Noise that is correlated over more than 8 pixels is not described well: a block of 16 pixels cannot tell it from a
        plane.

    Raises
    ------
    DataError
        If all images together have fewer than 30 blocks of 16 x 16 pixels, or no noise at all.
    """
    flat: list[_Flat] = []
    count = 0
    for number, seen in enumerate(usable(image, grey_level) for image in images):
        low, high = (0.0, 1.0) if grey_level else (float(seen.planes.min()), float(seen.planes.max()))
        for plane, missing in zip(seen.planes, seen.missing, strict=True):
            kept = unclipped((plane <= low) | (plane >= high), missing)
            count += int(kept.sum())
            flat.append(_flat(plane, kept, number))
    found = _joined(flat)
    residual = found.residual
    if count < MAP.fewest or len(residual) < 2:
        raise DataError(
            "images for a map of the noise's correlation",
            f"have {count} blocks of {SIDE} x {SIDE} pixels, {len(residual)} of them flat and noisy",
            f"give larger images: {MAP.fewest} blocks, with noise",
        )
    return _map(found)


class _Flat(NamedTuple):
    """Flat blocks (K, SIDE, SIDE), less a plane each, and (K, 3) numbers: image, row of blocks, column of blocks."""

    residual: np.ndarray
    places: np.ndarray


def _joined(parts: Sequence[_Flat]) -> _Flat:
    """All blocks that hold any noise."""
    if not parts:
        return _Flat(np.empty((0, SIDE, SIDE)), np.empty((0, 3), np.int64))
    residual, places = (np.concatenate(every) for every in zip(*parts, strict=True))
    noisy = np.square(residual).mean((1, 2)) > 0
    return _Flat(residual[noisy], places[noisy])


def _flat(plane: np.ndarray, kept: np.ndarray, number: int) -> _Flat:
    """Flat blocks of a plane, over their common standard deviation; `number` is that of the image.

    A block is taken for what lies around it: the flattest blocks themselves are those whose noise happens to lack its slow
    parts, and would show too little correlation.
    """
    blocks = cut_blocks(plane, -np.inf, np.inf)
    rows, columns = (side // SIDE for side in plane.shape)
    variance = np.where(kept, blocks.variance, np.nan).reshape(rows, columns)
    framed = np.pad(variance, 1, constant_values=np.nan)
    around = np.stack(
        [framed[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns] for dy, dx in _NEIGHBOURS if (dy, dx) != (0, 0)]
    ).reshape(8, -1)
    weights = np.isfinite(around)
    means = np.where(weights, around, 0).sum(0) / np.maximum(weights.sum(0), 1)
    candidates = np.flatnonzero(kept & weights.any(0) & (blocks.variance > 0))
    count = max(round(MAP.share * len(candidates)), min(MAP.fewest, len(candidates)))
    chosen = candidates[np.argsort(means[candidates], kind="stable")[:count]]
    if not len(chosen):
        return _joined([])
    chosen = chosen[blocks.variance[chosen] <= MAP.outstanding * np.median(blocks.variance[chosen])]
    residual = blocks.residual[chosen]
    places = np.stack([np.full_like(chosen, number), *np.divmod(chosen, columns)], 1)
    return _Flat(residual / np.sqrt(np.square(residual).mean()), places)


def _map(found: _Flat) -> NoiseCorrelation:
    seen = np.stack([_shifted_mean(found.residual, *lag) for lag in _lags()], 1)
    each = np.linalg.solve(_through_plane(found.residual.shape[-1]), seen.T)
    values = each.mean(1)
    # A correlation is a ratio to the variance, which is measured on the same blocks.
    gradient = (np.eye(len(values)) - np.outer(values / values[0], np.eye(len(values))[0])) / values[0]
    influence = (gradient @ (each - values[:, None])).T
    alone, along_rows, along_columns = (
        np.arange(len(influence))[:, None],
        found.places[:, [0, 1]],
        found.places[:, [0, 2]],
    )
    error = np.max([_error_of_mean(influence, labels) for labels in (alone, along_rows, along_columns)], 0)
    return NoiseCorrelation(_unfolded(values / values[0]), _unfolded(error), len(influence))


def _error_of_mean(influence: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Standard error of the mean of samples (K, L), of which those of one label (K, N) may depend on each other."""
    _, members = np.unique(labels, axis=0, return_inverse=True)
    groups = int(members.max()) + 1
    if groups < 2:
        return np.zeros(influence.shape[1])
    sums = np.zeros((groups, influence.shape[1]))
    np.add.at(sums, members.reshape(-1), influence)
    error: np.ndarray = np.sqrt(groups / (groups - 1) * np.square(sums).sum(0)) / len(influence)
    return error


@functools.cache
def _lags() -> list[tuple[int, int]]:
    """One of each pair of opposite lags (dy, dx), (0, 0) first."""
    reach = range(-REACH, REACH + 1)
    return [(dy, dx) for dy in range(REACH + 1) for dx in reach if dy > 0 or dx >= 0]


def _unfolded(values: np.ndarray) -> np.ndarray:
    whole = np.zeros((2 * REACH + 1, 2 * REACH + 1))
    for (dy, dx), value in zip(_lags(), values, strict=True):
        whole[REACH + dy, REACH + dx] = whole[REACH - dy, REACH - dx] = value
    return whole


def _overlap(side: int, dy: int, dx: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Pixels of a block that have a partner (dy, dx) away, and their partners; dy >= 0."""
    left, right = slice(max(0, -dx), side - max(0, dx)), slice(max(0, dx), side + min(0, dx))
    return (slice(0, side - dy), left), (slice(dy, side), right)


def _shifted_mean(blocks: np.ndarray, dy: int, dx: int) -> np.ndarray:
    """Mean product of pixels (dy, dx) apart, for each block."""
    here, there = _overlap(blocks.shape[-1], dy, dx)
    products: np.ndarray = (blocks[(..., *here)] * blocks[(..., *there)]).mean((1, 2))
    return products


@functools.cache
def _through_plane(side: int) -> np.ndarray:
    """Matrix from the covariance at each lag to what blocks without their plane show at each lag."""
    basis, lags = plane_basis(side), _lags()
    y, x = np.divmod(np.arange(side * side), side)
    away_y, away_x = np.subtract.outer(y, y), np.subtract.outer(x, x)
    places = np.arange(side * side).reshape(side, side)
    pairs = [[places[part].ravel() for part in _overlap(side, *lag)] for lag in lags]
    columns = []
    for dy, dx in lags:
        covariance = ((away_y == dy) & (away_x == dx)) | ((away_y == -dy) & (away_x == -dx))
        projected = covariance @ basis
        left = covariance - projected @ basis.T - basis @ projected.T + basis @ (basis.T @ projected) @ basis.T
        columns.append([left[here, there].mean() for here, there in pairs])
    return np.array(columns).T
