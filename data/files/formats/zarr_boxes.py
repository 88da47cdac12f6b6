"""Boxes of Zarr arrays, read and written so that each chunk is decoded and encoded once or a few times, not once a plane."""

import itertools
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from bsn.data.errors import DataError, one_line
from bsn.data.files.formats.zarr_levels import stored_chunks

#: Bytes of decoded chunks that are kept while an array is read or written.
KEPT = 128 * 2**20

_Box = tuple[slice, ...]


class ZarrBoxes:
    """Boxes of an array in a Zarr store.

    Boxes are read with all the chunks that they touch, and those of the last boxes are kept: of a volume in chunks of many
    planes, the planes that follow are there already.

    Parameters
    ----------
    array : zarr.Array
        The array.
    name : str
        Its place, for messages.
    kept : int
        Bytes that may be kept.
    """

    def __init__(self, array: Any, name: str, kept: int = KEPT) -> None:
        self.array, self.name, self._kept = array, name, kept
        self._boxes: OrderedDict[tuple[tuple[int, int], ...], np.ndarray] = OrderedDict()

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
            A chunk is damaged.
        """
        wanted = [(s, s + n) for s, n in zip(starts, sizes, strict=True)]
        held = self._held(wanted)
        if held is None:
            held = self._fetch(wanted)
        return held.astype(held.dtype.newbyteorder("="), copy=True)

    def close(self) -> None:
        """Let go of what is kept."""
        self._boxes.clear()

    def _held(self, wanted: Sequence[tuple[int, int]]) -> np.ndarray | None:
        for place in reversed(self._boxes):
            if all(low <= a and b <= high for (low, high), (a, b) in zip(place, wanted, strict=True)):
                self._boxes.move_to_end(place)
                inside = tuple(slice(a - low, b - low) for (low, _), (a, b) in zip(place, wanted, strict=True))
                return self._boxes[place][inside]
        return None

    def _fetch(self, wanted: Sequence[tuple[int, int]]) -> np.ndarray:
        whole = tuple(
            (a // c * c, min(-(-b // c) * c, n))
            for (a, b), c, n in zip(wanted, self.array.chunks, self.array.shape, strict=True)
        )
        size = int(np.prod([b - a for a, b in whole], dtype=np.int64)) * self.array.dtype.itemsize
        if size > self._kept:
            return self._decoded(wanted)
        while self._boxes and size + sum(box.nbytes for box in self._boxes.values()) > self._kept:
            self._boxes.popitem(last=False)
        self._boxes[whole] = self._decoded(whole)
        held = self._held(wanted)
        assert held is not None
        return held

    def _decoded(self, place: Sequence[tuple[int, int]]) -> np.ndarray:
        try:
            return np.asarray(self.array[tuple(slice(a, b) for a, b in place)])
        except (OSError, ValueError, RuntimeError, TypeError, IndexError) as error:
            where = ", ".join(f"{a} to {b}" for a, b in place)
            reason = one_line(error)
            raise DataError(
                self.name, f"a chunk of it within {where} is damaged ({reason[:120]})", "copy or download it again"
            ) from error


class ZarrOutput:
    """An array of a Zarr store that is filled box by box.

    Chunks are collected until memory for others is needed, so that a chunk of many planes is encoded when it is whole.

    Parameters
    ----------
    array : zarr.Array
        The array, open for writing.
    kept : int
        Bytes that may be kept.
    """

    def __init__(self, array: Any, kept: int = KEPT) -> None:
        self.array, self._kept = array, kept
        self._chunks = stored_chunks(array)
        self._held: OrderedDict[tuple[int, ...], np.ndarray] = OrderedDict()
        self._bytes = 0
        self._stored: set[tuple[int, ...]] = set()

    def write(self, starts: Sequence[int], box: np.ndarray) -> None:
        """Write one box. Boxes may come in any order and overlap; the last one counts.

        Parameters
        ----------
        starts : sequence of int
            First index along each axis.
        box : ndarray
            The pixels.
        """
        stops = [s + n for s, n in zip(starts, box.shape, strict=True)]
        touched = [range(a // c, -(-b // c)) for a, b, c in zip(starts, stops, self._chunks, strict=True)]
        for index in itertools.product(*touched):
            corner = [i * c for i, c in zip(index, self._chunks, strict=True)]
            chunk = self._chunk(index)
            low = [max(s, o) for s, o in zip(starts, corner, strict=True)]
            high = [min(s, o + n) for s, o, n in zip(stops, corner, chunk.shape, strict=True)]
            to = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, corner, strict=True))
            taken = tuple(slice(a - s, b - s) for a, b, s in zip(low, high, starts, strict=True))
            chunk[to] = box[taken]

    def flush(self) -> None:
        """Write what is left."""
        while self._held:
            self._store_oldest()

    def _place(self, index: tuple[int, ...]) -> _Box:
        return tuple(
            slice(i * c, min((i + 1) * c, n)) for i, c, n in zip(index, self._chunks, self.array.shape, strict=True)
        )

    def _chunk(self, index: tuple[int, ...]) -> np.ndarray:
        if index in self._held:
            self._held.move_to_end(index)
            return self._held[index]
        place = self._place(index)
        if index in self._stored:
            chunk = np.array(self.array[place])
        else:
            chunk = np.zeros([s.stop - s.start for s in place], self.array.dtype)
        while self._held and self._bytes + chunk.nbytes > self._kept:
            self._store_oldest()
        self._held[index] = chunk
        self._bytes += chunk.nbytes
        return chunk

    def _store_oldest(self) -> None:
        index, chunk = self._held.popitem(last=False)
        self._bytes -= chunk.nbytes
        self.array[self._place(index)] = chunk
        self._stored.add(index)
