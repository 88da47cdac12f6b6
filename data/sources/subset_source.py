"""Some images of another source."""

from collections.abc import Sequence

import numpy as np
from typing_extensions import override

from bsn.data.errors import DataError
from bsn.data.sources.neighbours import neighbour_of
from bsn.data.sources.plane_source import ImageSource, read_counted, read_target
from bsn.data.sources.wrapped_source import WrappedSource


class SubsetSource(WrappedSource):
    """Some images of another source; see `subset`."""

    def __init__(self, source: ImageSource, indices: Sequence[int]) -> None:
        super().__init__(source)
        self._indices = [int(i) for i in indices]
        self._own = {original: own for own, original in enumerate(self._indices)}

    def __len__(self) -> int:
        return len(self._indices)

    @override
    def name(self, index: int) -> str:
        return self._source.name(self._original(index))

    @override
    def size(self, index: int) -> tuple[int, int]:
        return self._source.size(self._original(index))

    @override
    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        return self._source.crop(self._original(index), top, left, height, width)

    @override
    def neighbour(self, index: int, offset: int, axis: str = "") -> int | None:
        found = neighbour_of(self._source, self._original(index), offset, axis)
        return None if found is None else self._own.get(found)

    @override
    def target(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray | None:
        return read_target(self._source, self._original(index), top, left, height, width)

    @override
    def counted(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        return read_counted(self._source, self._original(index), top, left, height, width)

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
