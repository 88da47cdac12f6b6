"""Coefficients of overlapping blocks of images: what the noise of photographs is measured on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bsn.noise.measurement.usable import UsableImage

__all__ = ["BLOCKS", "BlockSettings", "DCTBlocks", "dct_basis", "transform_blocks"]


@dataclass(frozen=True)
class BlockSettings:
    """Constants of the blocks.

    Parameters
    ----------
    side : int
        Pixels of a block's side: two blocks of JPEG, and one of its halved colours.
    step : int
        Distance of neighbouring blocks; 4 was tried too, and takes four times as long for the same errors.
    most : int
        Blocks that are looked at, over all images: what 512 x 512 pixels have. More are thinned out at random.
    clipped : tuple of float
        Shares of clipped pixels that a block may have, the first with which there are `fewest` blocks.
    fewest : int
        Blocks that are enough.
    """

    side: int = 16
    step: int = 8
    most: int = 4096
    clipped: tuple[float, ...] = (0.02, 0.1, 0.3)
    fewest: int = 60


BLOCKS = BlockSettings()

_ROUNDING = 1e-11  # energy of a constant block relative to its squared mean


@dataclass(frozen=True)
class DCTBlocks:
    """Blocks of images.

    Parameters
    ----------
    coefficients : ndarray, shape (C, K, side, side), float32
        Orthonormal DCT of each block without its plane: the slope of a picture has a little energy in all frequencies. What
        the plane takes of the noise is in the lowest two of a row or column.
    mean : ndarray, shape (C, K)
        Mean of each block.
    """

    coefficients: np.ndarray
    mean: np.ndarray


def dct_basis(side: int) -> np.ndarray:
    """Orthonormal DCT-II, rows are the basis.

    Parameters
    ----------
    side : int
        1 or more.

    Returns
    -------
    ndarray, shape (side, side), float64
    """
    k, x = np.arange(side)[:, None], np.arange(side)[None]
    rows: np.ndarray = np.cos(math.pi / side * (x + 0.5) * k) * math.sqrt(2 / side)
    rows[0] /= math.sqrt(2)
    return rows


def transform_blocks(images: Sequence[UsableImage], low: float, high: float) -> DCTBlocks:
    """Cut images into blocks and transform them.

    Parameters
    ----------
    images : sequence of UsableImage
        All of C channels.
    low, high : float
        Values at which the images are clipped.

    Returns
    -------
    DCTBlocks
        Without blocks that are clipped, constant in all channels, or have missing pixels. K is 0 if there are no others.
    """
    most = max(BLOCKS.most // len(images), BLOCKS.fewest)
    cut = [_kept(image, low, high, most, np.random.default_rng(index)) for index, image in enumerate(images)]
    pixels = np.concatenate(cut, 1)
    basis = dct_basis(BLOCKS.side).astype(np.float32)
    mean = pixels.mean((2, 3), dtype=np.float64)
    coefficients = basis @ (pixels - mean[..., None, None]).astype(np.float32) @ basis.T
    energy = np.einsum("ckij,ckij->ck", coefficients, coefficients)
    varied = (energy > _ROUNDING * np.square(mean)).any(0)
    return DCTBlocks(_without_slope(coefficients[:, varied]), mean[:, varied])


def _without_slope(coefficients: np.ndarray) -> np.ndarray:
    ramp = dct_basis(BLOCKS.side) @ np.arange(BLOCKS.side)
    ramp[0] = 0
    ramp = (ramp / np.linalg.norm(ramp)).astype(coefficients.dtype)
    for lines in (coefficients[..., 0, :], coefficients[..., :, 0]):
        lines -= (lines @ ramp)[..., None] * ramp
    return coefficients


def _kept(image: UsableImage, low: float, high: float, most: int, rng: np.random.Generator) -> np.ndarray:
    """Usable blocks of an image, (C, K, side, side), at most so many."""
    side = BLOCKS.side
    if min(image.planes.shape[1:]) < side:
        return np.empty((len(image.planes), 0, side, side))
    places, shares = _places(image, low, high)
    limit = next((share for share in BLOCKS.clipped if (shares <= share).sum() >= BLOCKS.fewest), 1.0)
    places = places[shares <= limit]
    if len(places) > most:
        places = places[np.sort(rng.choice(len(places), most, replace=False))]
    blocks: np.ndarray = sliding_window_view(image.planes, (side, side), (1, 2))[:, places[:, 0], places[:, 1]]
    return blocks


def _places(image: UsableImage, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Top and left of the blocks without missing pixels, (K, 2), and the largest share of clipped pixels in a channel, (K,)."""
    clipped = (image.planes <= low) | (image.planes >= high)
    missing: np.ndarray = np.asarray(image.missing.any(0))
    rows, columns = (np.arange(0, size - BLOCKS.side + 1, BLOCKS.step) for size in missing.shape)
    places = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    shares = np.max([_block_means(plane, rows, columns) for plane in clipped], 0)
    whole = _block_means(missing, rows, columns) == 0
    return places[whole], shares[whole]


def _block_means(mask: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    sums = np.pad(mask.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    ends = (rows + BLOCKS.side, columns + BLOCKS.side)
    corners = (
        sums[np.ix_(*ends)] - sums[np.ix_(rows, ends[1])] - sums[np.ix_(ends[0], columns)] + sums[np.ix_(rows, columns)]
    )
    means: np.ndarray = corners.ravel() / BLOCKS.side**2
    return means
