"""Images that are mirrored where they are smaller than a crop."""

from typing import Any

import numpy as np

from bsn.data.sources.plane_source import ImageSource, read_counted, read_target


class MirroredSource:
    """A source whose images are mirrored at the bottom and right where they are smaller than a crop.

    Parameters
    ----------
    source : ImageSource
        Images that may be too small.
    least : int
        Rows and columns that every image has afterwards.
    """

    def __init__(self, source: ImageSource, least: int) -> None:
        self._source, self._least = source, least

    def __len__(self) -> int:
        return len(self._source)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return self._source.channels

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored pixels."""
        return self._source.dtype

    def name(self, index: int) -> str:
        """Name an image, see `PlaneSource.name`.

        Parameters
        ----------
        index : int
            Number of the image, from 0.

        Returns
        -------
        str
        """
        return self._source.name(index)

    def size(self, index: int) -> tuple[int, int]:
        """Return the size after mirroring, see `PlaneSource.size`.

        Parameters
        ----------
        index : int
            Number of the image, from 0.

        Returns
        -------
        tuple of int
            Rows and columns.
        """
        rows, columns = self._source.size(index)
        return max(rows, self._least), max(columns, self._least)

    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region, see `PlaneSource.crop`.

        Parameters
        ----------
        index : int
            Number of the image, from 0.
        top, left, height, width : int
            The region in pixels, inside the image.

        Returns
        -------
        ndarray, shape (C, height, width), float32
            Integers are scaled to [0, 1].
        """
        if self._inside(index, top, left, height, width):
            return self._source.crop(index, top, left, height, width)
        return self._mirrored(self._source.image(index))[:, top : top + height, left : left + width]

    def target(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray | None:
        """Read a region of the target, mirrored alike; see `PairedSource.target`.

        Parameters
        ----------
        index : int
            Number of the image, from 0.
        top, left, height, width : int
            The region in pixels, inside the image.

        Returns
        -------
        ndarray, shape (..., C, height, width), float32, or None
            None where the source has no target.
        """
        if self._inside(index, top, left, height, width):
            return read_target(self._source, index, top, left, height, width)
        whole = read_target(self._source, index, 0, 0, *self._source.size(index))
        return None if whole is None else self._mirrored(whole)[..., top : top + height, left : left + width]

    def counted(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Tell which pixels of a region count, mirrored alike; see `MaskedSource.counted`.

        Parameters
        ----------
        index : int
            Number of the image, from 0.
        top, left, height, width : int
            The region in pixels, inside the image.

        Returns
        -------
        ndarray of bool, shape (height, width)
        """
        if self._inside(index, top, left, height, width):
            return read_counted(self._source, index, top, left, height, width)
        whole = read_counted(self._source, index, 0, 0, *self._source.size(index))
        return self._mirrored(whole)[top : top + height, left : left + width]

    def _inside(self, index: int, top: int, left: int, height: int, width: int) -> bool:
        rows, columns = self._source.size(index)
        return top + height <= rows and left + width <= columns

    def _mirrored(self, pixels: np.ndarray) -> np.ndarray:
        missing = [(0, max(self._least - side, 0)) for side in pixels.shape[-2:]]
        return np.pad(pixels, [(0, 0)] * (pixels.ndim - 2) + missing, mode="symmetric")

    def image(self, index: int) -> np.ndarray:
        """Read a whole image, see `PlaneSource.image`.

        Parameters
        ----------
        index : int
            Number of the image, from 0.

        Returns
        -------
        ndarray, shape (C, H, W), float32
            Integers are scaled to [0, 1].
        """
        return self.crop(index, 0, 0, *self.size(index))
