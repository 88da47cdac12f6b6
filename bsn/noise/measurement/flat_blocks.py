"""The flattest blocks of images: what is left in them beside a plane is noise.

In each range of intensities the blocks with the smallest residual are taken. Choosing the smallest underestimates the
variance by a known factor: the residual variance of a block of Gaussian noise follows a chi-square distribution, with
fewer degrees of freedom the more the noise is correlated (Bartlett: n / sum of squared correlations), and the mean of its
lowest part is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.noise.measurement.correlation import plane_basis

__all__ = [
    "FLAT",
    "SIDE",
    "FlatBlocks",
    "FlatSettings",
    "cut_blocks",
    "find_flat",
    "flat_places",
    "free_of_texture",
    "lowest_part_factor",
    "unclipped",
]

SIDE = 16
"""Pixels of a block's side: long enough for correlated noise, short enough to find flat places."""

_TERMS = 3  # of a plane


@dataclass(frozen=True)
class FlatSettings:
    """Constants of the choice of blocks.

    They were set on the sets of ``python -m benchmarks.noise_statistics``, which its table shows, and on photographs with known
    noise; the ranges tried were not recorded.

    Parameters
    ----------
    share : float
        Share of the blocks of one intensity that counts as flat.
    ranges : int
        Largest number of ranges of intensities.
    fewest_in_range : int
        Blocks in each of them.
    clipped : tuple of float
        Shares of clipped pixels that a block may have, the first with which there are `fewest` blocks.
    fewest : int
        Blocks that are enough.
    texture : float
        Mean correlation of neighbours along rows and columns up to which a block is free of texture, for white noise; 0.05 is
        a standard deviation of white noise in one block.
    """

    share: float = 0.1
    ranges: int = 8
    fewest_in_range: int = 12
    clipped: tuple[float, ...] = (0.02, 0.1, 0.3)
    fewest: int = 30
    texture: float = 0.1


FLAT = FlatSettings()


@dataclass(frozen=True)
class FlatBlocks:
    """Blocks of one channel.

    Parameters
    ----------
    mean, variance : ndarray, shape (K,)
        Mean and variance of each block; the variance of what a plane leaves, unbiased for white noise.
    residual : ndarray, shape (K, SIDE, SIDE)
        The block without its plane.
    """

    mean: np.ndarray
    variance: np.ndarray
    residual: np.ndarray

    def __getitem__(self, index: np.ndarray) -> FlatBlocks:
        return FlatBlocks(self.mean[index], self.variance[index], self.residual[index])


def cut_blocks(
    plane: np.ndarray, low: float, high: float, picture: np.ndarray | None = None, *, side: int = SIDE
) -> FlatBlocks:
    """Cut a plane into blocks and take a plane off each; blocks with clipped pixels are left out where enough others are there.

    Parameters
    ----------
    plane : ndarray, shape (H, W), float
        Blocks with NaN are left out.
    low, high : float
        Values at which the image is clipped.
    picture : ndarray, shape (H, W), optional
        Denoised version, taken off first; the means are then its own.
    side : int
        Side of the blocks in pixels.

    Returns
    -------
    FlatBlocks
        K = 0 if the image is smaller than a block.
    """
    blocks = _blocks(plane, side)
    kept = unclipped((plane <= low) | (plane >= high), np.isnan(plane), side)
    blocks = blocks[kept]
    means = blocks.mean(1)
    if picture is not None:
        pictures = _blocks(picture, side)[kept]
        blocks, means = blocks - pictures, pictures.mean(1)
    basis = plane_basis(side)
    residual = blocks - (blocks @ basis) @ basis.T
    variance = np.square(residual).sum(1) / (side * side - _TERMS)
    return FlatBlocks(means, variance, residual.reshape(-1, side, side))


def unclipped(clipped: np.ndarray, missing: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Which blocks of a plane to keep: those with few clipped pixels, where there are enough of them, and none missing.

    Parameters
    ----------
    clipped, missing : ndarray of bool, shape (H, W)
        Pixels at the ends of the range of values, and pixels without a finite value.
    side : int
        Side of the blocks in pixels.

    Returns
    -------
    ndarray of bool, shape (blocks of the plane,)
    """
    shares, whole = _blocks(clipped, side).mean(1), ~_blocks(missing, side).any(1)
    limit = next((share for share in FLAT.clipped if (whole & (shares <= share)).sum() >= FLAT.fewest), 1.0)
    kept: np.ndarray = whole & (shares <= limit)
    return kept


def _blocks(plane: np.ndarray, side: int) -> np.ndarray:
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    cut = plane[: rows * side, : columns * side].astype(np.float64).reshape(rows, side, columns, side)
    return cut.swapaxes(1, 2).reshape(-1, side * side)


def free_of_texture(blocks: FlatBlocks) -> np.ndarray:
    """Which blocks have neighbours as independent as those of white noise; for noise that is known to be white.

    Parameters
    ----------
    blocks : FlatBlocks
        Blocks of an image or of a set.

    Returns
    -------
    ndarray of bool, shape (K,)
        True for nearly all blocks of white noise.
    """
    left, power = blocks.residual, np.square(blocks.residual).mean((1, 2))
    products = (left[:, :, 1:] * left[:, :, :-1]).mean((1, 2)) + (left[:, 1:] * left[:, :-1]).mean((1, 2))
    free: np.ndarray = products <= 2 * FLAT.texture * power
    return free


def find_flat(blocks: FlatBlocks) -> list[FlatBlocks]:
    """The flattest tenth of the blocks in each range of intensities.

    Parameters
    ----------
    blocks : FlatBlocks
        Blocks of an image or of a set.

    Returns
    -------
    list of FlatBlocks
        One per range with enough blocks, from dark to bright; one for all where no range has.
    """
    return [blocks[places] for places in flat_places(blocks)]


def flat_places(blocks: FlatBlocks, share: float = FLAT.share) -> list[np.ndarray]:
    """Indices of what :func:`find_flat` takes.

    Parameters
    ----------
    blocks : FlatBlocks
        All blocks of an image or a set.
    share : float
        Share of the blocks of one intensity that counts as flat.

    Returns
    -------
    list of ndarray of int
        One per range of intensities, from dark to bright.
    """
    count = len(blocks.mean)
    bins = max(min(FLAT.ranges, count // FLAT.fewest_in_range), 1)
    order = np.argsort(blocks.mean, kind="stable")
    return [part[_flattest(blocks.variance[part], share)] for part in np.array_split(order, bins) if len(part)]


def lowest_part_factor(squared_correlations: float) -> float:
    """Mean of the lowest tenth of block variances of pure noise, relative to the noise variance.

    Parameters
    ----------
    squared_correlations : float
        Sum over all lags of the squared autocorrelation: 1 for white noise.

    Returns
    -------
    float
        A number in (0, 1).

    Examples
    --------
    >>> round(lowest_part_factor(1.0), 2), round(lowest_part_factor(4.0), 2)
    (0.85, 0.71)
    """
    from scipy.stats import chi2

    freedom = (SIDE * SIDE - _TERMS) / max(squared_correlations, 1.0)
    quantile = chi2.ppf(FLAT.share, freedom)
    # E[X | X < q] of a chi-square distribution, by its recursion in the degrees of freedom.
    return float(chi2.cdf(quantile, freedom + 2) / FLAT.share)


def _flattest(variance: np.ndarray, share: float) -> np.ndarray:
    count = max(round(share * len(variance)), 1)
    return np.argpartition(variance, count - 1)[:count]
