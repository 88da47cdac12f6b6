"""Writing MRC files: the header of the file that an image came from, or one of its own; pixels box by box."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.boxes import FileBoxes
from bsn.data.files.formats.container import container_of
from bsn.data.files.formats.decoded import Decoded, refuse_key
from bsn.data.files.formats.extras import need, output_file
from bsn.data.files.formats.losses import Outline
from bsn.data.files.formats.mrc import HEADER_BYTES, SUFFIXES, Layout, read_layout
from bsn.data.files.formats.pixel_sizes import MICRONS, pixel_sizes

LABEL = "Denoised by Blindspot"

_MODES = {"i1": 0, "u1": 0, "i2": 1, "f4": 2, "u2": 6, "f2": 12}
_IMAGES, _VOLUME, _SEVERAL_VOLUMES = 0, 1, 401
_LABELS, _LARGEST = 10, np.iinfo(np.int32).max
_PART = 1 << 22
_ANGSTROMS = 1e4  # in a micrometre


class _Plan(NamedTuple):
    """A file before its pixels.

    Attributes
    ----------
    layout : Layout
        Header, what follows it, shape, axes, type and offset of the pixels.
    order : tuple of int
        Axes of the image in the order of the file.
    """

    layout: Layout
    order: tuple[int, ...]


class MRCOutput:
    """An MRC file of full size that is filled box by box.

    Parameters
    ----------
    path : Path
        Where to write; a new file.
    outline : Outline
        The image.
    target : Path
        The name for messages.

    Raises
    ------
    DataError
        Axes or a type of pixels that MRC does not have; mrcfile is missing.
    """

    def __init__(self, path: Path, outline: Outline, target: Path) -> None:
        library = need("mrcfile", "mrcfile", str(target))
        self._plan = _plan(library, path, outline, target)
        layout = self._plan.layout
        self._file = path.open("w+b")
        self._file.write(layout.header.tobytes() + layout.extended)
        self._file.truncate(layout.end)
        self._boxes = FileBoxes(self._file, layout.offset, layout.shape, layout.dtype, str(target))

    def write(self, starts: Sequence[int], box: np.ndarray) -> None:
        """Write a box in the axes order of the image.

        Parameters
        ----------
        starts : sequence of int
            First index along each axis.
        box : ndarray
            Its pixels.
        """
        order = self._plan.order
        self._boxes.write([starts[i] for i in order], box.transpose(order))

    def finish(self) -> None:
        """Measure what was written, and complete the header."""
        header = self._plan.layout.header
        _put_statistics(header, self._parts())
        self._file.seek(0)
        self._file.write(header.tobytes())
        self._file.close()

    def close(self) -> None:
        """Let go of the file; may follow `finish`."""
        self._file.close()

    def _parts(self) -> Iterator[np.ndarray]:
        layout = self._plan.layout
        self._file.seek(layout.offset)
        while part := self._file.read(_PART * layout.dtype.itemsize):
            yield np.frombuffer(part, layout.dtype)


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write an MRC file.

    Parameters
    ----------
    path : Path
        Where to write; a new file.
    image : Decoded
        With axes Y and X, and up to two more; int8, int16, uint16, float16 or float32. uint8 only where it came from a file of
        IMOD with such pixels.
    key : None
        These files have no named parts.
    target : Path
        The name; an ending in ".gz" packs the file.

    Raises
    ------
    DataError
        A key was given; see `MRCOutput`.
    """
    refuse_key(key, str(target))
    packed = target.suffix.lower() == ".gz"
    plain = path.with_name(path.name + ".mrc") if packed else path
    outline = Outline(image.axes or "", image.pixels.shape, image.pixels.dtype, image.metadata)
    try:
        output = MRCOutput(plain, outline, target)
        try:
            output.write([0] * image.pixels.ndim, image.pixels)
            output.finish()
        finally:
            output.close()
        if packed:
            with output_file(path, target) as file, plain.open("rb") as whole:
                shutil.copyfileobj(whole, file)
    finally:
        if packed:
            plain.unlink(missing_ok=True)


