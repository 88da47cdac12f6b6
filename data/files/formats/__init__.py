"""The table of file formats: suffix to reader and writer.

A format is a module with ``read`` and ``write``, ``KEEPING`` (what of an image's metadata its files keep) and, where boxes can
be read without the rest, ``open_boxes``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bsn.data.errors import DataError
from bsn.data.files.formats import hdf5, jpeg, mat, npy, png, tiff, tiff_layout
from bsn.data.files.formats.decoded import Decoded, Stored
from bsn.data.files.formats.losses import Keeping


@dataclass(frozen=True)
class Format:
    """How one kind of file is read and written.

    Attributes
    ----------
    read : callable
        ``read(path, key)`` gives a `Decoded`.
    write : callable
        ``write(path, image, key, target)`` writes a `Decoded` to `path`, on the way to `target`.
    keeping : Keeping
        What of the metadata of an image is kept.
    open_boxes : callable or None
        ``open_boxes(path, key)`` gives a `Stored`; None where a file can only be decoded whole.
    named : bool
        Whether a file may hold several images, which a key tells apart.
    """

    read: Callable[[Path, str | None], Decoded]
    write: Callable[[Path, Decoded, str | None, Path], None]
    keeping: Keeping
    open_boxes: Callable[[Path, str | None], Stored] | None = None
    named: bool = True


_PNG = Format(png.read, png.write, png.KEEPING, named=False)
_JPEG = Format(jpeg.read, jpeg.write, jpeg.KEEPING, named=False)
_TIFF = Format(tiff.read, tiff.write, tiff_layout.KEEPING, tiff.open_boxes)
_NPY = Format(npy.read, npy.write, npy.KEEPING, npy.open_boxes, named=False)
_HDF5 = Format(hdf5.read, hdf5.write, hdf5.KEEPING, hdf5.open_boxes)
_MAT = Format(mat.read, mat.write, mat.KEEPING, mat.open_boxes)

FORMATS = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".npy": _NPY,
    ".h5": _HDF5,
    ".hdf5": _HDF5,
    ".mat": _MAT,
}
SUFFIXES = tuple(FORMATS)


def find_format(path: Path) -> Format:
    """Find the format that a suffix stands for.

    Parameters
    ----------
    path : Path
        A file name; upper and lower case are the same.

    Returns
    -------
    Format
        How to read and write it.

    Raises
    ------
    DataError
        The suffix is not known; the message lists those that are.

    Examples
    --------
    >>> find_format(Path("a.TIFF")) is FORMATS[".tif"]
    True
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise DataError(str(path), f"the suffix {path.suffix!r} is not known", f"use one of {', '.join(SUFFIXES)}")
    return found
