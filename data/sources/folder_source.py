"""Training images in files: checked before the first step, in memory as far as they fit, read by regions beyond."""

import dataclasses
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.arrays.missing import fill_missing
from bsn.data.arrays.planes import check_finite
from bsn.data.errors import DataError, refuse_several
from bsn.data.files.listing import list_images
from bsn.data.files.options import ReadOptions
from bsn.data.files.regions import ImageReader, open_image
from bsn.data.files.stores import stands_for_image
from bsn.data.sources.neighbours import neighbour_in
from bsn.data.sources.plane_source import PlaneSource

_BAND_BYTES = 32 * 2**20
_OPEN_FILES = 8


@dataclass(frozen=True, eq=False)
class _File:
    path: Path
    planes: PlaneIndex
    stacked: PlaneIndex | None  # the same where the meaning of the axes is known
    dtype: np.dtype[Any]
    pixels: np.ndarray | None  # (N, C, H, W), or None where the file is read each time
    checked: bool = True  # or each crop when it is read
    masks: bool = False  # whether it says of some pixels that they are no measurements


class FolderSource(PlaneSource):
    """Images in files.

    All files are read once when the source is made, so that a damaged file or a NaN is found before training starts and
    not in the night. What fits into `cache_bytes` stays in memory in the dtype of the files; the rest is read by
    regions. A Zarr store that does not fit is not read beforehand: its chunks are counted, and crops are checked when they
    are read.

    Parameters
    ----------
    paths : str, Path or sequence of them
        Files, folders and patterns, see `bsn.data.files.listing.list_images`.
    options : ReadOptions, optional
        How all files are read.
    axes, key : str, optional
        Single options, which win over `options`.
    cache_bytes : int
        Upper limit of the pixels kept in memory.

    Raises
    ------
    DataError
        No files; files that cannot be read or have NaN pixels (the line names three, ``details`` all); files of
        different channel counts or dtypes. Different sizes are allowed.
    """

    def __init__(
        self,
        paths: str | Path | Sequence[str | Path],
        options: ReadOptions | None = None,
        *,
        axes: str | None = None,
        key: str | None = None,
        cache_bytes: int = 2 * 2**30,
    ) -> None:
        self.options = ReadOptions.of(options, axes=axes, key=key)
        self._readers = _Readers(self.options)
        found = list_images(paths)
        self._files: list[_File] = []
        failures: list[tuple[Path, DataError]] = []
        room = cache_bytes
        for path in found:
            try:
                file = _load(path, self.options, room)
            except DataError as error:
                failures.append((path, error))
                continue
            room -= file.pixels.nbytes if file.pixels is not None else 0
            self._files.append(file)
        if any(file.masks for file in self._files):
            self.options = dataclasses.replace(self.options, nan="keep")  # what had to be refused is refused
        refuse_several([(path.name, error) for path, error in failures], len(found), "files")
        _refuse_mixture(self._files)
        self._titles = _short_names([file.path for file in self._files])
        self._first = np.cumsum([0] + [file.planes.count for file in self._files])

    def __len__(self) -> int:
        return int(self._first[-1])

    @property
    @override
    def channels(self) -> int:
        return self._files[0].planes.depth

    @property
    @override
    def dtype(self) -> np.dtype[Any]:
        return self._files[0].dtype

    @property
    def paths(self) -> list[Path]:
        """The files, in their order."""
        return [file.path for file in self._files]

    def locate(self, index: int) -> tuple[Path, int]:
        """Tell where an image comes from.

        Parameters
        ----------
        index : int
            Number of the image.

        Returns
        -------
        path : Path
            Its file.
        plane : int
            Number of the plane in that file.

        Raises
        ------
        DataError
            There is no such image.
        """
        number, plane = self._find(index)
        return self._files[number].path, plane

    @override
    def name(self, index: int) -> str:
        number, plane = self._find(index)
        label = self._files[number].planes.label(plane)
        return f"{self._titles[number]}[{label}]" if label else self._titles[number]

    @override
    def size(self, index: int) -> tuple[int, int]:
        return self._files[self._find(index)[0]].planes.size

    def neighbour(self, index: int, offset: int, axis: str = "") -> int | None:
        """Find a neighbour in the same file, see `bsn.data.StackedSource`.

        Parameters
        ----------
        index, offset, axis
            See there.

        Returns
        -------
        int or None
            None where the axes of the file are only guessed.
        """
        number, plane = self._find(index)
        stacked = self._files[number].stacked
        found = None if stacked is None else neighbour_in(stacked, plane, offset, axis)
        return None if found is None else index - plane + found

    @override
    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        number, plane = self._find(index)
        file = self._files[number]
        if file.pixels is not None:
            return file.pixels[plane, :, top : top + height, left : left + width]
        crop = self._readers.read(file.path, plane, top, left, height, width)
        if not file.checked:
            check_finite(crop, f"{file.path.name} at row {top}, column {left}", self.options.nan)
        return crop

    def _find(self, index: int) -> tuple[int, int]:
        self.check(index)
        number = int(np.searchsorted(self._first, index, side="right")) - 1
        return number, index - int(self._first[number])


