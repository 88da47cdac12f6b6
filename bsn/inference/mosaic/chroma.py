"""The colour of a mosaic as a smooth image: what is left without it looks like a grey photograph at full resolution.

The pixels of a mosaic keep their own, independent noise when something smooth is taken off. So a network for white noise may
see the mosaic at full resolution, where edges are sharper than in the half-size planes.
"""

from __future__ import annotations

import numpy as np

from bsn.data.files.formats.mosaic import joined, places

__all__ = ["SMOOTHING", "chroma_of", "with_equal_greens"]

#: Standard deviation of the smoothing in pixels of a half-size plane. Tried 0.5, 0.7, 1 and 2 on five photographs.
SMOOTHING = 1.0
# Standard deviations, in pixels of a half-size plane, between which a difference of the two greens is noise: finer ones are
# picture, coarser ones may be the sensor. 1, 2 and 4 were tried for the first.
_GREENS = (2.0, 32.0)
_OF_NOISE = 0.5  # in standard deviations of the noise: larger differences are edges, too


def with_equal_greens(planes: np.ndarray) -> np.ndarray:
    """Take away what makes the two green planes of a result differ, except edges and what holds for a whole region.

    Both see the same light. A difference that each network result has by itself becomes a weave in the developed picture.

    Parameters
    ----------
    planes : ndarray, shape (4, h, w)
        A denoised version of the planes: red, green, green, blue; the noise had standard deviation 1.

    Returns
    -------
    ndarray, shape (4, h, w)
    """
    from scipy import ndimage

    fine, coarse = (ndimage.gaussian_filter(planes[1] - planes[2], width, mode="nearest") for width in _GREENS)
    half = (fine - coarse) / 2
    half *= np.exp(-np.square(half / _OF_NOISE))
    return planes - np.stack([np.zeros_like(half), half, -half, np.zeros_like(half)])


def chroma_of(planes: np.ndarray, pattern: str) -> np.ndarray:
    """Interpolate the difference of each colour to their mean at the pixels of that colour.

    Parameters
    ----------
    planes : ndarray, shape (4, h, w)
        A denoised version of the planes.
    pattern : str
        Colours of the 2 x 2 cell, see `bsn.data.files.formats.mosaic`.

    Returns
    -------
    ndarray, shape (2 h, 2 w)
    """
    from scipy import ndimage

    rest = ndimage.gaussian_filter(planes - planes.mean(0), (0, SMOOTHING, SMOOTHING), mode="nearest")
    # The mean of the four planes belongs to the middle of the cell, half a pixel from each of them.
    moved = [
        ndimage.shift(plane, [(0.5 - row) / 2, (0.5 - column) / 2], order=1, mode="nearest")
        for plane, (row, column) in zip(rest, places(pattern), strict=True)
    ]
    return joined(np.stack(moved), pattern)
