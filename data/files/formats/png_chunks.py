"""What a PNG file holds beside its pixels: chunks that pass to the result byte by byte, and what they mean to other formats.

See the PNG specification (third edition), chapters 11 and 14. No chunk that is kept has to stand anywhere but before the
pixels, so all of them follow the header, in the order in which they were.
"""

import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bsn.data.files.formats.flat import dots_per_inch, exif_of
from bsn.data.files.formats.losses import Outline

#: The key of `Image.metadata` under which the chunks are left.
CHUNKS = "png_chunks"
_XMP = "XML:com.adobe.xmp"
_EXIF = b"Exif\0\0"
_LARGEST_TEXT = 2**24
_PALETTE = 3
_INCH = 0.0254  # metres
# Chunks that stay true when pixels change, although some are not marked so.
_KEPT = {
    b"gAMA",
    b"cHRM",
    b"sRGB",
    b"iCCP",
    b"cICP",
    b"mDCV",
    b"cLLI",
    b"pHYs",
    b"tEXt",
    b"zTXt",
    b"iTXt",
    b"tIME",
    b"eXIf",
}
_KEPT |= {b"sPLT", b"oFFs", b"pCAL", b"sCAL", b"sTER"}
_LENGTHS = {  # of chunks with one value for each sample, by colour type
    b"sBIT": {0: 1, 2: 3, 4: 2, 6: 4},
    b"bKGD": {0: 2, 2: 6, 4: 2, 6: 6},
}
_APART = {b"IDAT", b"IEND", b"PLTE", b"tRNS"}  # the pixels, read elsewhere


class Chunk(NamedTuple):
    """A chunk: its four letters and what is in it."""

    kind: bytes
    payload: bytes

    def encode(self) -> bytes:
        """Give the chunk as it stands in a file, with length and check sum."""
        body = self.kind + self.payload
        return struct.pack(">I", len(self.payload)) + body + struct.pack(">I", zlib.crc32(body))


class PngChunks(NamedTuple):
    """The chunks of a file beside its pixels.

    Attributes
    ----------
    chunks : tuple of Chunk
        In their order.
    colour_type, bit_depth : int
        Of the file, since some chunks mean nothing to pixels of another kind.
    """

    chunks: tuple[Chunk, ...]
    colour_type: int
    bit_depth: int


def read_chunks(path: Path, colour_type: int, bit_depth: int) -> dict[str, Any]:
    """Collect metadata from the chunks of a file, without reading its pixels.

    Parameters
    ----------
    path : Path
        The file, whose header was read already.
    colour_type, bit_depth : int
        From its header.

    Returns
    -------
    dict
        As in `bsn.data.files.images.Image`.
    """
    chunks, size = [], path.stat().st_size
    with path.open("rb") as file:
        place = 33
        while place + 12 <= size:
            file.seek(place)
            length, kind = struct.unpack(">I4s", file.read(8))
            if kind not in _APART and place + 12 + length <= size:
                chunks.append(Chunk(kind, file.read(length)))
            place += 12 + length
    metadata: dict[str, Any] = {CHUNKS: PngChunks(tuple(chunks), colour_type, bit_depth)} if chunks else {}
    for chunk in chunks:
        for key, value in meaning(chunk).items():
            metadata[key] = {**metadata.get(key, {}), **value} if key == "text" else value
    if colour_type == _PALETTE:
        metadata["palette"] = True
    return metadata


def meaning(chunk: Chunk) -> dict[str, Any]:
    """Translate a chunk to entries of `bsn.data.files.images.Image.metadata`.

    Parameters
    ----------
    chunk : Chunk
        Any chunk.

    Returns
    -------
    dict
        Empty for chunks that only mean something to PNG, and for damaged ones.
    """
    translate = _MEANINGS.get(chunk.kind)
    try:
        return translate(chunk.payload) if translate else {}
    except (ValueError, IndexError, struct.error, zlib.error):
        return {}


def chunks_for(metadata: Mapping[str, Any], colour_type: int, bit_depth: int) -> bytes:
    """Encode the metadata of an image for a file of its pixels.

    Parameters
    ----------
    metadata : mapping
        Of the image. Chunks of the file that it comes from are kept as they are, unless their meaning was changed here.
    colour_type, bit_depth : int
        Of the file that is written.

    Returns
    -------
    bytes
        Chunks, to follow the header.
    """
    stored: PngChunks | None = metadata.get(CHUNKS)
    kept = [c for c in stored.chunks if _stays(c, stored, colour_type, bit_depth)] if stored else []
    kept = [chunk for chunk in kept if _unchanged(chunk, metadata)]
    told: dict[str, Any] = {}
    for chunk in kept:
        for key, value in meaning(chunk).items():
            told[key] = {**told.get(key, {}), **value} if key == "text" else value
    return b"".join(chunk.encode() for chunk in [*kept, *_made(metadata, told)])


