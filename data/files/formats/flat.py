"""What the picture formats PNG, JPEG and WebP have in common: one plane, grey or RGB, read and written through Pillow."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.errors import DataError
from bsn.data.files.formats.alpha import ALPHA, find_alpha
from bsn.data.files.formats.decoded import Decoded
from bsn.data.files.formats.losses import Outline

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

_ORIENTATION = 0x0112


def flat_pixels(image: Decoded, target: Path) -> np.ndarray:
    """Give the one plane of an image as a picture format stores it.

    Parameters
    ----------
    image : Decoded
        Its axes must be known.
    target : Path
        The file to be written, for messages.

    Returns
    -------
    ndarray, shape (H, W) or (H, W, 3)
        Contiguous, dtype of the image.

    Raises
    ------
    DataError
        More than one plane, or a channel count other than 1 and 3.
    """
    index = PlaneIndex(image.axes or "", image.pixels.shape)
    remedy = "write .tif, .npy, .h5 or .mat"
    if index.count != 1:
        raise DataError(f"{index.count} planes for {target}", f"a {target.suffix} file holds one", remedy)
    if index.depth not in (1, 3):
        raise DataError(f"{index.depth} channels for {target}", f"a {target.suffix} file holds grey or RGB", remedy)
    plane = index.from_box(image.pixels)
    # A copy rather than ascontiguousarray, which leaves odd strides on axes of size 1; encoders refuse those.
    return np.array(plane[0] if index.depth == 1 else plane.transpose(1, 2, 0), order="C")


def with_alpha(pixels: np.ndarray, image: Decoded) -> np.ndarray:
    """Add the alpha channel of an image to its plane.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C)
        See :func:`flat_pixels`.
    image : Decoded
        The image of these pixels.

    Returns
    -------
    ndarray, shape (H, W, 2) or (H, W, C + 1)
        The pixels as they are where the image has no alpha channel of its size and type.
    """
    index = PlaneIndex(image.axes or "", image.pixels.shape)
    alpha = find_alpha(image.metadata, index, pixels.dtype)
    if alpha is None:
        return pixels
    opacity = alpha.read([0] * (len(index.shape) - bool(index.channel_axis)), np.shape(image.metadata[ALPHA]))
    return np.dstack([pixels, opacity.reshape(index.size)])


def open_picture(path: Path, kind: str) -> "PillowImage":
    """Open a picture file.

    Parameters
    ----------
    path : Path
        The file.
    kind : {"PNG", "JPEG", "WEBP"}
        Only this decoder is tried.

    Returns
    -------
    PIL.Image.Image
        Opened, not yet decoded; to be used in a ``with`` statement.

    Raises
    ------
    DataError
        The picture is larger than Pillow opens. Other failures are left to the caller to translate.
    """
    from PIL import Image

    try:
        return Image.open(path, formats=[kind])
    except Image.DecompressionBombError as error:
        raise DataError(
            str(path), "has more pixels than Pillow opens", "convert it to TIFF, which is read piece by piece"
        ) from error


def dots_per_inch(metadata: Mapping[str, Any]) -> tuple[float, float] | None:
    """Translate the resolution to dots per inch, all that picture formats know.

    Parameters
    ----------
    metadata : mapping
        Metadata of an image.

    Returns
    -------
    tuple of float or None
        None where there is no resolution or its unit is not a length.
    """
    factor = {"inch": 1.0, "centimeter": 2.54}.get(metadata.get("resolution_unit", ""))
    if factor is None or "resolution" not in metadata:
        return None
    x, y = metadata["resolution"]
    return float(x) * factor, float(y) * factor


def without_length(outline: Outline) -> list[str]:
    """Name a resolution that picture formats cannot hold.

    Parameters
    ----------
    outline : Outline
        The image.

    Returns
    -------
    list of str
        Empty, unless there is a resolution in a unit that is not a length.
    """
    resolution = outline.metadata.get("resolution")
    square = resolution is not None and tuple(resolution) == (1, 1)  # of no unit: square pixels, which nobody misses
    return [] if resolution is None or square or dots_per_inch(outline.metadata) else ["resolution"]


def exif_of(metadata: Mapping[str, Any]) -> bytes:
    """Give the EXIF data for a picture.

    Parameters
    ----------
    metadata : mapping
        Metadata of an image.

    Returns
    -------
    bytes
        With the six bytes that JPEG puts before them. Those of the image; else, for an orientation that a TIFF file told, new
        ones that tell it; else empty.
    """
    if metadata.get("exif"):
        return bytes(metadata["exif"])
    if "orientation" not in metadata:
        return b""
    from PIL import Image

    exif = Image.Exif()
    exif[_ORIENTATION] = metadata["orientation"]
    return exif.tobytes()
