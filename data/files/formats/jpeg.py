"""JPEG files.

Read upright, as every viewer shows them: the orientation that a camera wrote into the EXIF data is applied to the
pixels and then removed from the data that is kept. Written with quality 95 and full colour resolution (4:4:4). JPEG is
lossy: a written file does not hold exactly the pixels that went in.
"""

from pathlib import Path

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.decoded import Decoded, refuse_key
from bsn.data.files.formats.flat import flat_pixels, open_picture, pillow_metadata, pillow_options, without_length
from bsn.data.files.formats.losses import Keeping

#: What JPEG files keep.
KEEPING = Keeping("a JPEG", frozenset({"resolution", "icc_profile", "exif"}), without_length)

_QUALITY = 95


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
        metadata = pillow_metadata(upright)
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

    options = pillow_options(image.metadata)
    if "dpi" in options:
        options["dpi"] = tuple(round(d) for d in options["dpi"])
    Image.fromarray(pixels).save(path, format="JPEG", quality=_QUALITY, subsampling=0, **options)
