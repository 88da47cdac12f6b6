"""Images: pixels, axes and metadata, read from and written to files.

Supported are PNG, JPEG, TIFF, ``.npy``, HDF5, MATLAB, FITS, NIfTI, MGH, DICOM and MRC files, raw files of cameras, videos, and
Zarr stores (folders); what each keeps is told in `bsn.data.files.formats`. Files keep their type: 16 bits stay 16 bits, and
what a format cannot hold is refused, never converted.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.arrays.axes import check_axes, check_wide, guess_axes
from bsn.data.arrays.pixel_types import check_dtype
from bsn.data.arrays.planes import Missing
from bsn.data.errors import DataError, DataWarning, reading, writing
from bsn.data.files.atomic import atomic_output
from bsn.data.files.formats import find_format
from bsn.data.files.formats.decoded import Decoded
from bsn.data.files.formats.developing import developed, is_developed
from bsn.data.files.formats.losses import Outline, tell_lost
from bsn.data.files.options import ReadOptions
from bsn.data.files.white import inverted, must_invert, without_mark


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels and what they mean.

    Parameters
    ----------
    pixels : ndarray
        Any number of axes from two on.
    axes : str
        One letter per axis, see `bsn.data.arrays.axes`.
    metadata : mapping
        What survives a round trip through the same format, each key only where it is known: ``resolution`` (pixels per
        unit in x and y) and ``resolution_unit`` ("inch", "centimeter", "none"), ``icc_profile``, ``exif``, ``imagej``
        (a dict: spacing, unit, finterval, Labels, LUTs ...), ``photometric``, ``orientation``, what
        `bsn.data.files.formats.tiff_metadata.read_tags` finds (``description``, ``ome_xml``, ``xmp``, tags);
        ``container``, the file whose other images a result takes over (HDF5, MATLAB); ``value_range`` of a packed file.
        Mosaics of sensors have ``mosaic``, see `bsn.data.files.formats.mosaic`.
        Pictures have ``alpha`` (the opacity, with the axes of the pixels but the channels;
        `bsn.data.files.formats.alpha` says what becomes of transparent pixels), ``text`` (a dict), ``comment``, ``xmp``,
        ``gamma``, ``chromaticities``, ``srgb_intent``, ``modified``, and ``png_chunks``, all of a PNG file beside its
        pixels.

    Raises
    ------
    DataError
        The axes do not fit the pixels.

    Examples
    --------
    >>> Image(np.zeros((64, 48), dtype=np.uint16), "YX").axes
    'YX'
    """

    pixels: np.ndarray
    axes: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", check_axes(self.axes, self.pixels.shape))


def read_image(
    path: str | Path, options: ReadOptions | None = None, *, axes: str | None = None, key: str | None = None
) -> Image:
    """Read an image file.

    Parameters
    ----------
    path : str or Path
        A file with one of the known suffixes.
    options : ReadOptions, optional
        Its axes and its key count here. NaN and the value range matter only where pixels become planes.
    axes, key : str, optional
        Single options, which win over `options`. A file that holds several images needs a key.

    Returns
    -------
    Image
        Pixels in the type of the file: uint8, uint16, float16, float32 or float64. NaN is not looked for here.

    Raises
    ------
    DataError
        Missing, unreadable, truncated or empty file, unknown suffix or pixel type, wrong key, axes that do not fit.
    """
    path = Path(path)
    chosen = ReadOptions.of(options, axes=axes, key=key)
    form = find_format(path)
    with reading(path):
        decoded = form.read(path, chosen.key)
        check_gaps(path, decoded.gaps, chosen.nan)
        known, guessed = chosen.axes or decoded.axes, decoded.guessed and not chosen.axes
        dtype, axes = describe(path, decoded.pixels.shape, decoded.pixels.dtype, known, guessed=guessed)
        return Image(decoded.pixels.astype(dtype, copy=False), axes, decoded.metadata)


def write_image(path: str | Path, image: Image, *, key: str | None = None, overwrite: bool = False) -> None:
    """Write an image file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        Its suffix chooses the format. JPEG is lossy (quality 95, 4:4:4). In TIFF the axes are brought to the order
        other programs expect, see `bsn.data.files.formats.tiff_layout`; ``.npy`` does not keep axes. Where zero is
        white, unsigned integers are turned round for all formats but TIFF, in which zero is always black. A mosaic is developed
        for formats of pictures, see `bsn.data.files.formats.developing`. Metadata that
        the format has no place for is named in a `DataWarning`, in one line.
    image : Image
        What to write.
    key : str, optional
        Name of the dataset (HDF5) or variable (MATLAB); ``image`` by default.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    DataError
        The format cannot hold the image, the file exists, the folder does not or may not be written to, the disk is
        full.
    """
    path = Path(path)
    form = find_format(path)
    if must_invert(image.metadata, form.keeping, image.pixels.dtype, path):
        image = Image(inverted(image.pixels), image.axes, without_mark(image.metadata))
    with atomic_output(path, overwrite=overwrite) as temporary, writing(path):
        decoded = Decoded(image.pixels, image.axes, image.metadata)
        if is_developed(image.metadata, image.pixels.dtype, path):
            decoded = developed(decoded, path)
        form.write(temporary, decoded, key, path)
    kept = decoded.metadata
    lost = tell_lost(form.keeping, Outline(decoded.axes or "", decoded.pixels.shape, decoded.pixels.dtype, kept))
    if lost:
        warnings.warn(f"{path.name}: {lost}", DataWarning, stacklevel=2)


def check_gaps(path: Path, gaps: str, nan: Missing) -> None:
    """Refuse an image of which a part is not in its file.

    Parameters
    ----------
    path : Path
        The file, for messages.
    gaps : str
        See `Decoded`.
    nan : {"refuse", "keep"}
        What to do with missing pixels; "keep" takes for them what the format says.

    Raises
    ------
    DataError
        There are gaps, and they are not to be kept.
    """
    if gaps and nan == "refuse":
        raise DataError(
            str(path), gaps, 'copy it whole again, or take them for empty with --nan keep (nan="keep" in Python)'
        )


def describe(
    path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], axes: str | None, *, guessed: bool = False
) -> tuple[np.dtype[Any], str]:
    """Check what a file holds and settle its axes.

    Parameters
    ----------
    path : Path
        The file, for messages.
    shape : tuple of int
        Shape of its array.
    dtype : numpy.dtype
        Type of its pixels.
    axes : str or None
        Its axes as far as they are known.
    guessed : bool
        Whether they are only a guess of the reader.

    Returns
    -------
    dtype : numpy.dtype
        Type of the pixels in native byte order.
    axes : str
        Guessed from the shape where they were not known.

    Raises
    ------
    DataError
        No pixels, a type without agreed range, or axes that do not fit.
    """
    if 0 in shape:
        raise DataError(f"{path} of shape {shape}", "it has no pixels", "check what was saved in it")
    native = check_dtype(dtype, str(path))
    try:
        if not axes:
            return native, guess_axes(shape)
        known = check_axes(axes, shape)
        if guessed:
            check_wide(known, shape)
        return native, known
    except DataError as error:
        raise DataError(f"{path}, {error.given}", error.why, error.remedy) from None
