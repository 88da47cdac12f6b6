"""Several sources as one."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.sources.plane_source import ImageSource

__all__ = ["JoinedSource"]


class JoinedSource:
    """The images of several sources, one source after the other.

    Parameters
    ----------
    sources : sequence of ImageSource
        One or more, of one number of channels; their dtypes may differ.

    Raises
    ------
    DataError
        If there is none, or the numbers of channels differ.
    """

    def __init__(self, sources: Sequence[ImageSource]) -> None:
        if not sources:
            raise DataError("no source", "there is nothing to draw from", "give at least one")
        for source in sources[1:]:
            if source.channels != sources[0].channels:
                raise DataError(
                    f"images with {source.channels} channels",
                    f"those before them have {sources[0].channels}",
                    "give images of one kind",
                )
        self._sources = list(sources)
        self._first = np.cumsum([0] + [len(source) for source in sources])

    def __len__(self) -> int:
        return int(self._first[-1])

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return self._sources[0].channels

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels in the first source."""
        return self._sources[0].dtype

    def name(self, index: int) -> str:
        """Name an image.

        Parameters
        ----------
        index : int
            Number of the image, from 0.

        Returns
        -------
        str
        """
        source, own = self._find(index)
        return source.name(own)

    def size(self, index: int) -> tuple[int, int]:
        """Return the size of an image.

        Parameters
        ----------
        index : int
            Number of the image, from 0.

        Returns
        -------
        tuple of int
            Rows and columns.
        """
        source, own = self._find(index)
        return source.size(own)

    def image(self, index: int) -> np.ndarray:
        """Read a whole image.

        Parameters
        ----------
        index : int
            Number of the image, from 0.

        Returns
        -------
        ndarray, shape (C, H, W), float32
        """
        source, own = self._find(index)
        return source.image(own)

    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region.

        Parameters
        ----------
        index, top, left, height, width : int
            Number of the image, from 0, and the region in pixels.

        Returns
        -------
        ndarray, shape (C, height, width), float32
        """
        source, own = self._find(index)
        return source.crop(own, top, left, height, width)

    def _find(self, index: int) -> tuple[ImageSource, int]:
        number = int(np.searchsorted(self._first, index, side="right")) - 1
        return self._sources[number], index - int(self._first[number])
