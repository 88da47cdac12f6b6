"""JPEG files.

Read upright, as every viewer shows them: the orientation that a camera wrote into the EXIF data is applied to the
pixels and then removed from the data that is kept. Written with quality 95 and full colour resolution (4:4:4). JPEG is
lossy: a written file does not hold exactly the pixels that went in.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.decoded import Decoded, refuse_key
from bsn.data.files.formats.flat import dots_per_inch, exif_of, flat_pixels, open_picture, without_length
from bsn.data.files.formats.losses import Keeping

SUFFIXES = (".jpg", ".jpeg")
#: What JPEG files keep.
KEEPING = Keeping(
    "a JPEG", frozenset({"resolution", "icc_profile", "exif", "orientation", "xmp", "comment"}), without_length
)

_QUALITY = 95
# Beginnings of segments that are kept, or that only tell a decoder how the picture is stored.
_KNOWN = {
    "APP0": (b"JFIF\0",),
    "APP1": (b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"),
    "APP2": (b"ICC_PROFILE\0",),
    "APP14": (b"Adobe",),
}
_NAMES = {
    b"Photoshop 3.0\0": "Photoshop resources (IPTC)",
    b"MPF\0": "further pictures (MPF)",
    b"JFXX\0": "preview",
    b"http://ns.adobe.com/xmp/extension/\0": "second part of the XMP",
}


def read(path: Path, key: str | None = None) -> Decoded:
    """Read a JPEG file.

    Parameters
    ----------
    path : Path
        The file.
    key : None
        JPEG files have no named parts.

    Returns
    -------
    Decoded
        uint8, axes YX or YXC.

    Raises
    ------
    DataError
        No JPEG, truncated, or neither grey nor RGB.
    """
    refuse_key(key, str(path))
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise DataError(str(path), "is empty", "copy or download it again")
    if not head.startswith(b"\xff\xd8"):
        raise DataError(str(path), f"is not a JPEG file (it begins with {head!r})", "rename it to what it is")
    from PIL import ImageOps

    with open_picture(path, "JPEG") as picture:
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        if upright.mode not in ("L", "RGB"):
            raise DataError(str(path), f"has the colour mode {upright.mode}", "convert it to RGB or grey")
        metadata = {**_metadata(upright), **_others(picture)}
        pixels = np.asarray(upright).copy()
    return Decoded(pixels, "YX" if pixels.ndim == 2 else "YXC", metadata)


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a JPEG file, quality 95, 4:4:4.

    Parameters
    ----------
    path : Path
        Where to write.
    image : Decoded
        uint8, one plane, grey or RGB.
    key : None
        JPEG files have no named parts.
    target : Path
        The name for messages.

    Raises
    ------
    DataError
        A type or a shape that JPEG does not hold.
    """
    refuse_key(key, str(target))
    if image.pixels.dtype != np.uint8:
        raise DataError(
            f"{image.pixels.dtype} pixels for {target}", "JPEG holds uint8", "write .tif, .npy, .h5 or .mat, or convert"
        )
    pixels = flat_pixels(image, target)
    from PIL import Image

    Image.fromarray(pixels).save(path, format="JPEG", quality=_QUALITY, subsampling=0, **_options(image.metadata))


def _metadata(picture: Any) -> dict[str, Any]:
    """Collect what must survive a round trip; the orientation is gone, since the pixels are upright."""
    info = picture.info
    metadata: dict[str, Any] = {name: info[name] for name in ("icc_profile", "exif", "xmp") if info.get(name)}
    density = info.get("jfif_density", (1, 1))
    if "dpi" in info:
        metadata.update(resolution=tuple(float(n) for n in info["dpi"]), resolution_unit="inch")
    elif info.get("jfif_unit") == 0 and density != (1, 1):
        metadata.update(resolution=tuple(float(n) for n in density), resolution_unit="none")
    if info.get("comment"):
        metadata["comment"] = _decoded(info["comment"])
    return metadata


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _others(picture: Any) -> dict[str, Any]:
    """Name what is not kept: a result has no place for it, or it speaks of the old pixels."""
    others = []
    for kind, payload in picture.applist:
        known = any(payload.startswith(start) for start in _KNOWN.get(kind, ()))
        named = next((name for start, name in _NAMES.items() if payload.startswith(start)), f"segment {kind}")
        if kind.startswith("APP") and not known:
            others.append(named)
    return {"left_behind": tuple(dict.fromkeys(others))} if others else {}


def _options(metadata: Mapping[str, Any]) -> dict[str, Any]:
    options = {name: metadata[name] for name in ("icc_profile", "xmp", "comment") if metadata.get(name)}
    exif, dots = exif_of(metadata), dots_per_inch(metadata)
    if exif:
        options["exif"] = exif
    return {**options, "dpi": tuple(round(d) for d in dots)} if dots else options
