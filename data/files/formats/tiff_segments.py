"""Boxes of a TIFF series, decoding only the strips or tiles that they touch."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.boxes import FileBoxes
from bsn.data.files.formats.decoded import BoxReader

_CACHE_BYTES = 64 * 2**20
_JPEG = (6, 7, 33007, 34892)  # compressions whose decoder needs the tables of the page


def series_boxes(tif: Any, series: Any, path: Path) -> BoxReader | None:
    """Choose how to read boxes of a series.

    Parameters
    ----------
    tif : tifffile.TiffFile
        The opened file; closed by the reader that is returned.
    series : tifffile.TiffPageSeries
        The image.
    path : Path
        The file.

    Returns
    -------
    BoxReader or None
        None where the pages do not make up the last axes of the series, so that only reading it whole remains.
    """
    if series.is_multifile:
        return None
    if series.dataoffset is not None:
        dtype = series.dtype.newbyteorder(tif.byteorder)
        offset = series.dataoffset
        tif.close()
        return FileBoxes(path.open("rb"), offset, series.shape, dtype, str(path))
    page = series.keyframe
    inner = len(page.shape)
    fits = series.shape[len(series.shape) - inner :] == page.shape and page.axes in ("YX", "YXS", "SYX")
    if not fits or any(p is None for p in series.pages) or page.dtype is None:
        return None
    return SegmentBoxes(tif, series, path)


class _Page(NamedTuple):
    """Geometry that all pages of a series share."""

    axes: str
    height: int
    width: int
    segment_height: int
    segment_width: int

    @property
    def across(self) -> int:
        return -(-self.width // self.segment_width)

    @property
    def down(self) -> int:
        return -(-self.height // self.segment_height)


class SegmentBoxes:
    """Boxes of a series stored in strips or tiles.

    A strip crosses the whole page, so neighbouring boxes need it again: decoded segments are kept, at most 64 MiB of
    them (or the latest one, if it is larger).

    Parameters
    ----------
    tif : tifffile.TiffFile
        Closed by `close`.
    series : tifffile.TiffPageSeries
        Its pages make up its last axes.
    path : Path
        The file, for messages.
    """

    def __init__(self, tif: Any, series: Any, path: Path) -> None:
        self.tif = tif
        self.pages = series.pages
        self.shape = tuple(series.shape)
        self.dtype = series.dtype.newbyteorder("=")
        self.path = path
        key = series.keyframe
        sizes = dict(zip(key.axes, key.shape, strict=True))
        height, width = sizes["Y"], sizes["X"]
        rows, columns = (key.tilelength, key.tilewidth) if key.is_tiled else (key.rowsperstrip, width)
        self.page = _Page(key.axes, height, width, min(rows, height) if not key.is_tiled else rows, columns)
        self.outer = len(self.shape) - len(key.shape)
        # Uncompressed pages are read by seeking: their one strip may be the whole page.
        self.plain = all(page.is_final for page in series.pages)
        self.stored_dtype = series.dtype.newbyteorder(tif.byteorder)
        self.decoded: OrderedDict[tuple[int, int], np.ndarray] = OrderedDict()
        self.held = 0

    def read(self, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        """Read one box.

        Parameters
        ----------
        starts, sizes : sequence of int
            First index and length along each axis of the series.

        Returns
        -------
        ndarray, shape `sizes`
            Pixels in native byte order.

        Raises
        ------
        DataError
            A strip or tile cannot be decoded.
        """
        box = np.empty(tuple(sizes), dtype=self.dtype)
        for index in np.ndindex(*sizes[: self.outer]):
            leading = tuple(s + i for s, i in zip(starts, index, strict=False))
            page = int(np.ravel_multi_index(leading, self.shape[: self.outer])) if leading else 0
            if self.plain:
                box[index] = self._seek(page, starts[self.outer :], sizes[self.outer :])
            else:
                self._fill(box[index], page, starts[self.outer :])
        return box

    def close(self) -> None:
        """Close the file and forget what was decoded."""
        self.decoded.clear()
        self.tif.close()

    def _seek(self, page: int, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        shape, offset = self.shape[self.outer :], self.pages[page].dataoffsets[0]
        return FileBoxes(self.tif.filehandle, offset, shape, self.stored_dtype, str(self.path)).read(starts, sizes)

    def _fill(self, target: np.ndarray, page: int, starts: Sequence[int]) -> None:
        """Copy from the segments of a page into `target`, whose axes are those of the page."""
        begin = dict(zip(self.page.axes, starts, strict=True))
        size = dict(zip(self.page.axes, target.shape, strict=True))
        planar = self.page.axes == "SYX"
        first = begin.get("S", 0)
        samples = slice(first, first + size.get("S", 1))
        for plane in range(samples.start, samples.stop) if planar else [0]:
            for row, column, number in self._touched(begin["Y"], size["Y"], begin["X"], size["X"]):
                segment = self._segment(page, plane * self.page.down * self.page.across + number)
                rows, from_rows = _overlap(begin["Y"], size["Y"], row, segment.shape[0])
                columns, from_columns = _overlap(begin["X"], size["X"], column, segment.shape[1])
                part = segment[from_rows, from_columns]
                if planar:
                    target[plane - first, rows, columns] = part[..., 0]
                else:
                    target[rows, columns] = part[..., samples] if "S" in self.page.axes else part[..., 0]

    def _touched(self, top: int, height: int, left: int, width: int) -> Iterator[tuple[int, int, int]]:
        """Give (first row, first column, number) of each segment that a region touches."""
        rows, columns = self.page.segment_height, self.page.segment_width
        for i in range(top // rows, (top + height - 1) // rows + 1):
            for j in range(left // columns, (left + width - 1) // columns + 1):
                yield i * rows, j * columns, i * self.page.across + j

    def _segment(self, page: int, number: int) -> np.ndarray:
        """Decode one strip or tile to (rows, columns, samples)."""
        found = self.decoded.get((page, number))
        if found is not None:
            self.decoded.move_to_end((page, number))
            return found
        segment = self._decode(page, number)
        self.decoded[page, number] = segment
        self.held += segment.nbytes
        while self.held > _CACHE_BYTES and len(self.decoded) > 1:
            self.held -= self.decoded.popitem(last=False)[1].nbytes
        return segment

    def _decode(self, page: int, number: int) -> np.ndarray:
        # A page of the series may be a light "frame" that borrows its tags from the first one, its decoder included.
        frame = self.pages[page]
        file = self.tif.filehandle
        file.seek(frame.dataoffsets[number])
        data = file.read(frame.databytecounts[number])
        if len(data) != frame.databytecounts[number]:
            raise DataError(str(self.path), "the file ends before its pixels do", "copy or download it again")
        keyframe = frame.keyframe
        try:
            jpeg = int(keyframe.compression) in _JPEG
            tables = {"jpegtables": frame.jpegtables, "jpegheader": keyframe.jpegheader} if jpeg else {}
            decoded, _, shape = keyframe.decode(data or None, number, **tables)
        except Exception as error:
            if "imagecodecs" in str(error):
                given, remedy = f"{self.path} ({keyframe.compression.name})", 'pip install "blindspot-denoising[io]"'
                raise DataError(given, "it needs the package imagecodecs", remedy) from error
            raise DataError(str(self.path), f"page {page} is damaged ({error})", "copy or download it again") from error
        if decoded is None:  # a segment without bytes stands for zeros
            return np.full(shape[1:], keyframe.nodata, dtype=self.dtype)
        segment: np.ndarray = decoded[0]
        return segment.astype(self.dtype, copy=False)


def _overlap(start: int, length: int, segment_start: int, segment_length: int) -> tuple[slice, slice]:
    """Give the slices of a region and of a segment that show the same pixels, along one axis."""
    low = max(start, segment_start)
    high = min(start + length, segment_start + segment_length)
    return slice(low - start, high - start), slice(low - segment_start, high - segment_start)
