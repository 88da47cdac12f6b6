"""Training images that are in memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.arrays.planes import check_finite, native_planes
from bsn.data.errors import DataError
from bsn.data.files.options import ReadOptions
from bsn.data.sources.neighbours import neighbour_in
from bsn.data.sources.plane_source import PlaneSource

if TYPE_CHECKING:
    import torch


class ArraySource(PlaneSource):
    """Images that are in memory.

    Parameters
    ----------
    arrays : ndarray, torch.Tensor or sequence of them
        Images or stacks, uint8, uint16 or floating point; kept in their dtype, not copied where that can be avoided.
    axes : str, optional
        One letter per axis, the same for all; guessed from each shape where left out.
    options : ReadOptions, optional
        How they are read; its key does not apply to arrays.

    Raises
    ------
    DataError
        No arrays, a wrong type, NaN pixels, or different channel counts or dtypes.

    Examples
    --------
    >>> source = ArraySource(np.zeros((5, 64, 48), dtype=np.uint8), "ZYX")
    >>> len(source), source.channels, source.size(0), source.name(2)
    (5, 1, (64, 48), 'array[z=2]')
    """

    def __init__(
        self,
        arrays: "np.ndarray | torch.Tensor | Sequence[np.ndarray | torch.Tensor]",
        axes: str | None = None,
        *,
        options: ReadOptions | None = None,
    ) -> None:
        self.options = ReadOptions.of(options, axes=axes)
        listed: list[Any] = list(arrays) if isinstance(arrays, (list, tuple)) else [arrays]
        if not listed:
            raise DataError("an empty list of arrays", "there is nothing to draw from", "give at least one image")
        self._planes: list[np.ndarray] = []
        self._names: list[str] = []
        self._stacks: list[tuple[PlaneIndex, int]] = []  # of each plane: its array, and the number of its first plane
        for number, array in enumerate(listed):
            title = "array" if len(listed) == 1 else f"array {number}"
            planes, layout = native_planes(array, self.options.axes)
            check_finite(planes, title, self.options.nan)
            if self._planes and (planes.shape[1] != self.channels or planes.dtype != self.dtype):
                raise DataError(
                    f"{title} ({planes.shape[1]} channels, {planes.dtype})",
                    f"the arrays before it have {self.channels} channels of {self.dtype}",
                    "give arrays of one kind",
                )
            labels = [layout.index.label(i) for i in range(len(planes))]
            self._stacks += [(layout.index, len(self._planes))] * len(planes)
            self._planes.extend(planes)
            self._names.extend(f"{title}[{label}]" if label else title for label in labels)

    def __len__(self) -> int:
        return len(self._planes)

    @property
    @override
    def channels(self) -> int:
        return int(self._planes[0].shape[0])

    @property
    @override
    def dtype(self) -> np.dtype[Any]:
        return self._planes[0].dtype

    @override
    def name(self, index: int) -> str:
        self.check(index)
        return self._names[index]

    @override
    def size(self, index: int) -> tuple[int, int]:
        self.check(index)
        return self._planes[index].shape[1], self._planes[index].shape[2]

    def neighbour(self, index: int, offset: int, axis: str = "") -> int | None:
        """Find a neighbour in the same array, see `bsn.data.StackedSource`.

        Parameters
        ----------
        index, offset, axis
            See there.

        Returns
        -------
        int or None
            None where the axes were not stated.
        """
        self.check(index)
        planes, first = self._stacks[index]
        found = None if self.options.axes is None else neighbour_in(planes, index - first, offset, axis)
        return None if found is None else first + found

    @override
    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        return self._planes[index][:, top : top + height, left : left + width]
