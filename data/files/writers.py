"""Images written region by region, in bounded memory."""

import math
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from typing_extensions import override

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.arrays.pixel_types import check_dtype
from bsn.data.errors import DataError, DataWarning, writing
from bsn.data.files.atomic import atomic_output
from bsn.data.files.boxes import FileBoxes
from bsn.data.files.formats import clip, find_format, hdf5, mat, mrc, mrc_output, npy, zarr_store
from bsn.data.files.formats.alpha import ALPHA, Joining
from bsn.data.files.formats.decoded import DEVIATION, Decoded, refuse_key
from bsn.data.files.formats.developing import after_developing, developed, is_developed
from bsn.data.files.formats.hdf5_boxes import DatasetOutput
from bsn.data.files.formats.losses import Outline, tell_lost
from bsn.data.files.formats.mosaic import mosaic_in
from bsn.data.files.formats.tiff_layout import plan_outline, reserve_layout
from bsn.data.files.formats.tiff_pieces import TiffPieces
from bsn.data.files.stores import STORE_SUFFIXES
from bsn.data.files.white import inverted, must_invert, without_mark


class ImageWriter:
    """An image file that is being written; see `open_writer`.

    Attributes
    ----------
    index : PlaneIndex
        Axes and shape as stored in the file, and how they divide into planes.
    dtype : numpy.dtype
        Type of the pixels.
    lost : str
        What of the metadata the file will not have, as half a sentence; empty where everything is kept.
    temporary : Path
        What is written until the file is complete.
    """

    def __init__(
        self,
        target: Path,
        index: PlaneIndex,
        dtype: np.dtype[Any],
        sink: "_Sink",
        lost: str = "",
        *,
        invert: bool = False,
        temporary: Path | None = None,
    ) -> None:
        self.target = target
        self.temporary = target if temporary is None else temporary
        self.index = index
        self.dtype = dtype
        self.lost = lost
        self._invert = invert
        self._sink = sink
        self._written = 0

    def write(self, plane_index: int, top: int, left: int, pixels: np.ndarray) -> None:
        """Write a region of one plane. Regions may come in any order and overlap; the last one counts.

        Parameters
        ----------
        plane_index : int
            Number of the plane, counted over all axes but channel, Y and X, in the order of the axes given to
            `open_writer`.
        top, left : int
            Where the region begins.
        pixels : ndarray, shape (C, h, w), `dtype`
            The region. `bsn.data.arrays.planes.from_unit` converts values in [0, 1].

        Raises
        ------
        DataError
            Another dtype or channel count, a region that leaves the plane, a full disk.
        """
        expected = (self.index.depth, *pixels.shape[1:])
        if pixels.dtype != self.dtype or pixels.ndim != 3 or pixels.shape != expected:
            raise DataError(
                f"{pixels.dtype} pixels of shape {pixels.shape} for {self.target}",
                f"it was opened for {self.dtype} with {self.index.depth} channels",
                f"write arrays of shape ({self.index.depth}, h, w)",
            )
        pixels = inverted(pixels) if self._invert else pixels
        starts, _ = self.index.box(plane_index, top, left, *pixels.shape[1:])
        with writing(self.target):
            self._sink.write(starts, self.index.to_box(pixels))
        self._written += pixels.size

    def check_complete(self) -> None:
        """Refuse to finish a file of which a part was never written.

        Raises
        ------
        DataError
            Fewer pixels were written than the image has.
        """
        total = self.index.count * self.index.depth * self.index.size[0] * self.index.size[1]
        if self._written < total:
            raise DataError(
                f"writing {self.target}", f"only {self._written} of {total} values were written", "write every region"
            )


