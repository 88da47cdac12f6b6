"""Images that are mirrored where they are smaller than a crop."""

import numpy as np
from typing_extensions import override

from bsn.data.sources.plane_source import ImageSource, read_counted, read_target
from bsn.data.sources.wrapped_source import WrappedSource


class MirroredSource(WrappedSource):
    """A source whose images are mirrored at the bottom and right where they are smaller than a crop.

    Parameters
    ----------
    source : ImageSource
        Images that may be too small.
    least : int
        Rows and columns that every image has afterwards.
    """

    def __init__(self, source: ImageSource, least: int) -> None:
        super().__init__(source)
        self._least = least

    @override
    def size(self, index: int) -> tuple[int, int]:
        rows, columns = self._source.size(index)
        return max(rows, self._least), max(columns, self._least)

    @override
    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        if self._inside(index, top, left, height, width):
            return self._source.crop(index, top, left, height, width)
        return self._mirrored(self._source.image(index))[:, top : top + height, left : left + width]

    @override
    def target(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray | None:
        if self._inside(index, top, left, height, width):
            return read_target(self._source, index, top, left, height, width)
        whole = read_target(self._source, index, 0, 0, *self._source.size(index))
        return None if whole is None else self._mirrored(whole)[..., top : top + height, left : left + width]

    @override
    def counted(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
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
