"""Volumes of medical imaging, through nibabel: NIfTI 1 and 2 (also packed by gzip) and FreeSurfer's MGH.

The result of a volume has its header: the affine map to the scanner, units, the type of the stored numbers and their scaling
(scl_slope, scl_inter). A volume that comes from another kind of file gets pixels of size 1 and no place in a scanner.
"""

from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.container import CONTAINER, Container, container_of
from bsn.data.files.formats.decoded import Decoded, refuse_key
from bsn.data.files.formats.extras import need, output_file
from bsn.data.files.formats.losses import Keeping

SUFFIXES = (".nii", ".nii.gz", ".mgh", ".mgz")
#: A volume keeps the header of the file that it came from, and nothing of other formats.
KEEPING = Keeping("a NIfTI or MGH file")

_AXES = "XYZTC"  # in the order of the file, the first runs fastest; the fifth holds the numbers of a voxel
_FEWEST = 2


def read(path: Path, key: str | None = None) -> Decoded:
    """Read a volume.

    Parameters
    ----------
    path : Path
        The file.
    key : None
        These files hold one volume.

    Returns
    -------
    Decoded
        Pixels with their scaling applied, as stored where there is none; axes TZYX, ZYX or YX, and C for several numbers
        in a voxel.

    Raises
    ------
    DataError
        A key was given, fewer than two axes or more than five; nibabel is missing. Other failures are left to the caller
        to translate.
    """
    refuse_key(key, str(path))
    library = need("nibabel", "nibabel", str(path))
    path.open("rb").close()  # a missing file or a folder is told as for other formats
    volume = library.load(path)
    scaled = _scaling(volume) != (1.0, 0.0)
    pixels = np.asarray(volume.dataobj) if scaled else np.asarray(_stored(volume))
    pixels = pixels.transpose()
    if not _FEWEST <= pixels.ndim <= len(_AXES):
        raise DataError(
            f"{path} of shape {volume.shape}", "an image has two axes, a volume up to five", "give one of these"
        )
    axes = _AXES[: pixels.ndim][::-1]
    native = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    return Decoded(native, axes, {CONTAINER: Container(path, "volume")})


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a volume, with the header of the file that it came from where that is of the same kind.

    Parameters
    ----------
    path : Path
        Where to write; a new file.
    image : Decoded
        With axes among X, Y, Z, T and C.
    key : None
        These files hold one volume.
    target : Path
        The name, which chooses the kind of file.

    Raises
    ------
    DataError
        A key was given; axes or a pixel type that the kind of file does not have; nibabel is missing.
    """
    refuse_key(key, str(target))
    library = need("nibabel", "nibabel", str(target))
    pixels = _in_order(image, target)
    container = container_of(image.metadata, *SUFFIXES)
    kind = _kind(library, target)
    try:
        volume = _like(library.load(container.path), kind, pixels) if container else _new(kind, pixels)
    except library.spatialimages.HeaderDataError as error:
        raise DataError(
            f"{target} of type {pixels.dtype.name}", f"the format does not have it ({error})", "convert it to float32"
        ) from error
    with output_file(path, target) as file:
        file.write(volume.to_bytes())


def _scaling(volume: Any) -> tuple[float, float]:
    slope, inter = (getattr(volume.dataobj, name, None) for name in ("slope", "inter"))
    return 1.0 if slope is None else float(slope), 0.0 if inter is None else float(inter)


def _stored(volume: Any) -> Any:
    proxy = volume.dataobj
    return proxy.get_unscaled() if hasattr(proxy, "get_unscaled") else proxy


def _kind(library: Any, target: Path) -> Any:
    return library.MGHImage if target.suffix.lower() in (".mgh", ".mgz") else library.Nifti1Image


def _in_order(image: Decoded, target: Path) -> np.ndarray:
    """Pixels with X first; axes that the image does not have, but later ones need, get a length of one."""
    axes = (image.axes or "").replace("S", "C")
    if not set(axes) <= set(_AXES):
        raise DataError(f"axes {image.axes} for {target}", f"a volume has the axes {_AXES}", "write .npy or .h5")
    last = max(_AXES.index(letter) for letter in axes)
    pixels = image.pixels.transpose([axes.index(letter) for letter in _AXES if letter in axes])
    return pixels.reshape([image.pixels.shape[axes.index(x)] if x in axes else 1 for x in _AXES[: last + 1]])


def _new(kind: Any, pixels: np.ndarray) -> Any:
    return _build(kind, pixels, np.eye(4), kind.header_class())


def _like(original: Any, kind: Any, pixels: np.ndarray) -> Any:
    """A volume with the header of another, and the pixels stored as there."""
    if not isinstance(original, kind):
        return _build(kind, pixels, original.affine, kind.header_class())
    slope, inter = _scaling(original)
    stored = original.get_data_dtype()
    if stored.kind not in "iu" or (slope, inter) == (1.0, 0.0):
        return _build(type(original), pixels, original.affine, original.header.copy())
    limits = np.iinfo(stored)
    numbers = np.clip(np.rint((pixels.astype(np.float64) - inter) / slope), limits.min, limits.max).astype(stored)
    volume = _build(type(original), numbers, original.affine, original.header.copy())
    volume.header.set_slope_inter(slope, inter)
    return volume


def _build(kind: Any, pixels: np.ndarray, affine: np.ndarray, header: Any) -> Any:
    header.set_data_dtype(pixels.dtype)
    return kind(pixels, affine, header)