@contextmanager
def open_writer(
    path: str | Path,
    shape: Sequence[int],
    axes: str,
    dtype: Any,
    metadata: Mapping[str, Any] | None = None,
    *,
    key: str | None = None,
    overwrite: bool = False,
    warn: bool = True,
) -> Iterator[ImageWriter]:
    """Open an image file for writing region by region.

    TIFF (BigTIFF from 4 GiB on), ``.npy``, MRC and HDF5 files are created at full size and filled in place, so any order of
    regions needs the memory of one region. A TIFF file that is compressed, tiled or of single bits, as its metadata say,
    is collected uncompressed in a second, unnamed file and encoded at the end, tile by tile or page by page. Other
    formats are collected in memory and written at the end. The file appears under its name when the block ends, and not
    at all if an exception ends it.

    Parameters
    ----------
    path, metadata, key, overwrite
        See `bsn.data.files.images.write_image` and `bsn.data.files.images.Image`.
    shape, axes, dtype
        The whole image: sizes, one letter per axis, and uint8, uint16, float16, float32 or float64. A TIFF file may
        store the axes in another order, as `bsn.data.files.images.write_image` does.
    warn : bool
        Name metadata that the format has no place for in a `DataWarning`; else only `ImageWriter.lost` does.

    Yields
    ------
    ImageWriter
        Its method `write` takes the regions.

    Raises
    ------
    DataError
        The format cannot hold the image, the file exists, the folder does not, the disk is or becomes full, regions are
        missing at the end.

    Examples
    --------
    >>> import tempfile
    >>> with open_writer(Path(tempfile.mkdtemp()) / "a.tif", (64, 48), "YX", "uint16") as out:
    ...     for top in (0, 32):
    ...         out.write(0, top, 0, np.zeros((1, 32, 48), np.uint16))
    """
    path = Path(path)
    form = find_format(path)
    dtype = check_dtype(dtype, f"an image for {path}")
    index = PlaneIndex(axes, tuple(int(n) for n in shape))
    if 0 in index.shape:
        raise DataError(f"shape {index.shape} for {path}", "it has no pixels", "give at least one pixel")
    _check_room(path, index, dtype)
    metadata = metadata or {}
    invert = must_invert(metadata, form.keeping, dtype, path)
    metadata = without_mark(metadata) if invert else metadata
    picture = is_developed(metadata, dtype, path)
    create = _Developed if picture else _SINKS.get(path.suffix.lower(), _Collected)
    kept = after_developing(metadata) if picture else metadata
    with atomic_output(path, overwrite=overwrite) as temporary:
        with writing(path):
            sink = create(_Request(path, temporary, index, dtype, metadata, key))
        try:
            lost = tell_lost(form.keeping, Outline(index.axes, index.shape, dtype, kept))
            writer = ImageWriter(path, index, dtype, sink, lost, invert=invert, temporary=temporary)
            yield writer
            writer.check_complete()
            with writing(path):
                sink.finish()
        finally:
            # After a full disk, closing fails once more; the first failure is the one to tell.
            with suppress(OSError, RuntimeError):
                sink.close()
    if warn and lost:
        warnings.warn(f"{path.name}: {lost}", DataWarning, stacklevel=3)  # beyond the code of the context manager


class _Request(NamedTuple):
    target: Path
    temporary: Path
    planes: PlaneIndex
    dtype: np.dtype[Any]
    metadata: Mapping[str, Any]
    key: str | None


class _Sink(Protocol):
    """Takes boxes in the axes order of the image."""

    def write(self, starts: Sequence[int], box: np.ndarray) -> None: ...

    def finish(self) -> None:
        """Make the file complete."""
        ...

    def close(self) -> None:
        """Let go of the file, complete or not; may follow `finish`."""
        ...


class InPlace:
    """A file of full size, filled box by box, its axes in the order that the format wants."""

    def __init__(self, boxes: FileBoxes | DatasetOutput | TiffPieces, order: Sequence[int]) -> None:
        self.boxes = boxes
        self.order = order

    def write(self, starts: Sequence[int], box: np.ndarray) -> None:
        """Write a box in the axes order of the image.

        Parameters
        ----------
        starts : sequence of int
            First index along each axis of the image.
        box : ndarray
            Values in the axes order of the image.
        """
        self.boxes.write([starts[i] for i in self.order], box.transpose(self.order))

    def flush(self) -> None:
        """Write what is collected; boxes of files are written at once, or when they are closed."""

    def finish(self) -> None:
        """Make the file complete."""
        if isinstance(self.boxes, TiffPieces):
            self.boxes.finish()
        self.boxes.close()

    def close(self) -> None:
        """Let go of the file; may follow `finish`."""
        self.boxes.close()


class InMemory:
    """Takes boxes into an array.

    Parameters
    ----------
    pixels : ndarray
        The array; it is changed in place.
    """

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def write(self, starts: Sequence[int], box: np.ndarray) -> None:
        """Take a box.

        Parameters
        ----------
        starts : sequence of int
            First index along each axis.
        box : ndarray
            Its pixels.
        """
        self.pixels[tuple(slice(s, s + n) for s, n in zip(starts, box.shape, strict=True))] = box

    def finish(self) -> None:
        """Nothing is to be done."""

    def close(self) -> None:
        """Nothing is to be done; the array belongs to who made it."""


class _WithAlpha:
    """Gives each box of colours the alpha channel of its place, which is read from where the image comes from."""

    def __init__(self, sink: InPlace, joining: Joining) -> None:
        self.sink, self.joining = sink, joining
        self.finish, self.close = sink.finish, sink.close

    def write(self, starts: Sequence[int], box: np.ndarray) -> None:
        begin, joined = self.joining.join(box, starts)
        self.sink.write(begin, joined)


