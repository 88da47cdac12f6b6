"""Several sources as one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from typing_extensions import override

from bsn.data.errors import DataError
from bsn.data.sources.neighbours import neighbour_of
from bsn.data.sources.plane_source import ImageSource, MaskedSource, read_counted

__all__ = ["JoinedSource"]


class JoinedSource(ImageSource, MaskedSource):
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

    @override
    def name(self, index: int) -> str:
        source, own = self._find(index)
        return source.name(own)

    @override
    def size(self, index: int) -> tuple[int, int]:
        source, own = self._find(index)
        return source.size(own)

    @override
    def image(self, index: int) -> np.ndarray:
        source, own = self._find(index)
        return source.image(own)

    @override
    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        source, own = self._find(index)
        return source.crop(own, top, left, height, width)

    def neighbour(self, index: int, offset: int, axis: str = "") -> int | None:
        """Find a neighbour in the same source, see `bsn.data.StackedSource`.

        Parameters
        ----------
        index, offset, axis
            See there.

        Returns
        -------
        int or None
        """
        source, own = self._find(index)
        found = neighbour_of(source, own, offset, axis)
        return None if found is None else index - own + found

    @override
    def counted(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        source, own = self._find(index)
        return read_counted(source, own, top, left, height, width)

    def _find(self, index: int) -> tuple[ImageSource, int]:
        if not 0 <= index < len(self):
            raise DataError(f"image {index}", f"there are {len(self)}", f"count from 0 to {len(self) - 1}")
        number = int(np.searchsorted(self._first, index, side="right")) - 1
        return self._sources[number], index - int(self._first[number])
