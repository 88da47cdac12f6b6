"""Regions of images that may be larger than memory."""

import dataclasses
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.arrays.pixel_types import to_unit
from bsn.data.arrays.planes import check_finite
from bsn.data.errors import reading
from bsn.data.files.formats import find_format
from bsn.data.files.formats.decoded import MASKED, ArrayBoxes, Stored
from bsn.data.files.images import check_gaps, describe, read_image
from bsn.data.files.options import ReadOptions


class ImageReader:
    """An opened image file from which regions are read; see `open_image`.

    Attributes
    ----------
    path : Path
        The file.
    index : PlaneIndex
        Axes and shape, and how they divide into planes.
    dtype : numpy.dtype
        Type of the pixels, native byte order.
    metadata : mapping
        See `bsn.data.files.images.Image`.
    options : ReadOptions
        How it was opened.
    stacked : PlaneIndex or None
        `index` where the meaning of the axes is known; None where it was guessed from the shape, so that nobody knows which
        planes follow each other.
    """

    def __init__(self, path: Path, stored: Stored, dtype: np.dtype[Any], axes: str, options: ReadOptions) -> None:
        self.path = path
        if options.value_range is None and "value_range" in stored.metadata:
            options = dataclasses.replace(options, value_range=stored.metadata["value_range"])
        self.options = options
        self.index = PlaneIndex(axes, stored.shape)
        self.stacked = self.index if options.axes or (stored.axes and not stored.guessed) else None
        self.dtype = dtype
        self.metadata = stored.metadata
        self._boxes = stored.boxes
        self._masked: np.ndarray | None = stored.metadata.get(MASKED)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the whole array."""
        return self.index.shape

    @property
    def axes(self) -> str:
        """One letter per axis of `shape`."""
        return self.index.axes

    @property
    def planes(self) -> int:
        """Number of planes."""
        return self.index.count

    @property
    def channels(self) -> int:
        """Number of channels of a plane."""
        return self.index.depth

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a plane."""
        return self.index.size

    def read(self, plane_index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region of one plane.

        Parameters
        ----------
        plane_index : int
            Number of the plane, counted over all axes but channel, Y and X.
        top, left : int
            First row and column.
        height, width : int
            Size of the region.

        Returns
        -------
        ndarray, shape (C, height, width), `dtype`
            The pixels as stored, contiguous.

        Raises
        ------
        DataError
            The region leaves the plane, or the file is damaged there.
        """
        starts, sizes = self.index.box(plane_index, top, left, height, width)
        with reading(self.path):
            box = self._boxes.read(starts, sizes)
            return np.ascontiguousarray(self.index.from_box(box).astype(self.dtype, copy=False))

    def read_unit(self, plane_index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region of one plane as float32, as networks take it.

        Parameters
        ----------
        plane_index, top, left, height, width : int
            See `read`.

        Returns
        -------
        ndarray, shape (C, height, width), float32
            Integers in [0, 1], floats as they are, or what the value range of `options` makes of them. Missing values are
            NaN or infinite, see `bsn.data.fill_missing`; those that the file masks are NaN.

        Raises
        ------
        DataError
            See `read`; for NaN and infinite pixels unless `options` keep them.
        """
        region = self.read(plane_index, top, left, height, width)
        masked = self.masked(plane_index, top, left, height, width)
        measured = region if masked is None else region[~masked]
        check_finite(measured, f"{self.path.name} at row {top}, column {left}", self.options.nan)
        unit = to_unit(region, self.options.value_range)
        if masked is not None:
            unit[masked] = np.nan
        return unit

    def masked(self, plane_index: int, top: int, left: int, height: int, width: int) -> np.ndarray | None:
        """Tell which pixels of a region of one plane the file masks.

        Parameters
        ----------
        plane_index, top, left, height, width : int
            See `read`.

        Returns
        -------
        ndarray of bool, shape (C, height, width), or None
            None where it masks none.
        """
        if self._masked is None:
            return None
        starts, sizes = self.index.box(plane_index, top, left, height, width)
        box = self._masked[tuple(slice(s, s + n) for s, n in zip(starts, sizes, strict=True))]
        found = self.index.from_box(box)
        return found if found.any() else None

    def read_plane(self, plane_index: int) -> np.ndarray:
        """Read one plane.

        Parameters
        ----------
        plane_index : int
            Number of the plane.

        Returns
        -------
        ndarray, shape (C, H, W), `dtype`
            The pixels as stored.
        """
        return self.read(plane_index, 0, 0, *self.size)

    def close(self) -> None:
        """Close the file."""
        self._boxes.close()

    def __enter__(self) -> "ImageReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_image(
    path: str | Path, options: ReadOptions | None = None, *, key: str | None = None, axes: str | None = None
) -> ImageReader:
    """Open an image file for reading regions in bounded memory.

    TIFF (uncompressed: by seeking; compressed: only the strips or tiles a region touches), ``.npy``, MRC, HDF5,
    MATLAB 7.3 and Zarr are read piece by piece. PNG, JPEG, MATLAB 5, palettes and pages compressed in a single strip can only
    be decoded whole: those need the memory of the whole image (of the page, for the strip).

    Parameters
    ----------
    path : str or Path
        A file with one of the known suffixes.
    options : ReadOptions, optional
        How to read it.
    key, axes : str, optional
        Single options, which win over `options`.

    Returns
    -------
    ImageReader
        Reader to be used in a ``with`` statement, or closed by hand.

    Raises
    ------
    DataError
        See `bsn.data.files.images.read_image`, except that compressed pixels are found damaged only when they are read.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.npy"
    >>> np.save(path, np.arange(64 * 48, dtype=np.uint16).reshape(64, 48))
    >>> with open_image(path) as image:
    ...     image.read(0, top=1, left=2, height=1, width=3).tolist()
    [[[50, 51, 52]]]
    """
    path = Path(path)
    chosen = ReadOptions.of(options, axes=axes, key=key)
    form = find_format(path)
    if form.open_boxes is None:
        image = read_image(path, chosen)
        stored = Stored(ArrayBoxes(image.pixels), image.pixels.shape, image.pixels.dtype, image.axes, image.metadata)
        return ImageReader(path, stored, image.pixels.dtype, image.axes, chosen)
    with reading(path):
        stored = form.open_boxes(path, chosen.key)
        try:
            check_gaps(path, stored.gaps, chosen.nan)
            known, guessed = chosen.axes or stored.axes, stored.guessed and not chosen.axes
            dtype, axes = describe(path, stored.shape, stored.dtype, known, guessed=guessed)
            return ImageReader(path, stored, dtype, axes, chosen)
        except BaseException:
            stored.boxes.close()
            raise