class _Collected(InMemory):
    """An image in memory, encoded when it is complete: for formats that cannot be written in pieces."""

    def __init__(self, request: _Request) -> None:
        self.request = request
        self.encode = find_format(request.target).write
        # One pixel of the same kind is encoded first, so that what the format refuses is refused before the work. The size of
        # a mosaic is that of its file.
        small = "" if mosaic_in(request.metadata) is not None else "YX"
        sizes = [1 if a in small else request.planes.length(a) for a in request.planes.axes]
        alpha = [n for a, n in zip(request.planes.axes, sizes, strict=True) if a != request.planes.channel_axis]
        opaque = {ALPHA: np.zeros(alpha, request.dtype)} if ALPHA in request.metadata else {}
        beside = {DEVIATION: np.zeros(sizes, np.float32)} if DEVIATION in request.metadata else {}
        self._write(np.zeros(sizes, request.dtype), {**request.metadata, **opaque, **beside})
        super().__init__(np.zeros(request.planes.shape, request.dtype))

    @override
    def finish(self) -> None:
        self._write(self.pixels, self.request.metadata)

    @override
    def close(self) -> None:
        self.pixels = np.empty(0, self.pixels.dtype)  # a part of the array would hold the memory of all of it

    def _write(self, pixels: np.ndarray, metadata: Mapping[str, Any]) -> None:
        image = Decoded(pixels, self.request.planes.axes, metadata)
        self.encode(self.request.temporary, image, self.request.key, self.request.target)


class _Developed(_Collected):
    """A mosaic in memory, developed and encoded when it is complete."""

    @override
    def _write(self, pixels: np.ndarray, metadata: Mapping[str, Any]) -> None:
        target = self.request.target
        picture = developed(Decoded(pixels, self.request.planes.axes, metadata), target)
        self.encode(self.request.temporary, picture, self.request.key, target)


def _create_tiff(request: _Request) -> _Sink:
    refuse_key(request.key, str(request.target))
    outline = Outline(request.planes.axes, request.planes.shape, request.dtype, request.metadata)
    layout, joining = plan_outline(outline), Joining.of(*outline)
    boxes: FileBoxes | TiffPieces
    if layout.in_order:
        boxes = TiffPieces(request.temporary, layout, str(request.target))
    else:
        offset = reserve_layout(request.temporary, layout)
        dtype = layout.dtype.newbyteorder(layout.options.get("byteorder", "="))
        boxes = FileBoxes(request.temporary.open("r+b"), offset, layout.shape, dtype, str(request.target))
    sink = InPlace(boxes, layout.order)
    return sink if joining is None else _WithAlpha(sink, joining)


def _create_npy(request: _Request) -> InPlace:
    refuse_key(request.key, str(request.target))
    dtype = npy.stored_dtype(request.dtype, request.metadata)
    header = {"descr": dtype.str, "fortran_order": False, "shape": request.planes.shape}
    file = request.temporary.open("w+b")
    np.lib.format.write_array_header_1_0(file, header)
    boxes = FileBoxes(file, file.tell(), request.planes.shape, dtype, str(request.target))
    return InPlace(boxes, range(len(request.planes.shape)))


def _create_hdf5(request: _Request) -> InPlace:
    shape, axes = request.planes.shape, request.planes.axes
    boxes = hdf5.create_boxes(request.temporary, shape, axes, request.dtype, request.metadata, request.key)
    return InPlace(boxes, range(len(shape)))


def _create_mat(request: _Request) -> "_Sink":
    shape = request.planes.shape
    boxes = mat.create_boxes(request.temporary, shape, request.dtype, request.metadata, request.key)
    return _Collected(request) if boxes is None else InPlace(boxes, range(len(shape)))


def _create_zarr(request: _Request) -> "_Sink":
    layout = zarr_store.plan_layout(request.planes.shape, request.planes.axes, request.metadata)
    return zarr_store.create_store(request.temporary, layout, request.dtype, request.key)


def _create_mrc(request: _Request) -> "_Sink":
    planes = request.planes
    outline = Outline(planes.axes, planes.shape, request.dtype, request.metadata)
    return mrc_output.create(request.temporary, outline, request.key, request.target)


def _create_clip(request: _Request) -> "_Sink":
    planes = request.planes
    outline = Outline(planes.axes, planes.shape, request.dtype, request.metadata)
    return clip.create(request.temporary, outline, request.key, request.target)


def _check_room(path: Path, index: PlaneIndex, dtype: np.dtype[Any]) -> None:
    if not path.parent.is_dir() or path.suffix.lower() in (*STORE_SUFFIXES, *clip.SUFFIXES):
        return  # told better by the writer; chunks and clips are compressed
    needed = math.prod(index.shape) * dtype.itemsize
    free = shutil.disk_usage(path.parent).free
    if needed > free and path.suffix.lower() in _SINKS:
        raise DataError(
            f"writing {path}",
            f"it needs {needed:,} bytes and the disk has {free:,} free",
            "free some or write elsewhere",
        )


_SINKS: dict[str, Callable[[_Request], _Sink]] = {
    ".tif": _create_tiff,
    ".tiff": _create_tiff,
    ".npy": _create_npy,
    ".h5": _create_hdf5,
    ".hdf5": _create_hdf5,
    ".mat": _create_mat,
    ".zarr": _create_zarr,
    **dict.fromkeys(clip.SUFFIXES, _create_clip),
    **{suffix: _create_mrc for suffix in mrc.SUFFIXES if not suffix.endswith(".gz")},
}
