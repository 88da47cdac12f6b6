"""Boxes of a C-ordered array inside a file, read and written by seeking.

A memory map would do the same in fewer lines, but its pages count as resident memory of the process, so "bounded
memory" could not be measured, let alone promised.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np

from bsn.data.errors import DataError


class FileBoxes:
    """Boxes of one C-ordered array in an open file.

    Parameters
    ----------
    file : binary file
        Open for reading, for writing, or both; closed by `close`.
    offset : int
        Bytes before the first element.
    shape : sequence of int
        Shape of the array.
    dtype : numpy.dtype
        Type and byte order of its elements in the file.
    name : str
        The file's name, for messages.
    """

    def __init__(self, file: BinaryIO, offset: int, shape: Sequence[int], dtype: np.dtype[Any], name: str) -> None:
        self.file = file
        self.offset = offset
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.name = name

    def read(self, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        """Read one box.

        Parameters
        ----------
        starts, sizes : sequence of int
            First index and length along each axis.

        Returns
        -------
        ndarray, shape `sizes`
            Pixels in native byte order.

        Raises
        ------
        DataError
            The file ends before the box does.
        """
        box = np.empty(tuple(sizes), dtype=self.dtype)
        runs = box.reshape(-1).view(np.uint8).data
        done = 0
        for position, length in self._runs(starts, sizes):
            self.file.seek(position)
            view = runs[done : done + length]
            if self.file.readinto(view) != length:  # type: ignore[attr-defined]  # every binary file has it, BinaryIO does not
                raise DataError(self.name, "the file ends before its pixels do", "copy or download it again")
            done += length
        return box.astype(self.dtype.newbyteorder("="), copy=False)

    def write(self, starts: Sequence[int], box: np.ndarray) -> None:
        """Write one box.

        Parameters
        ----------
        starts : sequence of int
            First index along each axis.
        box : ndarray
            The pixels; converted to the byte order of the file.
        """
        stored = np.ascontiguousarray(box, dtype=self.dtype)
        runs = stored.reshape(-1).view(np.uint8).data
        done = 0
        for position, length in self._runs(starts, box.shape):
            self.file.seek(position)
            self.file.write(runs[done : done + length])
            done += length

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _runs(self, starts: Sequence[int], sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Give (position, length) in bytes of each stretch of the box that is contiguous in the file."""
        full = len(self.shape)
        while full > 0 and sizes[full - 1] == self.shape[full - 1]:
            full -= 1
        outer = max(full - 1, 0)  # the last axis that is cut is still contiguous with the full ones behind it
        strides = [math.prod(self.shape[i + 1 :]) for i in range(len(self.shape))]
        length = math.prod(sizes[outer:]) * self.dtype.itemsize
        inner = sum(s * w for s, w in zip(starts[outer:], strides[outer:], strict=True))
        for index in np.ndindex(*sizes[:outer]):
            element = inner + sum((s + i) * w for s, i, w in zip(starts, index, strides, strict=False))
            yield self.offset + element * self.dtype.itemsize, length
