"""The table of file formats: suffix to reader and writer.

A format is a module with ``read`` and ``write``, ``KEEPING`` (what of an image's metadata its files keep) and, where boxes can
be read without the rest, ``open_boxes``. Other packages add theirs through the entry-point group ``bsn.formats``: a module that
calls :func:`register_format` when it is imported.
"""

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from bsn.data.errors import DataError, DataWarning
from bsn.data.files.formats import (
    clip,
    dicom,
    fits,
    hdf5,
    jpeg,
    mat,
    microscope,
    mrc,
    mrc_output,
    nifti,
    npy,
    png,
    raw,
    tiff,
    tiff_layout,
    webp,
    zarr_store,
)
from bsn.data.files.formats.decoded import Decoded, Stored
from bsn.data.files.formats.losses import Keeping
from bsn.data.files.stores import is_store


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
    holds_deviation : bool
        Whether ``write`` stores the standard deviation of a result (`DEVIATION` of the metadata) in the same file.
    """

    read: Callable[[Path, str | None], Decoded]
    write: Callable[[Path, Decoded, str | None, Path], None]
    keeping: Keeping
    open_boxes: Callable[[Path, str | None], Stored] | None = None
    named: bool = True
    holds_deviation: bool = False


_PNG = Format(png.read, png.write, png.KEEPING, named=False)
_JPEG = Format(jpeg.read, jpeg.write, jpeg.KEEPING, named=False)
_WEBP = Format(webp.read, webp.write, webp.KEEPING, named=False)
_TIFF = Format(tiff.read, tiff.write, tiff_layout.KEEPING, tiff.open_boxes)
_NPY = Format(npy.read, npy.write, npy.KEEPING, npy.open_boxes, named=False)
_HDF5 = Format(hdf5.read, hdf5.write, hdf5.KEEPING, hdf5.open_boxes)
_ZARR = Format(zarr_store.read, zarr_store.write, zarr_store.KEEPING, zarr_store.open_boxes)
_MAT = Format(mat.read, mat.write, mat.KEEPING, mat.open_boxes)
_FITS = Format(fits.read, fits.write, fits.KEEPING, holds_deviation=True)
_NIFTI = Format(nifti.read, nifti.write, nifti.KEEPING, named=False)
_MRC = Format(mrc.read, mrc_output.write, mrc.KEEPING, mrc.open_boxes, named=False)
_DICOM = Format(dicom.read, dicom.write, dicom.KEEPING, named=False)
_RAW = Format(raw.read, raw.write, raw.KEEPING, named=False)

FORMATS = {
    ".png": _PNG,
    **dict.fromkeys(jpeg.SUFFIXES, _JPEG),
    **dict.fromkeys(webp.SUFFIXES, _WEBP),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".npy": _NPY,
    ".h5": _HDF5,
    ".hdf5": _HDF5,
    ".mat": _MAT,
    ".zarr": _ZARR,
    **dict.fromkeys(fits.SUFFIXES, _FITS),
    **dict.fromkeys(nifti.SUFFIXES, _NIFTI),
    **dict.fromkeys(dicom.SUFFIXES, _DICOM),
    **dict.fromkeys(mrc.SUFFIXES, _MRC),
    **dict.fromkeys(raw.SUFFIXES, _RAW),
}
SUFFIXES = tuple(FORMATS)  # our own images; :func:`known_formats` has clips and those of other packages too


def register_format(*suffixes: str, form: Format) -> None:
    """Read and write files with these suffixes.

    Parameters
    ----------
    *suffixes : str
        With their dots; upper and lower case are the same. A suffix that is known is replaced.
    form : Format
        How to read and write them.
    """
    FORMATS.update({suffix.lower(): form for suffix in suffixes})


register_format(
    *microscope.SUFFIXES, form=Format(microscope.read, microscope.write, microscope.KEEPING, microscope.open_boxes)
)
register_format(*clip.SUFFIXES, form=Format(clip.read, clip.write, clip.KEEPING, clip.open_boxes, named=False))


def known_formats() -> Mapping[str, Format]:
    """Formats by suffix, those of other packages included.

    Warns
    -----
    DataWarning
        Once for each module of another package that cannot be imported; the others are registered.
    """
    _import_others()
    return FORMATS


@functools.cache
def _import_others() -> None:
    for point in entry_points(group="bsn.formats"):
        try:
            point.load()
        except Exception as error:  # code of others may raise anything
            reason = f"{point.value} cannot be imported ({type(error).__name__}: {error}); install its package again"
            warnings.warn(f"the file format {point.name!r} is missing: {reason}", DataWarning, stacklevel=4)


def suffix_of(path: Path) -> str:
    """Give the ending of a name that tells the format.

    Parameters
    ----------
    path : Path
        A file name; upper and lower case are the same.

    Returns
    -------
    str
        In lower case, with its dot; two endings, as in ".nii.gz", where these stand for a format together.

    Examples
    --------
    >>> suffix_of(Path("scan.v2.NII.GZ")), suffix_of(Path("a.b.tif"))
    ('.nii.gz', '.tif')
    """
    both = "".join(path.suffixes[-2:]).lower()
    return both if both in known_formats() else path.suffix.lower()


def unknown_suffix(path: Path) -> DataError:
    """Make the error for a file of no known format; its message lists the suffixes that are known.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    DataError
    """
    return DataError(str(path), f"the suffix {path.suffix!r} is not known", f"use one of {', '.join(known_formats())}")


def find_format(path: Path) -> Format:
    """Find the format that a suffix stands for.

    Parameters
    ----------
    path : Path
        A file name; upper and lower case are the same. A folder of another name that is a Zarr store, or a part of one, is
        read as such.

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
    found = known_formats().get(suffix_of(path))
    if found is None and is_store(path):
        return _ZARR
    if found is None:
        raise unknown_suffix(path)
    return found
