"""NumPy's own files. They hold any axes but not their names, so the reader guesses or is told."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.boxes import FileBoxes
from bsn.data.files.formats.decoded import Decoded, Stored, refuse_key
from bsn.data.files.formats.losses import Keeping

BYTE_ORDER = "npy_byteorder"
#: These files keep nothing but pixels and the order of their bytes.
KEEPING = Keeping("a .npy file", frozenset({BYTE_ORDER}))


def read(path: Path, key: str | None = None) -> Decoded:
    """Read a ``.npy`` file.

    Parameters
    ----------
    path : Path
        The file.
    key : None
        These files have no named parts.

    Returns
    -------
    Decoded
        Axes None.

    Raises
    ------
    DataError
        A key was given. Other failures are left to the caller to translate.
    """
    refuse_key(key, str(path))
    with path.open("rb") as file:  # np.load would take an archive or a pickle under this name
        pixels = np.lib.format.read_array(file, allow_pickle=False)
    return Decoded(pixels, None, {} if pixels.dtype.isnative else {BYTE_ORDER: pixels.dtype.byteorder})


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a ``.npy`` file.

    Parameters
    ----------
    path : Path
        Where to write.
    image : Decoded
        Any shape and dtype.
    key : None
        These files have no named parts.
    target : Path
        The name for messages.

    Raises
    ------
    DataError
        A key was given.
    """
    refuse_key(key, str(target))
    with path.open("wb") as file:
        dtype = stored_dtype(image.pixels.dtype, image.metadata)
        np.lib.format.write_array(file, np.ascontiguousarray(image.pixels, dtype), allow_pickle=False)


def stored_dtype(dtype: np.dtype[Any], metadata: Mapping[str, Any]) -> np.dtype[Any]:
    """Give a type the byte order of the file that an image comes from.

    Parameters
    ----------
    dtype : numpy.dtype
        Type of the pixels.
    metadata : mapping
        See `bsn.data.files.images.Image`.

    Returns
    -------
    numpy.dtype
    """
    return dtype.newbyteorder(metadata.get(BYTE_ORDER, "="))


def open_boxes(path: Path, key: str | None = None) -> Stored:
    """Open a ``.npy`` file for reading by boxes.

    Parameters
    ----------
    path : Path
        The file.
    key : None
        These files have no named parts.

    Returns
    -------
    Stored
        Axes None.

    Raises
    ------
    DataError
        The file ends before its pixels do, or holds Python objects.
    """
    refuse_key(key, str(path))
    file = path.open("rb")
    try:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(file)
        if dtype.hasobject:
            raise DataError(str(path), "holds Python objects, not pixels", "save a numeric array")
        offset = file.tell()
        if path.stat().st_size < offset + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize:
            raise DataError(str(path), "the file ends before its pixels do", "copy or download it again")
        boxes = FileBoxes(file, offset, shape[::-1] if fortran else shape, dtype, str(path))
    except BaseException:
        file.close()
        raise
    reader = _Reversed(boxes) if fortran else boxes
    metadata = {} if dtype.isnative else {BYTE_ORDER: dtype.byteorder}
    return Stored(reader, tuple(shape), dtype.newbyteorder("="), None, metadata)


class _Reversed:
    """Boxes of an array stored with its axes in the opposite order (Fortran order)."""

    def __init__(self, boxes: FileBoxes) -> None:
        self.boxes = boxes

    def read(self, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        return self.boxes.read(starts[::-1], sizes[::-1]).transpose()

    def close(self) -> None:
        self.boxes.close()
