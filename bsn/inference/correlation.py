"""Is the noise of an image correlated between neighbours? A quick look, in the flattest parts of the image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsn.evaluation import autocorrelation
from data import open_image
from data.planes import to_unit
from data.samples import middle

__all__ = ["NeighbourCorrelation", "correlated_files", "neighbour_correlation"]

_BLOCK = 8
_SHARE = 0.02
_FEWEST = 16
_STRONG = 0.15
# Below this (1.5 grey levels of 255) what varies in flat parts is the picture or its rounding as well as noise.
_WEAKEST = 0.006
_LOOKED_AT = 1024


@dataclass(frozen=True)
class NeighbourCorrelation:
    """Correlation of the noise of neighbouring pixels, and the noise's standard deviation in image values."""

    value: float
    std: float

    @property
    def strong(self) -> bool:
        """Whether a denoiser for white noise will fail."""
        return self.value > _STRONG and self.std > _WEAKEST


def neighbour_correlation(image: NDArray[np.floating]) -> NeighbourCorrelation:
    """Estimate the correlation of the noise at a distance of one pixel.

    Parameters
    ----------
    image : ndarray, shape (C, H, W), float, range [0, 1]

    Returns
    -------
    NeighbourCorrelation
        Mean over rows, columns and channels. (0, 0) for images smaller than 16 blocks of 8 x 8.

    Notes
    -----
    Blocks of 8 x 8 lose the plane that fits them best; in the fiftieth with the least variance left, what is left is taken
    for noise. White noise gives about -0.05. A texture without any flat place is mistaken for noise: of the 54 clean images
    of Kodak, McMaster and Set12 three are called strongly correlated, of the same with white noise of 5 to 30 grey levels
    none, with noise blurred by 0.7 pixels all, and all five noisy blocks of SIDD.
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


def correlated_files(paths: Iterable[Path], axes: str | None = None) -> dict[Path, float]:
    """Files whose noise is strongly correlated, with the correlation; looks at the centre of the first plane.

    Parameters
    ----------
    paths : iterable of Path
        Readable images.
    axes : str, optional
    """
    found = {}
    for path in paths:
        with open_image(path, axes=axes) as reader:
            seen = neighbour_correlation(to_unit(reader.read(0, *middle(reader.size, _LOOKED_AT))))
        if seen.strong:
            found[path] = seen.value
    return found


def _without_plane(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blocks (N, b, b) less the plane of least squares; on a grid its slopes are simple products."""
    ramp = np.arange(blocks.shape[-1]) - (blocks.shape[-1] - 1) / 2
    norm = blocks.shape[-1] * (ramp**2).sum()
    centred = blocks - blocks.mean((-2, -1), keepdims=True)
    slope_x = (centred * ramp).sum((-2, -1), keepdims=True) / norm
    slope_y = (centred * ramp[:, None]).sum((-2, -1), keepdims=True) / norm
    return centred - slope_x * ramp - slope_y * ramp[:, None]