def _plan(library: Any, path: Path, outline: Outline, target: Path) -> _Plan:
    """Header and order of the axes: those of the file that the image came from, where it is of the same shape."""
    kind = outline.dtype.newbyteorder("=").str[1:]
    container = container_of(outline.metadata, *SUFFIXES)
    found = read_layout(library, container.path) if container else None
    if found is not None and not _is_like(found, outline):
        found = None
    unsigned = kind == "u1" and (found is None or found.dtype.newbyteorder("=") != np.uint8)
    if kind not in _MODES or unsigned:
        raise DataError(
            f"{target} of type {outline.dtype.name}",
            "MRC has int8, int16, uint16, float16 and float32",
            "write float32 (--output_dtype float32)",
        )
    if found is None:
        return _new(library, path, outline, kind, target)
    header = found.header
    header.mode = _MODES[kind]
    _add_label(header)
    dtype = np.dtype(kind).newbyteorder(header.mode.dtype.byteorder)
    return _Plan(found._replace(dtype=dtype), tuple(outline.axes.index(letter) for letter in found.axes))


def _is_like(found: Layout, outline: Outline) -> bool:
    sizes = dict(zip(outline.axes, outline.shape, strict=True))
    if sorted(sizes) != sorted(found.axes):
        return False
    return all(sizes[letter] == n for letter, n in zip(found.axes, found.shape, strict=True))


def _new(library: Any, path: Path, outline: Outline, kind: str, target: Path) -> _Plan:
    """A header of its own: a volume where there is depth, otherwise an image or a stack of images."""
    sizes = dict(zip(outline.axes, outline.shape, strict=True))
    colours = [letter for letter in "CS" if sizes.get(letter, 1) > 1]
    others = [letter for letter in outline.axes if letter not in "ZYX"]
    if colours or len(others) > 1 or max(sizes.values()) > _LARGEST:
        raise DataError(
            f"axes {outline.axes} for {target}",
            "MRC holds an image, a stack of images, a volume, or several volumes, without channels",
            "write TIFF or OME-Zarr",
        )
    letters = "".join(others) + ("ZYX" if "Z" in sizes else "YX")
    depth, count = sizes.get("Z", 1), sizes[others[0]] if others else 1
    shape = tuple(sizes[letter] for letter in letters)
    with library.new(path, overwrite=True) as made:
        header = made.header.copy()
    path.unlink()
    group = _IMAGES if "Z" not in sizes else _SEVERAL_VOLUMES if others else _VOLUME
    header.mode, header.ispg = _MODES[kind], group
    header.nx, header.ny, header.nz = sizes["X"], sizes["Y"], depth * count
    header.mx, header.my, header.mz = sizes["X"], sizes["Y"], depth
    lengths = {a: n * MICRONS[u] * _ANGSTROMS for a, (n, u) in pixel_sizes(outline.metadata).items() if u in MICRONS}
    for letter in "XYZ":
        header.cella[letter.lower()] = sizes.get(letter, 1) * lengths.get(letter, 0.0)
    _add_label(header)
    dtype = np.dtype(kind).newbyteorder(header.mode.dtype.byteorder)
    layout = Layout(header, b"", shape, letters, dtype, HEADER_BYTES)
    return _Plan(layout, tuple(outline.axes.index(letter) for letter in letters))


def _add_label(header: Any) -> None:
    """Say what was done, in the first label that is free, or in the last one."""
    number = min(max(int(header.nlabl), 0), _LABELS - 1)
    header.label[number] = LABEL
    header.nlabl = number + 1


def _put_statistics(header: Any, parts: Iterator[np.ndarray]) -> None:
    """Smallest, largest and mean value, and standard deviation, of the pixels that are numbers."""
    low, high, total, squares, count, first = np.inf, -np.inf, 0.0, 0.0, 0, 0.0
    for part in parts:
        values = part[np.isfinite(part)].astype(np.float64)
        if not values.size:
            continue
        first = values[0] if not count else first
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        total += float((values - first).sum())
        squares += float(((values - first) ** 2).sum())
        count += values.size
    if count:
        mean = total / count
        header.dmin, header.dmax, header.dmean = low, high, first + mean
        header.rms = np.sqrt(max(squares / count - mean**2, 0.0))


def create(path: Path, outline: Outline, key: str | None, target: Path) -> MRCOutput:
    """Open an MRC file for writing by boxes.

    Parameters
    ----------
    path : Path
        Where to write; a new file.
    outline : Outline
        The image.
    key : None
        These files have no named parts.
    target : Path
        The name for messages.

    Returns
    -------
    MRCOutput

    Raises
    ------
    DataError
        A key was given; see `MRCOutput`.
    """
    refuse_key(key, str(target))
    return MRCOutput(path, outline, target)
