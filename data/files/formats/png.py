"""PNG files.

Grey and RGB, 8 and 16 bits per sample, keep their type; 1, 2 and 4 bits grow to 8; palettes become RGB. An alpha channel, also
one that the file tells by a transparent colour, is put aside, see `bsn.data.files.formats.alpha`.
Pillow would read 16-bit colour as 8-bit without a word, so the header is parsed here, and those files go through imagecodecs
or not at all.
"""

import struct
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.alpha import ALPHA, alpha_lost, split_alpha
from bsn.data.files.formats.decoded import Decoded, refuse_key
from bsn.data.files.formats.extras import need
from bsn.data.files.formats.flat import flat_pixels, open_picture, with_alpha, without_length
from bsn.data.files.formats.losses import Keeping, Outline
from bsn.data.files.formats.png_chunks import chunks_for, chunks_lost, read_chunks, tells_resolution

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END, _COLOUR_TYPE = 33, 25  # places in a file
_ALPHA_BIT, _PALETTE = 4, 3
_COLOUR_TYPES = {0, 2, 3, 4, 6}


def _unable(outline: Outline) -> Iterable[str]:
    length = [] if tells_resolution(outline.metadata) else without_length(outline)
    return [*alpha_lost(outline), *chunks_lost(outline), *length]


_TELLING = {"exif", "icc_profile", "orientation", "resolution", "comment", "text", "xmp"}
#: What PNG files keep.
KEEPING = Keeping(
    "a PNG", frozenset({ALPHA, "chromaticities", "gamma", "modified", "srgb_intent", *_TELLING}), unable=_unable
)


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
        No PNG, truncated, animated, or 16-bit colour without imagecodecs.
    """
    refuse_key(key, str(path))
    header = read_header(path)
    with open_picture(path, "PNG") as picture:
        if getattr(picture, "n_frames", 1) > 1:
            raise DataError(str(path), "is an animation", "save its frames as files of their own")
        pixels, alpha = _decode_deep(path, header) if header.deep_colour else _decode(picture, header)
    metadata = read_chunks(path, header.colour_type, header.bit_depth)
    if alpha is not None:
        metadata[ALPHA] = np.ascontiguousarray(alpha)
    return Decoded(np.ascontiguousarray(pixels), "YX" if pixels.ndim == 2 else "YXC", metadata)


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a PNG file.

    Parameters
    ----------
    path : Path
        Where to write.
    image : Decoded
        uint8 or uint16, one plane, grey or RGB; its metadata may have an alpha channel.
    key : None
        PNG files have no named parts.
    target : Path
        The name for messages.

    Raises
    ------
    DataError
        A type or a shape that PNG does not hold, or 16-bit RGB or alpha without imagecodecs.
    """
    refuse_key(key, str(target))
    if image.pixels.dtype not in (np.uint8, np.uint16):
        raise DataError(
            f"{image.pixels.dtype} pixels for {target}",
            "PNG holds uint8 and uint16",
            "write .tif, .npy, .h5 or .mat, or convert the pixels",
        )
    pixels = with_alpha(flat_pixels(image, target), image)
    encoded = _encode(pixels, target)
    colour_type, depth = encoded[_COLOUR_TYPE], 8 * pixels.itemsize
    chunks = chunks_for(image.metadata, colour_type, depth)
    path.write_bytes(encoded[:_HEADER_END] + chunks + encoded[_HEADER_END:])


def _encode(pixels: np.ndarray, target: Path) -> bytes:
    if pixels.dtype == np.uint16 and pixels.ndim == 3:
        return bytes(
            need("imagecodecs", "imagecodecs", f"16-bit colour or alpha for {target}", "io").png_encode(pixels)
        )
    from PIL import Image

    encoded = BytesIO()
    Image.fromarray(pixels).save(encoded, format="PNG")
    return encoded.getvalue()


def _decode(picture: Any, header: PngHeader) -> tuple[np.ndarray, np.ndarray | None]:
    """Give the colours, shape (H, W) or (H, W, 3), and the opacity, shape (H, W), where there is one."""
    picture.load()
    key = picture.info.get("transparency")
    if header.colour_type == _PALETTE:
        indices = np.asarray(picture)
        opacity = None if key is None else _opacities(key)[indices]
        return np.asarray(picture.convert("RGB")), opacity
    pixels = np.asarray(picture.convert("L") if picture.mode == "1" else picture)
    # Some versions of Pillow give 16-bit grey as 32-bit integers.
    pixels = pixels.astype(np.uint16) if picture.mode.startswith("I") else pixels
    if header.colour_type & _ALPHA_BIT:
        return split_alpha(pixels, 2)
    if key is None:
        return pixels, None
    key = min(key, 1) if header.bit_depth == 1 else key  # some versions of Pillow tell white as 255
    top = np.iinfo(pixels.dtype).max
    clear = pixels == np.multiply(key, top // (2 ** min(header.bit_depth, 16) - 1))  # of 1, 2 and 4 bits grown to 8
    clear = clear.all(axis=2) if pixels.ndim == 3 else clear
    return pixels, np.where(clear, 0, top).astype(pixels.dtype)


def _opacities(key: bytes | int) -> np.ndarray:
    """Give the opacity of each entry of a palette; Pillow tells that of a single clear entry by its number."""
    table = np.full(256, 255, np.uint8)
    if isinstance(key, bytes):
        table[: len(key)] = np.frombuffer(key, np.uint8)
    else:
        table[key] = 0
    return table


def _decode_deep(path: Path, header: PngHeader) -> tuple[np.ndarray, np.ndarray | None]:
    given = f"{path} ({header.bit_depth} bits per sample, colour)"
    pixels: np.ndarray = need("imagecodecs", "imagecodecs", given, "io").png_decode(path.read_bytes())
    if pixels.dtype != np.uint16:
        raise DataError(given, f"was decoded as {pixels.dtype}", "update imagecodecs")
    return split_alpha(pixels, 2) if pixels.shape[2:] in ((2,), (4,)) else (pixels, None)
