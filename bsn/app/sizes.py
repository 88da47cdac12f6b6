"""How large a file is when it is decoded, told from its header alone, and what it must not hold.

A small file can stand for a huge image (a "bomb"), and some formats can name other files. Both is found here before anything
is decoded. Formats that this table does not have are not opened by the page.
"""

from __future__ import annotations

import gzip
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError, reading
from bsn.data.files.formats import dicom, fits, jpeg, mrc, nifti, npy, raw, webp, zarr_store
from bsn.data.files.formats.extras import need
from bsn.data.files.formats.mat import is_hdf5_mat
from bsn.data.files.formats.tiff_chain import check_chain

__all__ = ["check_size", "decoded_bytes", "readable_suffixes"]

_PIECE = 1 << 20
_GREATEST = 1 << 62
_PALETTE = 3
_GZIP = b"\x1f\x8b"
_DEFLATED = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95")  # DICOM files that are packed as a whole

Measure = Callable[[Path, int], int]


def _png(path: Path, limit: int) -> int:
    with path.open("rb") as file:
        head = file.read(26)
    if head[:8] != b"\x89PNG\r\n\x1a\n" or head[12:16] != b"IHDR" or len(head) < 26:
        raise DataError(path.name, "is not a PNG file", "rename it to what it is")
    width, height, bits, colour = struct.unpack(">IIBB", head[16:26])
    samples = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}.get(colour, 4)
    return width * height * samples * (2 if bits > 8 else 1)


def _jpeg(path: Path, limit: int) -> int:
    from PIL import Image

    try:
        with Image.open(path, formats=("JPEG", "MPO")) as image:  # reads the header alone
            return math.prod(image.size) * len(image.getbands())
    except Image.DecompressionBombError:
        return _GREATEST


def _webp(path: Path, limit: int) -> int:
    from PIL import Image

    webp.check_header(path)
    with Image.open(path, formats=("WEBP",)) as image:  # 16,383 pixels along a side at most
        return math.prod(image.size) * len(image.getbands()) * int(getattr(image, "n_frames", 1))


def _tiff(path: Path, limit: int) -> int:
    check_chain(path)
    import tifffile

    with tifffile.TiffFile(path) as tif:
        largest = 0
        for series in tif.series:
            if getattr(series, "is_multifile", False):
                raise _elsewhere(path)
            palette = _PALETTE * 2 if getattr(series.keyframe, "photometric", None) == _PALETTE else 1
            largest = max(largest, math.prod(series.shape) * series.dtype.itemsize * palette)
        return largest


def _npy(path: Path, limit: int) -> int:
    stored = npy.open_boxes(path)
    stored.boxes.close()
    return math.prod(stored.shape) * stored.dtype.itemsize


def _hdf5(path: Path, limit: int) -> int:
    import h5py

    with h5py.File(path, "r") as file:
        return _members(file, path, set())


def _members(group: Any, path: Path, seen: set[int]) -> int:
    """Bytes of all arrays of a file, each once; links to other files are refused."""
    import h5py

    total = 0
    address = h5py.h5o.get_info(group.id).addr
    if address in seen:  # groups may hold each other
        return 0
    seen.add(address)
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise _elsewhere(path)
        if not isinstance(link, h5py.HardLink):
            continue
        member = group[name]
        if isinstance(member, h5py.Group):
            total += _members(member, path, seen)
        elif isinstance(member, h5py.Dataset):
            if member.external or member.is_virtual:
                raise _elsewhere(path)
            total += int(member.size or 0) * member.dtype.itemsize
    return total


