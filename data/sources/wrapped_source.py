"""A source that shows the images of another one."""

from typing import Any

import numpy as np
from typing_extensions import override

from bsn.data.sources.neighbours import neighbour_of
from bsn.data.sources.plane_source import ImageSource, MaskedSource, PairedSource, read_counted, read_target

__all__ = ["WrappedSource"]


class WrappedSource(ImageSource, PairedSource, MaskedSource):
    """Images of another source, with their targets and what counts of them, as they are. Subclasses say what they change.

    Parameters
    ----------
    source : ImageSource
        The images.
    """

    def __init__(self, source: ImageSource) -> None:
        self._source = source

    def __len__(self) -> int:
        return len(self._source)

    @property
    @override
    def channels(self) -> int:
        return self._source.channels

    @property
    @override
    def dtype(self) -> np.dtype[Any]:
        return self._source.dtype

    @override
    def name(self, index: int) -> str:
        return self._source.name(index)

    @override
    def size(self, index: int) -> tuple[int, int]:
        return self._source.size(index)

    @override
    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        return self._source.crop(index, top, left, height, width)

    @override
    def image(self, index: int) -> np.ndarray:
        return self.crop(index, 0, 0, *self.size(index))

    def neighbour(self, index: int, offset: int, axis: str = "") -> int | None:
        """Find a neighbour, see `bsn.data.StackedSource`.

        Parameters
        ----------
        index, offset, axis
            See there.

        Returns
        -------
        int or None
        """
        return neighbour_of(self._source, index, offset, axis)

    @override
    def target(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray | None:
        return read_target(self._source, index, top, left, height, width)

    @override
    def counted(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        return read_counted(self._source, index, top, left, height, width)
