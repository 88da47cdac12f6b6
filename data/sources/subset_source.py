"""Some images of another source."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.sources.plane_source import ImageSource, read_counted, read_target


class SubsetSource:
    """Some images of another source; see `subset`."""

    def __init__(self, source: ImageSource, indices: Sequence[int]) -> None:
        self._source = source
        self._indices = [int(i) for i in indices]

    def __len__(self) -> int:
        return len(self._indices)

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
        return self._source.name(self._original(index))

    def size(self, index: int) -> tuple[int, int]:
        """Return the size of an image, see `PlaneSource.size`.

        Parameters
        ----------
        index : int
            Number of the image, from 0.

        Returns
        -------
        tuple of int
            Rows and columns.
        """
        return self._source.size(self._original(index))

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
        return self._source.crop(self._original(index), top, left, height, width)

    def target(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray | None:
        """Read a region of the target, see `PairedSource.target`.

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
        return read_target(self._source, self._original(index), top, left, height, width)

    def counted(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Tell which pixels of a region count, see `MaskedSource.counted`.

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
        return read_counted(self._source, self._original(index), top, left, height, width)

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
        return self._source.image(self._original(index))

    def _original(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise DataError(f"image {index}", f"the subset has {len(self)}", f"count from 0 to {len(self) - 1}")
        return self._indices[index]


def subset(source: ImageSource, indices: Sequence[int]) -> SubsetSource:
    """Take some images of a source, for example for validation.

    Parameters
    ----------
    source : ImageSource
        The images.
    indices : sequence of int
        Which of them, in the wanted order.

    Returns
    -------
    SubsetSource
        A source of them; nothing is copied.

    Raises
    ------
    DataError
        No indices, or one that is not in the source.
    """
    wrong = [int(i) for i in indices if not 0 <= i < len(source)]
    if len(indices) == 0 or wrong:
        given = f"index {wrong[0]}" if wrong else "an empty list of indices"
        raise DataError(given, f"the source has {len(source)} images", f"give numbers from 0 to {len(source) - 1}")
    return SubsetSource(source, indices)
