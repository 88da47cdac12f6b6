"""What is done differently for images that count few photons: results keep the local mean, in floats and in integers.

No integer stands for 0.7 photons: rounded to the nearest, a whole region of 0.7 becomes 1, and one of 0.3 becomes 0.
Instead, seven tenths of its pixels become 1. Which ones is decided by a threshold for each position that is spread evenly over
[0, 1) in every neighbourhood (ordered dithering), so tiles agree and the same image gives the same result.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from bsn.data.arrays.pixel_types import Range, grey_level
from bsn.data.sources.samples import evenly, middle
from bsn.inference.fitness import SAMPLED, ImagePlanes, Remark
from bsn.inference.results import FinishedRows
from bsn.noise import PhotonCounts, find_counts

__all__ = ["Counting", "counting_of", "round_counts"]

_COARSE = 2.0  # grey levels: wider steps leave integers between the counts

# The additive recurrence of the two irrational numbers that cover the plane most evenly: M. Roberts, "The unreasonable
# effectiveness of quasirandom sequences", 2018. The third one sets the channels apart.
_ROW, _COLUMN, _CHANNEL = 0.7548776662466927, 0.5698402909980532, 0.3819660112501051
_MARGIN = 1 / 128  # values that are whole but for their last bits stay what they are


@dataclass(frozen=True)
class Counting:
    """How one image is treated.

    Parameters
    ----------
    keep_mean : bool
        The result gets the local mean of the noisy image (:mod:`bsn.inference.local_mean`).
    rounded : PhotonCounts, optional
        What the image counts, where the type of its result holds whole counts only.
    """

    keep_mean: bool = False
    rounded: PhotonCounts | None = None

    def finish(self, rows: FinishedRows) -> FinishedRows:
        """Round rows to whole counts, where the type of the result asks for it.

        Parameters
        ----------
        rows : FinishedRows
            Denoised rows.

        Returns
        -------
        FinishedRows
        """
        if self.rounded is None:
            return rows
        return dataclasses.replace(rows, image=round_counts(rows.image, rows.rows.start, self.rounded))

    def remarks(self, remedy: str) -> list[Remark]:
        """Say what integers do to the result.

        Parameters
        ----------
        remedy : str
            How the caller gets floats.

        Returns
        -------
        list of Remark
            Empty where the type holds the result.
        """
        if self.rounded is None:
            return []
        text = (
            f"it counts about {self.rounded.mean:.2g} photons per pixel, and integers hold nothing between 0, 1 and 2: the "
            f"result is rounded up or down so that regions keep their mean; for the values themselves {remedy}"
        )
        return [Remark("counts", text)]


def counting_of(
    image: ImagePlanes, dtype: np.dtype[Any], value_range: Range | None, *, keep_mean: bool | None
) -> Counting:
    """Choose how an image or stack is treated, from parts of some of its planes.

    Parameters
    ----------
    image : ImagePlanes
        The noisy image.
    dtype : numpy.dtype
        Type of the result.
    value_range : tuple of float, optional
        The stated range of the image.
    keep_mean : bool, optional
        Whether the result keeps the local mean; None where the image counts few photons.

    Returns
    -------
    Counting
    """
    if keep_mean is False:
        return Counting()
    parts = [
        image.read_unit(plane, *middle(image.size, SAMPLED.side)) for plane in evenly(image.planes, SAMPLED.planes)
    ]
    counts = find_counts(parts)
    if counts is None:
        return Counting(bool(keep_mean))
    coarse = dtype.kind != "f" and counts.step <= _COARSE * grey_level(dtype, value_range)
    return Counting(True, counts if coarse else None)


def round_counts(image: np.ndarray, top: int, counts: PhotonCounts) -> np.ndarray:
    """Round rows of a result to whole counts.

    Parameters
    ----------
    image : ndarray, shape (C, h, W), float32
        Denoised rows in image values.
    top : int
        Their first row in the plane.
    counts : PhotonCounts
        What the image counts.

    Returns
    -------
    ndarray, shape (C, h, W), float32
        Whole counts in image values, none below zero, whose local mean is that of `image`; whole counts and NaN stay.
    """
    channels, rows, columns = np.ogrid[: image.shape[0], top : top + image.shape[1], : image.shape[2]]
    threshold = np.mod(0.5 + _CHANNEL * channels + _ROW * rows + _COLUMN * columns, 1.0)
    threshold = np.clip(threshold, _MARGIN, 1 - _MARGIN)
    whole = np.maximum(np.floor((image.astype(np.float64) - counts.zero) / counts.step + threshold), 0)
    return (counts.zero + counts.step * whole).astype(np.float32)
