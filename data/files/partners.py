"""Files that belong together: a noisy image, its result, its truth. One set of options reads them all."""

import dataclasses
from pathlib import Path

import numpy as np

from bsn.data.arrays.planes import check_finite, to_planes
from bsn.data.files.formats import find_format
from bsn.data.files.images import read_image
from bsn.data.files.options import ReadOptions


def partner_options(path: Path, options: ReadOptions | None) -> ReadOptions:
    """How one of several files that belong together is read: a key counts where the format of the file has names.

    Parameters
    ----------
    path : Path
        The file.
    options : ReadOptions, optional
        How all of them are read; the defaults where it is left out.

    Returns
    -------
    ReadOptions
        Without the key for PNG, JPEG and npy, so that the truth of a data set may be a picture.

    Raises
    ------
    DataError
        If the suffix is not known.
    """
    chosen = options or ReadOptions()
    return chosen if find_format(path).named else dataclasses.replace(chosen, key=None)


def read_planes(path: str | Path, options: ReadOptions | None = None) -> np.ndarray:
    """Read one of several files that belong together, as image values.

    Parameters
    ----------
    path : str or Path
        The file.
    options : ReadOptions, optional
        How all of them are read, see `partner_options`.

    Returns
    -------
    ndarray, shape (N, C, H, W), float32
        Missing pixels, if the options keep them, are NaN or infinite.

    Raises
    ------
    DataError
        If the file cannot be read, or has missing pixels that are not to be kept.
    """
    how = partner_options(Path(path), options)
    image = read_image(path, how)
    check_finite(image.pixels, str(path), how.nan)
    return to_planes(image.pixels, image.axes, nan="keep", value_range=how.value_range)[0]
