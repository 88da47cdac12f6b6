"""What JPEG does to an image: compressed and read again, at any place on its grid of 8 x 8 pixels."""

import functools
import io
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bsn.data.errors import DataError

__all__ = ["Sampling", "jpeg_compressed", "jpeg_quality"]

Sampling = Literal["4:4:4", "4:2:2", "4:2:0"]

_GRID = 8


def jpeg_compressed(
    image: np.ndarray, quality: int, offset: tuple[int, int] = (0, 0), *, sampling: Sampling | None = None
) -> np.ndarray:
    """Compress an image and read it again.

    Parameters
    ----------
    image : ndarray, shape (1 or 3, H, W), float, range [0, 1]
        Rounded to 8 bits; what is outside the range is clipped.
    quality : int
        1 to 100, as the library of the Independent JPEG Group counts.
    offset : tuple of int
        Row and column of JPEG's grid at which the image begins, 0 to 7 each.
    sampling : {"4:4:4", "4:2:2", "4:2:0"}, optional
        Resolution of the colours: full, half along the rows, or half along both. By default full from quality 90 on, else
        half along both, as most cameras store them.

    Returns
    -------
    ndarray, same shape, float32

    Raises
    ------
    DataError
        Other numbers of channels or a quality out of range.

    Examples
    --------
    >>> flat = np.full((1, 10, 12), 0.2, np.float32)
    >>> bool(np.abs(jpeg_compressed(flat, 90, (3, 5)) - flat).max() < 1 / 255)
    True
    """
    if image.ndim != 3 or len(image) not in (1, 3):
        raise DataError(f"an image of shape {image.shape} for JPEG", "JPEG holds grey or RGB", "give 1 or 3 channels")
    if not 1 <= quality <= 100:
        raise DataError(f"JPEG quality {quality}", "qualities are 1 to 100", "use for example 90")
    from PIL import Image

    top, left = (place % _GRID for place in offset)
    framed = np.pad(image, ((0, 0), (top, 0), (left, 0)), mode="edge")
    pixels = np.clip(np.rint(framed * 255), 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(np.moveaxis(pixels, 0, -1)))
    stored = io.BytesIO()
    colours: dict[str, Any] = {} if len(pixels) == 1 else {"subsampling": sampling or _sampling(quality)}
    picture.save(stored, format="JPEG", quality=quality, **colours)
    stored.seek(0)
    read = np.asarray(Image.open(stored), dtype=np.float32) / 255
    planes = read[None] if read.ndim == 2 else np.moveaxis(read, -1, 0)
    return np.ascontiguousarray(planes[:, top:, left:])


def _sampling(quality: int) -> Sampling:
    """Resolution of the colours that cameras store at a quality."""
    return "4:4:4" if quality >= 90 else "4:2:0"


def jpeg_quality(path: str | Path) -> int | None:
    """Quality with which a JPEG file was written, as the library of the Independent JPEG Group counts.

    Parameters
    ----------
    path : str or Path
        Any file.

    Returns
    -------
    int or None
        Of cameras' own tables, the quality whose table is as coarse on average. None for files that are no JPEG.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=["JPEG"]) as picture:
            tables = getattr(picture, "quantization", {})
    except (UnidentifiedImageError, OSError):
        return None
    if not tables:
        return None
    found = sum(tables[min(tables)])
    return min(range(1, 101), key=lambda quality: abs(_coarseness()[quality] - found))


@functools.cache
def _coarseness() -> dict[int, int]:
    """Sum of the brightness table of each quality."""
    from PIL import Image

    sums = {}
    for quality in range(1, 101):
        stored = io.BytesIO()
        Image.new("L", (8, 8)).save(stored, format="JPEG", quality=quality)
        stored.seek(0)
        sums[quality] = sum(getattr(Image.open(stored), "quantization", {0: [0]})[0])
    return sums
