"""PNG files.

Grey and RGB, 8 and 16 bits per sample, keep their type; 1, 2 and 4 bits grow to 8; palettes become RGB. An alpha
channel that is opaque everywhere is dropped, any other is refused. Pillow would read 16-bit colour as 8-bit without a
word, so the header is parsed here, and those files go through imagecodecs or not at all.
"""

import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.decoded import Decoded, need_imagecodecs, refuse_key
from bsn.data.files.formats.flat import (
    dots_per_inch,
    drop_alpha,
    flat_pixels,
    open_picture,
    pillow_metadata,
    pillow_options,
    without_length,
)
from bsn.data.files.formats.losses import Keeping

#: What PNG files keep.
KEEPING = Keeping("a PNG", frozenset({"resolution", "icc_profile", "exif"}), without_length)

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ALPHA_BIT = 4
_COLOUR_TYPES = {0, 2, 3, 4, 6}


class PngHeader(NamedTuple):
    """The fields of a PNG header that decide how it is read."""

    width: int
    height: int
    bit_depth: int
    colour_type: int

    @property
    def deep_colour(self) -> bool:
        """Whether Pillow would cut the samples to 8 bits: 16 bits and more than one sample per pixel."""
        return self.bit_depth == 16 and self.colour_type in (2, 4, 6)


def read_header(path: Path) -> PngHeader:
    """Parse the header of a PNG file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    PngHeader
        Size, bits per sample, colour type (0 grey, 2 RGB, 3 palette, 4 grey + alpha, 6 RGB + alpha).

    Raises
    ------
    DataError
        The file is not a PNG, or ends within its header.
    """
    with path.open("rb") as file:
        head = file.read(33)
    if not head:
        raise DataError(str(path), "is empty", "copy or download it again")
    if not head.startswith(_SIGNATURE[: len(head)]):
        raise DataError(str(path), f"is not a PNG file (it begins with {head[:8]!r})", "rename it to what it is")
    if len(head) < 33 or head[12:16] != b"IHDR":
        raise DataError(str(path), "ends within its header", "copy or download it again")
    header = PngHeader(*struct.unpack(">IIBB", head[16:26]))
    if header.colour_type not in _COLOUR_TYPES:
        raise DataError(str(path), f"has the unknown colour type {header.colour_type}", "copy or download it again")
    return header


def read(path: Path, key: str | None = None) -> Decoded:
    """Read a PNG file.

    Parameters
    ----------
    path : Path
        The file.
    key : None
        PNG files have no named parts.

    Returns
    -------
    Decoded
        uint8 or uint16, axes YX or YXC.

    Raises
    ------
    DataError
        No PNG, truncated, animated, transparent, or 16-bit colour without imagecodecs.
    """
    refuse_key(key, str(path))
    header = read_header(path)
    with open_picture(path, "PNG") as picture:
        if getattr(picture, "n_frames", 1) > 1:
            raise DataError(str(path), "is an animation", "save its frames as files of their own")
        metadata = pillow_metadata(picture)
        pixels = _decode_deep(path, header) if header.deep_colour else _decode(picture)
    if header.colour_type & _ALPHA_BIT or pixels.shape[2:] in ((2,), (4,)):
        pixels = drop_alpha(pixels, path)
    return Decoded(np.ascontiguousarray(pixels), "YX" if pixels.ndim == 2 else "YXC", metadata)


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a PNG file.

    Parameters
    ----------
    path : Path
        Where to write.
    image : Decoded
        uint8 or uint16, one plane, grey or RGB.
    key : None
        PNG files have no named parts.
    target : Path
        The name for messages.

    Raises
    ------
    DataError
        A type or a shape that PNG does not hold, or 16-bit RGB without imagecodecs.
    """
    refuse_key(key, str(target))
    if image.pixels.dtype not in (np.uint8, np.uint16):
        raise DataError(
            f"{image.pixels.dtype} pixels for {target}",
            "PNG holds uint8 and uint16",
            "write .tif, .npy, .h5 or .mat, or convert the pixels",
        )
    pixels = flat_pixels(image, target)
    if pixels.dtype == np.uint16 and pixels.ndim == 3:
        codecs = need_imagecodecs(f"16-bit RGB for {target}")
        path.write_bytes(_with_chunks(bytes(codecs.png_encode(pixels)), image.metadata))
        return
    from PIL import Image

    Image.fromarray(pixels).save(path, format="PNG", **pillow_options(image.metadata))


def _decode(picture: Any) -> np.ndarray:
    picture.load()
    if "transparency" in picture.info and picture.mode in ("L", "RGB", "P"):
        picture = picture.convert("LA" if picture.mode == "L" else "RGBA")
    elif picture.mode == "P":
        picture = picture.convert("RGB")
    elif picture.mode == "1":
        picture = picture.convert("L")
    pixels = np.asarray(picture)
    # Some versions of Pillow give 16-bit grey as 32-bit integers.
    return pixels.astype(np.uint16) if picture.mode.startswith("I") else pixels


def _decode_deep(path: Path, header: PngHeader) -> np.ndarray:
    given = f"{path} ({header.bit_depth} bits per sample, colour)"
    pixels: np.ndarray = need_imagecodecs(given).png_decode(path.read_bytes())
    if pixels.dtype != np.uint16:
        raise DataError(given, f"was decoded as {pixels.dtype}", "update imagecodecs")
    return pixels


def _with_chunks(encoded: bytes, metadata: Any) -> bytes:
    """Insert resolution and colour profile after the header of an encoded PNG."""
    chunks = b""
    if metadata.get("icc_profile"):
        chunks += _chunk(b"iCCP", b"profile\0\0" + zlib.compress(metadata["icc_profile"]))
    dots = dots_per_inch(metadata)
    if dots:
        per_metre = [round(d / 0.0254) for d in dots]
        chunks += _chunk(b"pHYs", struct.pack(">IIB", *per_metre, 1))
    return encoded[:33] + chunks + encoded[33:]


def _chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))