class _Readers:
    """A few opened files. Reading moves their position, so one thread at a time may read."""

    def __init__(self, options: ReadOptions) -> None:
        self.options = options
        self._reset()

    def _reset(self) -> None:
        self.opened: OrderedDict[Path, ImageReader] = OrderedDict()
        self.lock = threading.Lock()

    def read(self, path: Path, plane: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        with self.lock:
            reader = self.opened.pop(path, None) or open_image(path, self.options)
            self.opened[path] = reader
            while len(self.opened) > _OPEN_FILES:
                self.opened.popitem(last=False)[1].close()
            return _read(reader, plane, top, left, height, width)

    def __getstate__(self) -> dict[str, Any]:
        # Opened files and locks do not travel to other processes; those open the files anew.
        return {"options": self.options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.options = state["options"]
        self._reset()


def _load(path: Path, options: ReadOptions, room: int) -> _File:
    with open_image(path, options) as reader:
        shape = (reader.planes, reader.channels, *reader.size)
        kept = int(np.prod(shape, dtype=np.int64)) * reader.dtype.itemsize <= room
        if not kept and stands_for_image(path):
            return _File(path, reader.index, reader.stacked, reader.dtype, None, checked=False)
        pixels, masks = (np.empty(shape, reader.dtype) if kept else None), False
        rows = max(1, _BAND_BYTES // (shape[1] * shape[3] * reader.dtype.itemsize))
        for plane in range(shape[0]):
            for top in range(0, shape[2], rows):
                band = _read(reader, plane, top, 0, min(rows, shape[2] - top), shape[3])
                masked = reader.masked(plane, top, 0, *band.shape[1:])
                masks |= masked is not None
                if options.nan == "refuse":
                    _check_band(band if masked is None else band[~masked], path, reader.index.label(plane), top)
                if pixels is not None:
                    pixels[plane, :, top : top + rows] = band
        return _File(path, reader.index, reader.stacked, reader.dtype, pixels, masks=masks)


def _read(reader: ImageReader, plane: int, top: int, left: int, height: int, width: int) -> np.ndarray:
    """Pixels as stored. Those that the file masks are missing; integers, which cannot be, have what is around them."""
    pixels = reader.read(plane, top, left, height, width)
    masked = reader.masked(plane, top, left, height, width)
    if masked is None:
        return pixels
    missing = np.where(masked, np.nan, pixels)
    return (missing if pixels.dtype.kind == "f" else fill_missing(missing)[0]).astype(pixels.dtype)


def _check_band(band: np.ndarray, path: Path, label: str, top: int) -> None:
    place = f" at (channel, row, column) from row {top} on" if top else " at (channel, row, column)"
    check_finite(band, f"{path}{f'[{label}]' if label else ''}{place}")


def _refuse_mixture(files: list[_File]) -> None:
    first = files[0]
    for file in files[1:]:
        if file.planes.depth != first.planes.depth:
            given = f"{first.path} ({_channels(first)}) and {file.path} ({_channels(file)})"
            raise DataError(given, "a model has one number of channels", "convert one kind or leave it out")
        if file.dtype != first.dtype:
            given = f"{first.path} ({first.dtype}) and {file.path} ({file.dtype})"
            raise DataError(given, "pixel types of different ranges would be mixed", "convert one kind or leave it out")


def _channels(file: _File) -> str:
    return {1: "grey", 3: "RGB"}.get(file.planes.depth, f"{file.planes.depth} channels")


def _short_names(paths: list[Path]) -> list[str]:
    """File names, with as much of their folders as it takes to tell them apart."""
    if max(Counter(path.name for path in paths).values()) == 1:
        return [path.name for path in paths]
    absolute = [path.absolute() for path in paths]
    common = os.path.commonpath([path.parent for path in absolute])
    return [path.relative_to(common).as_posix() for path in absolute]
