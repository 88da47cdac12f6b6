"""Is the noise of an image correlated between neighbours? A quick look, in the flattest parts of the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bsn.evaluation import autocorrelation

__all__ = ["NeighbourCorrelation", "neighbour_correlation"]

_BLOCK = 16
_SHARE = 0.1
_FEWEST = 4
STRONG = 0.25
# Below this (about one grey level of 255) what varies in flat parts is the picture or its rounding, not noise.
_WEAKEST = 0.004


@dataclass(frozen=True)
class NeighbourCorrelation:
    """Correlation of the noise of neighbouring pixels, and the noise's standard deviation in image values."""

    value: float
    std: float

    @property
    def strong(self) -> bool:
        """Whether a denoiser for white noise will fail."""
        return self.value > STRONG and self.std > _WEAKEST


def neighbour_correlation(image: NDArray[np.floating]) -> NeighbourCorrelation:
    """Estimate the correlation of the noise at a distance of one pixel.

    Parameters
    ----------
    image : ndarray, shape (C, H, W), float, range [0, 1]

    Returns
    -------
    NeighbourCorrelation
        Mean over rows, columns and channels. (0, 0) for images smaller than four blocks of 16 x 16.

    Notes
    -----
    Blocks of 16 x 16 lose the plane that fits them best; in the tenth with the least variance left, what is left is taken
    for noise. White noise gives about -0.02, noise that went through demosaicing or JPEG 0.3 to 0.8. Texture that fills
    the whole image is mistaken for noise.
    """
    channels, height, width = image.shape
    rows, columns = height // _BLOCK, width // _BLOCK
    if rows * columns < _FEWEST:
        return NeighbourCorrelation(0.0, 0.0)
    cut = np.asarray(image[:, : rows * _BLOCK, : columns * _BLOCK], np.float64)
    blocks = cut.reshape(channels, rows, _BLOCK, columns, _BLOCK).transpose(0, 1, 3, 2, 4).reshape(-1, _BLOCK, _BLOCK)
    left = _without_plane(blocks)
    variance = left.var((-2, -1))
    varied = np.flatnonzero(variance > 0)  # clipped skies have none at all
    if len(varied) < _FEWEST:
        return NeighbourCorrelation(0.0, 0.0)
    flattest = varied[np.argsort(variance[varied])][: max(_FEWEST, int(_SHARE * len(varied)))]
    chosen = left[flattest]
    value = (autocorrelation(chosen, 1, -1) + autocorrelation(chosen, 1, -2)) / 2
    return NeighbourCorrelation(value, float(np.sqrt(variance[flattest].mean())))


def _without_plane(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blocks (N, b, b) less the plane of least squares; on a grid its slopes are simple products."""
    ramp = np.arange(blocks.shape[-1]) - (blocks.shape[-1] - 1) / 2
    norm = blocks.shape[-1] * (ramp**2).sum()
    centred = blocks - blocks.mean((-2, -1), keepdims=True)
    slope_x = (centred * ramp).sum((-2, -1), keepdims=True) / norm
    slope_y = (centred * ramp[:, None]).sum((-2, -1), keepdims=True) / norm
    return centred - slope_x * ramp - slope_y * ramp[:, None]
