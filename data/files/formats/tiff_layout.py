"""How an image is laid out in a TIFF file that is written here.

The order of the axes in the file is leading axes, channels, rows, columns, whatever it was in the array: that is what
other programs expect. ImageJ's hyperstack format, which Fiji and nearly all others understand, takes uint8, uint16 and
float32 with axes out of T Z C Y X, none but Y of size 1. Other images are plain TIFF with the axes in tifffile's
description. Three channels that stand last (or were RGB when they were read) are written as the samples of RGB pixels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.files.formats.losses import Keeping, Outline

_IMAGEJ_ORDER = "TZC"
_IMAGEJ_TYPES = ("uint8", "uint16", "float32")
_CLASSIC_LIMIT = 2**32 - 2**25  # bytes that 32-bit offsets reach, less room for the directories


@dataclass(frozen=True)
class TiffLayout:
    """Where each axis of an array goes, and what tifffile is told.

    Attributes
    ----------
    order : tuple of int
        Permutation from the array to the file.
    axes : str
        Axes in the file.
    shape : tuple of int
        Shape in the file.
    options : dict
        Keywords of ``tifffile.imwrite``.
    """

    order: tuple[int, ...]
    axes: str
    shape: tuple[int, ...]
    options: dict[str, Any]


def plan_layout(axes: str, shape: tuple[int, ...], dtype: np.dtype[Any], metadata: Mapping[str, Any]) -> TiffLayout:
    """Decide how an image is stored.

    Parameters
    ----------
    axes : str
        Axes of the array.
    shape : tuple of int
        Its shape.
    dtype : numpy.dtype
        Its type.
    metadata : mapping
        See `bsn.data.files.images.Image`.

    Returns
    -------
    TiffLayout
        The plan.
    """
    index = PlaneIndex(axes, shape)
    rgb = index.depth == 3 and (index.axes.endswith(index.channel_axis) or metadata.get("photometric") == "rgb")
    leading = "".join(sorted(index.leading, key=_IMAGEJ_ORDER.find))
    stored = leading + ("YX" + index.channel_axis if rgb else index.channel_axis + "YX")
    order = tuple(index.axes.index(a) for a in stored)
    stored_shape = tuple(shape[i] for i in order)
    # "S" would mean interleaved samples, which these are only in RGB.
    letters = stored.replace(index.channel_axis, "S") if rgb else stored.replace("S", _free_letter(stored))
    nbytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    options: dict[str, Any] = {"photometric": "rgb" if rgb else "minisblack", **_tags(metadata)}
    if rgb:
        options["planarconfig"] = "contig"
    white = metadata.get("photometric") == "miniswhite" and not rgb
    if not white and nbytes < _CLASSIC_LIMIT and _suits_imagej(letters, stored_shape, np.dtype(dtype).name):
        options["imagej"] = True
        options["metadata"] = {**_imagej_settings(metadata, letters), "axes": letters}
    else:
        options["photometric"] = "miniswhite" if white else options["photometric"]
        options["metadata"] = {"axes": letters}
        options["bigtiff"] = nbytes >= _CLASSIC_LIMIT
    return TiffLayout(order, letters, stored_shape, options)


def _unable(outline: Outline) -> Iterable[str]:
    """ImageJ's settings have a place in its own kind of TIFF only."""
    layout = plan_layout(outline.axes, outline.shape, outline.dtype, outline.metadata)
    lost = bool(outline.metadata.get("imagej")) and not layout.options.get("imagej")
    return ["ImageJ settings"] if lost else []


#: What TIFF files keep.
KEEPING = Keeping(
    "a TIFF", frozenset({"resolution", "icc_profile", "imagej", "orientation", "photometric"}), unable=_unable
)


def _free_letter(letters: str) -> str:
    return next(a for a in "CQIPRVW" if a not in letters)


def _suits_imagej(letters: str, shape: tuple[int, ...], dtype: str) -> bool:
    types = ("uint8",) if "S" in letters else _IMAGEJ_TYPES
    sizes = dict(zip(letters, shape, strict=True))
    known = set(letters) <= set("TZCYXS")
    # One row is fine, but tifffile takes a stack of single columns for one image.
    return dtype in types and known and all(n > 1 for a, n in sizes.items() if a != "Y")


def _imagej_settings(metadata: Mapping[str, Any], letters: str) -> dict[str, Any]:
    settings = dict(metadata.get("imagej", {}))
    if "C" not in letters:
        settings.pop("mode", None)  # "composite" without channels is refused by ImageJ
    return settings


def _tags(metadata: Mapping[str, Any]) -> dict[str, Any]:
    tags: dict[str, Any] = {}
    if "resolution" in metadata:
        tags["resolution"] = tuple(metadata["resolution"])
        tags["resolutionunit"] = metadata.get("resolution_unit", "none").upper()
    if metadata.get("icc_profile"):
        tags["iccprofile"] = metadata["icc_profile"]
    if "orientation" in metadata:
        tags["extratags"] = [(274, 3, 1, metadata["orientation"], True)]
    return tags