def chunks_lost(outline: Outline) -> list[str]:
    """Name the chunks that mean nothing to the pixels that are written.

    Parameters
    ----------
    outline : Outline
        The image.

    Returns
    -------
    list of str
        Their names.
    """
    stored: PngChunks | None = outline.metadata.get(CHUNKS)
    if not stored:
        return []
    alpha = outline.metadata.get("alpha") is not None
    depth = 8 * outline.dtype.itemsize
    colour = stored.colour_type & 2 | (4 if alpha else 0)
    kinds = [c.kind.decode("latin-1") for c in stored.chunks if not _stays(c, stored, colour, depth)]
    return [f"chunk {kind}" for kind in dict.fromkeys(kinds)]


def tells_resolution(metadata: Mapping[str, Any]) -> bool:
    """Tell whether a chunk of the image's own file has its resolution, also one in no unit.

    Parameters
    ----------
    metadata : mapping
        Of the image.

    Returns
    -------
    bool
    """
    stored: PngChunks | None = metadata.get(CHUNKS)
    return any(c.kind == b"pHYs" and _unchanged(c, metadata) for c in (stored.chunks if stored else ()))


def _stays(chunk: Chunk, stored: PngChunks, colour_type: int, bit_depth: int) -> bool:
    lengths = _LENGTHS.get(chunk.kind)
    if lengths is not None:
        alike = stored.bit_depth == bit_depth and stored.colour_type != _PALETTE
        return alike and len(chunk.payload) == lengths[colour_type]
    return chunk.kind in _KEPT or bool(chunk.kind[0] & chunk.kind[3] & 0x20)  # neither critical nor unsafe to copy


def _unchanged(chunk: Chunk, metadata: Mapping[str, Any]) -> bool:
    for key, value in meaning(chunk).items():
        if key == "text":
            now = metadata.get("text") or {}
            if any(now.get(keyword) != text for keyword, text in value.items()):
                return False
        elif metadata.get(key) != value:
            return False
    return True


def _made(metadata: Mapping[str, Any], told: Mapping[str, Any]) -> Iterable[Chunk]:
    """Make chunks of metadata that no kept chunk tells."""
    if metadata.get("icc_profile") and "icc_profile" not in told:
        yield Chunk(b"iCCP", b"profile\0\0" + zlib.compress(metadata["icc_profile"]))
    dots = dots_per_inch(metadata)
    if dots and "resolution" not in told:
        yield Chunk(b"pHYs", struct.pack(">IIB", *(round(d / _INCH) for d in dots), 1))
    exif = exif_of(metadata)
    if exif and "exif" not in told:
        yield Chunk(b"eXIf", exif.removeprefix(_EXIF))
    texts = dict(metadata.get("text") or {})
    if metadata.get("comment"):
        texts.setdefault("Comment", metadata["comment"])
    known = told.get("text", {})
    for keyword, text in texts.items():
        if keyword not in known:
            yield _text(keyword, text)
    if metadata.get("xmp") and "xmp" not in told:
        yield Chunk(b"iTXt", _XMP.encode() + b"\0\0\0\0\0" + metadata["xmp"])


def _text(keyword: str, text: str) -> Chunk:
    try:
        return Chunk(b"tEXt", keyword.encode("latin-1") + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return Chunk(b"iTXt", keyword.encode("latin-1", "replace") + b"\0\0\0\0\0" + text.encode())


def _inflated(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    text = stream.decompress(data, _LARGEST_TEXT)
    if not stream.eof:
        raise ValueError("cut off, or too long")
    return text


def _profile(payload: bytes) -> dict[str, Any]:
    _, _, rest = payload.partition(b"\0")
    return {"icc_profile": _inflated(rest[1:])}


def _density(payload: bytes) -> dict[str, Any]:
    x, y, unit = struct.unpack(">IIB", payload)
    if not (x and y):
        return {}
    per_unit = (x * _INCH, y * _INCH) if unit == 1 else (float(x), float(y))
    return {"resolution": per_unit, "resolution_unit": "inch" if unit == 1 else "none"}


def _plain_text(payload: bytes) -> dict[str, Any]:
    keyword, _, text = payload.partition(b"\0")
    return {"text": {keyword.decode("latin-1"): text.decode("latin-1")}}


def _packed_text(payload: bytes) -> dict[str, Any]:
    keyword, _, rest = payload.partition(b"\0")
    return {"text": {keyword.decode("latin-1"): _inflated(rest[1:]).decode("latin-1")}}


def _wide_text(payload: bytes) -> dict[str, Any]:
    keyword, _, rest = payload.partition(b"\0")
    packed, (_, _, text) = rest[0], rest[2:].split(b"\0", 2)
    text = _inflated(text) if packed else text
    name = keyword.decode("latin-1")
    return {"xmp": text} if name == _XMP else {"text": {name: text.decode()}}


_MEANINGS = {
    b"gAMA": lambda payload: {"gamma": struct.unpack(">I", payload)[0] / 1e5},
    b"cHRM": lambda payload: {"chromaticities": tuple(n / 1e5 for n in struct.unpack(">8I", payload))},
    b"sRGB": lambda payload: {"srgb_intent": payload[0]},
    b"tIME": lambda payload: {"modified": struct.unpack(">H5B", payload)},
    b"eXIf": lambda payload: {"exif": _EXIF + payload},
    b"iCCP": _profile,
    b"pHYs": _density,
    b"tEXt": _plain_text,
    b"zTXt": _packed_text,
    b"iTXt": _wide_text,
}
