"""Whether a TIFF file is all there.

A TIFF file is a chain of directories, one per page. When the end of a file is missing, readers follow the chain as far
as it goes and give fewer planes without an error. So the chain, and the extent of the pixels it points to, is checked
first.
"""

import math
import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from bsn.data.errors import DataError

_REMEDY = "copy or download it again"
_SEGMENT_TAGS = (273, 279, 324, 325)  # where strips and tiles begin, and their lengths
_TYPE_BYTES = {3: 2, 4: 4, 13: 4, 16: 8, 18: 8}


def check_chain(path: Path) -> None:
    """Follow the chain of directories to its end.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    DataError
        The file is empty, is not a TIFF file, or ends before its chain does.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        if not head:
            raise DataError(str(path), "is empty", _REMEDY)
        if head[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            raise DataError(str(path), f"is not a TIFF file (it begins with {head[:8]!r})", "rename it to what it is")
        order = "<" if head[:2] == b"II" else ">"
        big = b"+" in head[:4]
        if len(head) < (16 if big else 8):
            raise DataError(str(path), "ends within its header", _REMEDY)
        offset = struct.unpack(order + ("Q" if big else "I"), head[8:16] if big else head[4:8])[0]
        _follow(file, offset, size, _layout(order, big=big))


class _Layout(NamedTuple):
    """Widths of the fields of a directory."""

    length: np.dtype[Any]
    entry: np.dtype[Any]
    offset: np.dtype[Any]


def _layout(order: str, *, big: bool) -> _Layout:
    wide = order + ("u8" if big else "u4")
    entry = np.dtype([("tag", order + "u2"), ("type", order + "u2"), ("count", wide), ("value", wide)])
    return _Layout(np.dtype(wide if big else order + "u2"), entry, np.dtype(wide))


def _follow(file: BinaryIO, offset: int, size: int, layout: _Layout) -> None:
    seen: set[int] = set()
    while offset:
        if offset in seen:
            raise DataError(file.name, "its pages point back at each other", _REMEDY)
        seen.add(offset)
        if offset + layout.length.itemsize > size:
            raise DataError(file.name, f"ends before page {len(seen)}", _REMEDY)
        file.seek(offset)
        count = int(np.frombuffer(file.read(layout.length.itemsize), layout.length)[0])
        length = count * layout.entry.itemsize
        if file.tell() + length + layout.offset.itemsize > size:
            raise DataError(file.name, f"ends within page {len(seen)}", _REMEDY)
        entries = np.frombuffer(file.read(length), layout.entry)
        offset = int(np.frombuffer(file.read(layout.offset.itemsize), layout.offset)[0])
        if _values_missing(entries[np.isin(entries["tag"], _SEGMENT_TAGS)], layout.offset.itemsize, size):
            raise DataError(file.name, f"ends within page {len(seen)}", _REMEDY)


def _values_missing(entries: np.ndarray, inline: int, size: int) -> bool:
    """Tell whether the lists of strips or tiles, which lie outside their directory, are cut off."""
    return any(
        int(e["count"]) * _TYPE_BYTES.get(int(e["type"]), 1) > inline
        and int(e["value"]) + int(e["count"]) * _TYPE_BYTES.get(int(e["type"]), 1) > size
        for e in entries
    )


def check_extent(series: Any, path: Path) -> None:
    """Check that the pixels of a series lie within the file.

    Parameters
    ----------
    series : tifffile.TiffPageSeries
        The series.
    path : Path
        The file.

    Raises
    ------
    DataError
        Some lie beyond its end, or are nowhere in the file.
    """
    if series.is_multifile:  # parts of it lie in other files, whose ends are not this one's
        return
    _check_segments(series, path)
    size = path.stat().st_size
    if series.dataoffset is not None:
        end = series.dataoffset + series.nbytes
    else:
        ends = (
            o + n for page in series.pages if page for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)
        )
        end = max(ends, default=0)
    if end > size:
        raise DataError(str(path), f"ends before its pixels do ({size} of {end} bytes)", _REMEDY)


def _check_segments(series: Any, path: Path) -> None:
    """Refuse pages with fewer strips or tiles than their size takes: tifffile would give zeros for the others."""
    needed, whole = math.prod(series.keyframe.chunked), series.keyframe.nbytes
    for page in filter(None, series.pages):
        found = len(page.dataoffsets)
        # Of strips that follow each other only the first is listed, with the length of all.
        if found < needed and not (found == 1 and page.databytecounts[0] >= whole):
            raise DataError(
                str(path),
                f"has {found} of the {needed} strips or tiles that a page of {series.keyframe.shape} takes",
                _REMEDY,
            )
