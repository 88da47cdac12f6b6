"""Images whose zero is white (TIFF's WhiteIsZero), for formats whose zero is always black."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.losses import Keeping

_PHOTOMETRIC = "photometric"


def must_invert(metadata: Mapping[str, Any], keeping: Keeping, dtype: np.dtype[Any], target: Path) -> bool:
    """Say whether the values of an image have to be turned round for a file.

    Parameters
    ----------
    metadata : mapping
        See `bsn.data.files.images.Image`.
    keeping : Keeping
        What the format of the file keeps.
    dtype : numpy.dtype
        Type of the pixels in the file.
    target : Path
        The file, for messages.

    Returns
    -------
    bool
        True where zero is white in the image and the format cannot say so.

    Raises
    ------
    DataError
        The values would have to be turned round, and their type does not say which one is black.
    """
    if metadata.get(_PHOTOMETRIC) != "miniswhite" or _PHOTOMETRIC in keeping.keys:
        return False
    if dtype.kind not in "ub":
        raise DataError(
            f"{dtype.name} pixels for {target}",
            f"zero is white in this image, which {keeping.name} cannot say, and it is open which value is black",
            "write .tif",
        )
    return True


def inverted(pixels: np.ndarray) -> np.ndarray:
    """Exchange black and white.

    Parameters
    ----------
    pixels : ndarray, unsigned integers or bool
        Any shape.

    Returns
    -------
    ndarray, same shape and type
        The largest value of the type less the pixel.

    Examples
    --------
    >>> inverted(np.array([0, 10, 255], np.uint8)).tolist()
    [255, 245, 0]
    """
    return np.invert(pixels)


def without_mark(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out that zero is white.

    Parameters
    ----------
    metadata : mapping
        See `bsn.data.files.images.Image`.

    Returns
    -------
    dict
        A copy.
    """
    return {key: value for key, value in metadata.items() if key != _PHOTOMETRIC}
