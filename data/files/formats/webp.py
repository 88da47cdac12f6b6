"""WebP files.

Read upright, as every viewer shows them: the orientation in the EXIF data is applied to the pixels and then removed from the
data that is kept. An alpha channel is put aside, see `bsn.data.files.formats.alpha`. Written without loss, so that a file holds
exactly the pixels that went in; the format knows RGB alone, and a grey image is written as RGB.
"""

from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.alpha import ALPHA, alpha_lost, split_alpha
from bsn.data.files.formats.decoded import Decoded, refuse_key
from bsn.data.files.formats.flat import exif_of, flat_pixels, open_picture, with_alpha
from bsn.data.files.formats.losses import Keeping

SUFFIXES = (".webp",)
_LARGEST_SIDE = 16383
#: What WebP files keep.
KEEPING = Keeping("a WebP", frozenset({ALPHA, "exif", "icc_profile", "orientation", "xmp"}), unable=alpha_lost)

_HEADER = 12


def check_header(path: Path) -> None:
    """Refuse a file that is not a WebP.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    DataError
        Empty, or a file of another format.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER)
    if not head:
        raise DataError(str(path), "is empty", "copy or download it again")
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        raise DataError(str(path), f"is not a WebP file (it begins with {head!r})", "rename it to what it is")


def read(path: Path, key: str | None = None) -> Decoded:
    """Read a WebP file.

    Parameters
    ----------
    path : Path
        The file.
    key : None
        WebP files have no named parts.

    Returns
    -------
    Decoded
        uint8, axes YXC, RGB.

    Raises
    ------
    DataError
        No WebP, truncated, or an animation.
    """
    refuse_key(key, str(path))
    check_header(path)
    from PIL import ImageOps

    with open_picture(path, "WEBP") as picture:
        if getattr(picture, "n_frames", 1) > 1:
            raise DataError(str(path), "is an animation", "save its frames as files of their own")
        upright = ImageOps.exif_transpose(picture)
        metadata: dict[str, Any] = {
            name: upright.info[name] for name in ("icc_profile", "exif", "xmp") if upright.info.get(name)
        }
        # Pillow gives a file without an alpha channel as RGB, or as RGBX where the header promised one.
        pixels = np.asarray(upright if upright.mode in ("RGB", "RGBA") else upright.convert("RGB"))
    if pixels.shape[2] > 3:
        pixels, alpha = split_alpha(pixels, 2)
        metadata[ALPHA] = np.ascontiguousarray(alpha)
    return Decoded(np.ascontiguousarray(pixels), "YXC", metadata)


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a WebP file without loss.

    Parameters
    ----------
    path : Path
        Where to write.
    image : Decoded
        uint8, one plane, grey or RGB, at most 16,383 pixels wide and high; its metadata may have an alpha channel.
    key : None
        WebP files have no named parts.
    target : Path
        The name for messages.

    Raises
    ------
    DataError
        A type, a shape or a size that WebP does not hold.
    """
    refuse_key(key, str(target))
    if image.pixels.dtype != np.uint8:
        raise DataError(
            f"{image.pixels.dtype} pixels for {target}",
            "WebP holds uint8",
            "write .png, .tif, .npy, .h5 or .mat, or convert",
        )
    pixels = flat_pixels(image, target)
    if max(pixels.shape[:2]) > _LARGEST_SIDE:
        height, width = pixels.shape[:2]
        raise DataError(
            f"{height} x {width} pixels for {target}",
            f"WebP holds at most {_LARGEST_SIDE} along a side",
            "write .png or .tif",
        )
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    pixels = with_alpha(pixels, image)
    options = {name: image.metadata[name] for name in ("icc_profile", "xmp") if image.metadata.get(name)}
    exif = exif_of(image.metadata)
    if exif:
        options["exif"] = exif
    from PIL import Image

    # "exact" keeps the colours of pixels that are wholly transparent.
    Image.fromarray(pixels).save(path, format="WEBP", lossless=True, exact=True, **options)