def _mat(path: Path, limit: int) -> int:
    if is_hdf5_mat(path):
        return _hdf5(path, limit)
    from scipy.io import whosmat

    sizes = {"int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "logical": 1, "char": 4}
    return sum(math.prod(shape) * sizes.get(kind, 16) for _, shape, kind in whosmat(path))


def _fits(path: Path, limit: int) -> int:
    library = need("astropy.io.fits", "astropy", str(path))
    if _packed_bytes(path, limit) > limit:
        return _GREATEST
    with library.open(path, lazy_load_hdus=True) as units:
        shapes = [getattr(unit, "shape", None) for unit in units]
    return sum(math.prod(shape) * 8 for shape in shapes if shape)


def _nifti(path: Path, limit: int) -> int:
    library = need("nibabel", "nibabel", str(path))
    image = library.load(path)
    stored = np.dtype(image.get_data_dtype()).itemsize
    return int(math.prod(image.shape)) * max(stored, 8)  # scaled voxels are float64


def _dicom(path: Path, limit: int) -> int:
    library = need("pydicom", "pydicom", str(path))
    meta = library.filereader.read_file_meta_info(path)
    if str(meta.get("TransferSyntaxUID", "")) in _DEFLATED:
        raise DataError(
            path.name,
            "is packed as a whole, so that its size cannot be told before",
            "export it in another transfer syntax",
        )
    header = library.dcmread(path, stop_before_pixels=True)
    sides = [int(header.get(name, 0) or 0) for name in ("Rows", "Columns")]
    counts = [int(header.get(name, 1) or 1) for name in ("NumberOfFrames", "SamplesPerPixel")]
    return math.prod(sides) * math.prod(counts) * 8


def _mrc(path: Path, limit: int) -> int:
    packed = _packed_bytes(path, limit)
    if packed > limit:
        return _GREATEST
    layout = mrc.read_layout(need("mrcfile", "mrcfile", str(path)), path)
    return math.prod(layout.shape) * layout.dtype.itemsize


def _raw(path: Path, limit: int) -> int:
    library = need("rawpy", "rawpy", str(path), "raw")
    with raw.opened(library, path, decode=False) as photograph:
        return int(photograph.sizes.raw_height) * int(photograph.sizes.raw_width) * 12  # a developed picture of floats


def _zarr(path: Path, limit: int) -> int:
    stored = zarr_store.open_boxes(path)
    stored.boxes.close()
    return math.prod(stored.shape) * np.dtype(stored.dtype).itemsize


def _packed_bytes(path: Path, limit: int) -> int:
    """Bytes behind gzip, counted piece by piece up to a little above the limit; those of other files as they are."""
    with path.open("rb") as head:
        if head.read(2) != _GZIP:
            return path.stat().st_size
    count = 0
    with gzip.open(path) as file:
        while count <= limit and (piece := file.read(_PIECE)):
            count += len(piece)
    return count


def _elsewhere(path: Path) -> DataError:
    return DataError(
        path.name, "its pixels lie in other files, which this page does not follow", "use bsn denoise for it"
    )


MEASURES: dict[str, Measure] = {
    ".png": _png,
    **dict.fromkeys(jpeg.SUFFIXES, _jpeg),
    **dict.fromkeys(webp.SUFFIXES, _webp),
    **dict.fromkeys((".tif", ".tiff"), _tiff),
    ".npy": _npy,
    **dict.fromkeys((".h5", ".hdf5"), _hdf5),
    ".mat": _mat,
    **dict.fromkeys(fits.SUFFIXES, _fits),
    **dict.fromkeys(nifti.SUFFIXES, _nifti),
    **dict.fromkeys(dicom.SUFFIXES, _dicom),
    **dict.fromkeys(mrc.SUFFIXES, _mrc),
    **dict.fromkeys(raw.SUFFIXES, _raw),
    ".zarr": _zarr,
}


def readable_suffixes() -> tuple[str, ...]:
    """Endings of the images that the page opens, in lower case."""
    return tuple(MEASURES)


def decoded_bytes(path: Path, limit: int) -> int:
    """Tell how many bytes a file has when it is decoded; nothing of it is decoded for that.

    Parameters
    ----------
    path : Path
        An image file, or a Zarr store.
    limit : int
        Counting may stop above it.

    Returns
    -------
    int
        An upper bound, above `limit` where there is more.

    Raises
    ------
    DataError
        The file is broken, of a format that the page does not open, needs a missing package, or names other files.
    """
    from bsn.data import suffix_of

    measure = MEASURES.get(suffix_of(path)) or (_zarr if path.is_dir() else None)
    if measure is None:
        raise DataError(path.name, "this page does not open such files", "use bsn denoise for it")
    with reading(path):
        return measure(path, limit)


def check_size(path: Path, limit: int) -> int:
    """Refuse a file that is too large when it is decoded.

    Parameters
    ----------
    path : Path
        An image file, or a Zarr store.
    limit : int
        Largest size in bytes.

    Returns
    -------
    int
        Its decoded size in bytes.

    Raises
    ------
    DataError
        See :func:`decoded_bytes`; and for a file above the limit.
    """
    size = decoded_bytes(path, limit)
    if size > limit:
        told = "far more" if size >= _GREATEST else f"{size / 1e9:.3g} GB"
        raise DataError(
            path.name,
            f"its header promises {told} of pixels, and this page decodes at most {limit / 1e9:.3g} GB",
            "start bsn app with a larger --decoded_limit, or use bsn denoise",
        )
    return size
