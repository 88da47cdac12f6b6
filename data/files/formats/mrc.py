"""MRC files of electron microscopy (also CCP4 maps), through mrcfile: an image, a stack of images, or volumes.

Pixels are read box by box, which tomograms of many gigabytes need. Axes follow the space group and the order of the axes in the
header (Cheng et al. 2015, "MRC2014: Extensions to the MRC format header for electron cryo-microscopy and tomography").
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.boxes import FileBoxes
from bsn.data.files.formats.container import CONTAINER, Container
from bsn.data.files.formats.decoded import ArrayBoxes, Decoded, Stored, refuse_key
from bsn.data.files.formats.extras import need
from bsn.data.files.formats.losses import Keeping, Outline
from bsn.data.files.formats.pixel_sizes import MICRONS, pixel_sizes, says_more_than_sizes, size_metadata

SUFFIXES = (".mrc", ".mrcs", ".map", ".ccp4", ".st", ".rec", ".ali", ".mrc.gz", ".map.gz")

#: Letters of the images of a stack, of which nobody knows whether they follow each other, and of several volumes.
STACK = "I"
HEADER_BYTES = 1024
_TYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_REFUSED = {
    3: ("complex integers (a transform)", "give the image that it was made of"),
    4: ("complex numbers (a transform)", "give the image that it was made of"),
    101: ("pixels of 4 bits, two in a byte", "unpack them first, for example with newstack of IMOD"),
}
_PACKED = b"\x1f\x8b"
_IMOD_STAMP = 1146047817
_SIGNED_BYTES = 1
_LETTERS = {1: "X", 2: "Y", 3: "Z"}
_VOLUMES = range(401, 631)


class Layout(NamedTuple):
    """What a header says of the pixels.

    Attributes
    ----------
    header : numpy.recarray
        The header.
    extended : bytes
        What follows it.
    shape : tuple of int
        Shape of the pixels.
    axes : str
        Their axes.
    dtype : numpy.dtype
        Their type and byte order in the file.
    offset : int
        Bytes before the first pixel.
    """

    header: Any
    extended: bytes
    shape: tuple[int, ...]
    axes: str
    dtype: np.dtype[Any]
    offset: int

    @property
    def end(self) -> int:
        """Bytes of the header and the pixels together."""
        return self.offset + int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


def _unable(outline: Outline) -> Iterator[str]:
    """A resolution whose unit is no length, and what ImageJ says beside sizes."""
    _, unit = pixel_sizes(outline.metadata).get("X", (0.0, ""))
    if outline.metadata.get("resolution") and unit not in MICRONS:
        yield "resolution"
    if says_more_than_sizes(outline.metadata):
        yield "labels and colours of ImageJ"


#: The header of the file that an image came from; of other formats, the sizes of pixels.
KEEPING = Keeping("an MRC file", frozenset({"resolution", "imagej"}), _unable)


def read(path: Path, key: str | None = None) -> Decoded:
    """Read an MRC file.

    Parameters
    ----------
    path : Path
        The file; it may be packed by gzip.
    key : None
        These files have no named parts.

    Returns
    -------
    Decoded
        Axes YX, IYX for a stack of images, ZYX, or IZYX for several volumes; in the order of the file.

    Raises
    ------
    DataError
        A key was given; complex numbers or pixels of 4 bits; the file ends before its pixels do; mrcfile is missing. Other
        failures are left to the caller to translate.
    """
    stored = open_boxes(path, key)
    try:
        pixels = stored.boxes.read([0] * len(stored.shape), stored.shape)
    finally:
        stored.boxes.close()
    return Decoded(pixels, stored.axes, stored.metadata)


def open_boxes(path: Path, key: str | None = None) -> Stored:
    """Open an MRC file for reading by boxes; one that is packed is unpacked whole.

    Parameters
    ----------
    path : Path
        The file.
    key : None
        These files have no named parts.

    Returns
    -------
    Stored

    Raises
    ------
    DataError
        See `read`.
    """
    refuse_key(key, str(path))
    library = need("mrcfile", "mrcfile", str(path))
    with path.open("rb") as file:
        packed = file.read(2) == _PACKED
    layout = read_layout(library, path)
    metadata = {CONTAINER: Container(path, "image"), **size_metadata(_sizes(layout))}
    native = layout.dtype.newbyteorder("=")
    if packed:
        with library.open(path, permissive=False) as opened:
            pixels = np.asarray(opened.data).reshape(layout.shape).view(layout.dtype).astype(native)
        return Stored(ArrayBoxes(pixels), layout.shape, native, layout.axes, metadata)
    if path.stat().st_size < layout.end:
        raise DataError(str(path), "the file ends before its pixels do", "copy or download it again")
    boxes = FileBoxes(path.open("rb"), layout.offset, layout.shape, layout.dtype, str(path))
    return Stored(boxes, layout.shape, native, layout.axes, metadata)


def read_layout(library: Any, path: Path) -> Layout:
    """Read the header of an MRC file.

    Parameters
    ----------
    library : module
        The package mrcfile.
    path : Path
        The file.

    Returns
    -------
    Layout

    Raises
    ------
    DataError
        Pixels that are no real numbers of whole bytes, or sizes that are none.
    """
    with library.open(path, header_only=True) as opened:
        header, extended = opened.header.copy(), bytes(opened.extended_header.tobytes())
    mode = int(header.mode)
    if mode not in _TYPES:
        what, remedy = _REFUSED.get(mode, (f"pixels of the unknown mode {mode}", "convert it to mode 2 (float32)"))
        raise DataError(str(path), f"it holds {what}", remedy)
    sizes = (int(header.nz), int(header.ny), int(header.nx))
    if min(sizes) < 1 or int(header.nsymbt) < 0:
        raise DataError(
            f"{path} of {sizes[2]} x {sizes[1]} x {sizes[0]} pixels", "it has none", "check how it was saved"
        )
    shape = tuple(int(n) for n in library.utils.data_shape_from_header(header))
    dtype = np.dtype("u1" if mode == 0 and _has_unsigned_bytes(header) else _TYPES[mode])
    dtype = dtype.newbyteorder(header.mode.dtype.byteorder)
    return Layout(header, extended, shape, _axes(header, shape), dtype, HEADER_BYTES + int(header.nsymbt))


def _has_unsigned_bytes(header: Any) -> bool:
    """Whether IMOD wrote bytes from 0 to 255, which the standard does not have; it leaves a stamp and a flag."""
    order = header.mode.dtype.byteorder
    stamp, flags = np.frombuffer(header.extra2.tobytes(), np.dtype("i4").newbyteorder(order), count=12)[10:12]
    return int(stamp) == _IMOD_STAMP and not int(flags) & _SIGNED_BYTES


def _axes(header: Any, shape: tuple[int, ...]) -> str:
    """Sections, rows and columns by the axes that the header gives them; a stack has images as sections."""
    letters = "".join(_LETTERS.get(int(n), "?") for n in (header.maps, header.mapr, header.mapc))
    if sorted(letters) != ["X", "Y", "Z"]:
        letters = "ZYX"  # old programs leave this open
    volume = int(header.ispg) in _VOLUMES
    if volume or (int(header.ispg) != 0 and len(shape) == len(letters)):
        return STACK + letters if volume else letters
    plane = letters[1:] if sorted(letters[1:]) == ["X", "Y"] else "YX"
    return plane if len(shape) == len(plane) else STACK + plane


def _sizes(layout: Layout) -> dict[str, tuple[float, str]]:
    """Length of a voxel along each axis of which it is known."""
    header, found = layout.header, {}
    for letter, count in (("X", header.mx), ("Y", header.my), ("Z", header.mz)):
        length = float(header.cella[letter.lower()])
        if letter in layout.axes and int(count) > 0 and np.isfinite(length) and length > 0:
            found[letter] = (length / int(count), "angstrom")
    return found
