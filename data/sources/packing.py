"""Pack image files into one HDF5 file made for random crops.

Layout, version 1. Attributes of the file: ``format`` = "blindspot-pack", ``format_version``, ``count``, ``channels``,
``dtype``, ``value_range`` where one was stated, and ``missing`` where pixels are NaN or infinite.
Datasets ``images/000000``, ``images/000001`` ...: one plane each,
shape (C, H, W), in the dtype of the files, in chunks of (C, 128, 128), so that a crop touches few of them. Attributes
of a dataset: ``name`` (as the source shows it), ``file``, ``plane``, ``axes`` (of that file), ``shape`` (of that file,
where it has several planes of known order) and ``sha256`` (of that file, to find out later whether a test image was
among them).
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bsn.data.errors import DataError, reading, writing
from bsn.data.files.atomic import atomic_output, check_target
from bsn.data.files.formats.hdf5_output import HDF5Output
from bsn.data.files.formats.packed import (
    FORMAT,
    FORMAT_VERSION,
    GROUP,
    STACK_SHAPE,
    reading_attributes,
)
from bsn.data.files.options import ReadOptions
from bsn.data.files.regions import ImageReader, open_image
from bsn.data.sources.folder_source import FolderSource

_BAND_BYTES = 32 * 2**20


@dataclass(frozen=True)
class PackSummary:
    """What was packed.

    Attributes
    ----------
    path : Path
        The packed file.
    files, images : int
        Files read, planes written.
    channels : int
        Channels of each plane.
    dtype : str
        Type of the pixels.
    pixel_bytes, file_bytes : int
        Size of the pixels without and of the file with compression.
    """

    path: Path
    files: int
    images: int
    channels: int
    dtype: str
    pixel_bytes: int
    file_bytes: int


@dataclass(frozen=True)
class _Options:
    chunk: int
    compression: Literal["lzf", "gzip"] | None
    read: ReadOptions

    def __post_init__(self) -> None:
        if self.chunk < 1:
            raise DataError(f"chunk {self.chunk}", "a chunk has at least one pixel", "use a number like 128")
        if self.compression not in ("lzf", "gzip", None):
            raise DataError(f"compression {self.compression!r}", "is not known", 'use "lzf", "gzip" or None')


def pack(
    paths: str | Path | Sequence[str | Path],
    output: str | Path,
    options: ReadOptions | None = None,
    *,
    chunk: int = 128,
    compression: Literal["lzf", "gzip"] | None = "lzf",
    axes: str | None = None,
    key: str | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> PackSummary:
    """Pack image files into one HDF5 file for fast random crops.

    All files are checked before the first is packed, each plane is written in bands, and the file appears when it is
    complete.

    Parameters
    ----------
    paths : str, Path or sequence of them
        Files, folders and patterns, see `bsn.data.files.listing.list_images`.
    output : str or Path
        Ends in ``.h5`` or ``.hdf5``.
    options : ReadOptions, optional
        How all files are read. A stated value range is stored in the packed file.
    chunk : int
        Side of the chunks in pixels; about the size of the training crops is best.
    compression : {"lzf", "gzip"} or None
        ``"lzf"`` is fast and leaves noisy images nearly as large as they are; ``"gzip"`` is slow and a little better.
    axes, key : str, optional
        Single options, which win over `options`.
    overwrite : bool
        Replace an existing file.
    progress : callable, optional
        Called as ``progress(done, total)`` after each image.

    Returns
    -------
    PackSummary
        What was packed.

    Raises
    ------
    DataError
        See `bsn.data.sources.folder_source.FolderSource` for the files and `bsn.data.files.images.write_image` for the output.
    """
    output = Path(output)
    chosen = _Options(chunk, compression, ReadOptions.of(options, axes=axes, key=key))
    if output.suffix.lower() not in (".h5", ".hdf5"):
        raise DataError(str(output), "a packed file is an HDF5 file", "end its name in .h5")
    check_target(output, overwrite=overwrite)
    source = FolderSource(paths, chosen.read, cache_bytes=0)
    with atomic_output(output, overwrite=overwrite) as temporary:
        pixel_bytes = _write(source, temporary, output, chosen, progress)
        file_bytes = temporary.stat().st_size
    return PackSummary(
        output, len(source.paths), len(source), source.channels, source.dtype.name, pixel_bytes, file_bytes
    )


def file_sha256(path: str | Path) -> str:
    """Compute the SHA-256 of a file.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    with reading(Path(path)), Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(
    source: FolderSource,
    temporary: Path,
    output: Path,
    options: _Options,
    progress: Callable[[int, int], None] | None,
) -> int:
    with writing(output):
        packed = HDF5Output(temporary)
    done = 0
    pixel_bytes = 0
    missing = False
    try:
        for path in source.paths:
            digest = file_sha256(path)
            with open_image(path, options.read) as reader:
                for plane in range(reader.planes):
                    about = {"name": source.name(done), "file": path.name, "plane": plane}
                    if reader.stacked is not None and reader.planes > 1:
                        about[STACK_SHAPE] = list(reader.shape)
                    with writing(output):
                        dataset = _create(packed.file, done, reader, options)
                        dataset.attrs.update({**about, "axes": reader.axes, "sha256": digest})
                    missing |= _copy(reader, plane, dataset, packed, output)
                    pixel_bytes += dataset.size * reader.dtype.itemsize
                    done += 1
                    if progress is not None:
                        progress(done, len(source))
        with writing(output):
            packed.file.attrs.update({"format": FORMAT, "format_version": FORMAT_VERSION, "count": done})
            packed.file.attrs.update({"channels": source.channels, "dtype": source.dtype.name})
            packed.file.attrs.update(reading_attributes(options.read, missing=missing))
            packed.close()
    finally:
        # After a full disk, closing tells of it once more; the first time is enough.
        with suppress(OSError):
            packed.close()
    return pixel_bytes


def _create(file: Any, number: int, reader: ImageReader, options: _Options) -> Any:
    shape = (reader.channels, *reader.size)
    chunks = (shape[0], min(options.chunk, shape[1]), min(options.chunk, shape[2]))
    return file.create_dataset(
        f"{GROUP}/{number:06d}", shape, reader.dtype, chunks=chunks, compression=options.compression
    )


def _copy(reader: ImageReader, plane: int, dataset: Any, packed: HDF5Output, output: Path) -> bool:
    """Copy a plane in bands; tells whether pixels are missing."""
    channels, height, width = dataset.shape
    step = dataset.chunks[1]
    rows = max(1, _BAND_BYTES // (channels * width * dataset.dtype.itemsize) // step) * step
    missing = False
    for top in range(0, height, rows):
        band: np.ndarray = reader.read(plane, top, 0, min(rows, height - top), width)
        missing |= not np.isfinite(band).all()
        with writing(output):
            dataset[:, top : top + rows] = band
            packed.check()
    return missing
