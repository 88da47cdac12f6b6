"""How an image is laid out in a TIFF file that is written here.

The order of the axes in the file is leading axes, channels, rows, columns, whatever it was in the array: that is what
other programs expect. ImageJ's hyperstack format, which Fiji and nearly all others understand, takes uint8, uint16 and
float32 with axes out of T Z C Y X, none but Y of size 1. Other images are plain TIFF with the axes in tifffile's
description. Three channels that stand last (or were RGB when they were read) are written as the samples of RGB pixels. Bands
that lay within the pages of the file that was read, as those of satellite images do, lie within the pages again.
"""

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.files.formats.alpha import ALPHA, PREMULTIPLIED, Joining, alpha_lost
from bsn.data.files.formats.losses import Keeping, Outline
from bsn.data.files.formats.ome_xml import describe_stored
from bsn.data.files.formats.tiff_metadata import KEYS, TiffStorage, storage_options, tag_options

_UNSPECIFIED, _ASSOCIATED, _UNASSOCIATED = 0, 1, 2  # kinds of extra samples
_IMAGEJ_ORDER = "TZC"
_IMAGEJ_TYPES = ("uint8", "uint16", "float32")
_IMAGEJ_BLOCKS = ("Info", "Labels", "Ranges", "LUTs", "Plot", "ROI", "Overlays", "Properties")  # not in the description
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
    dtype : numpy.dtype
        Type of the pixels.
    options : dict
        Keywords of ``tifffile.imwrite``.
    in_order : bool
        Whether the pixels can only be written one after the other: they are compressed, in tiles, or single bits.
    """

    order: tuple[int, ...]
    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    options: dict[str, Any]
    in_order: bool


def plan_layout(
    axes: str, shape: tuple[int, ...], dtype: np.dtype[Any], metadata: Mapping[str, Any], *, alpha: bool = False
) -> TiffLayout:
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
    alpha : bool
        Whether the last channel is the opacity; the channels are then the last axis.

    Returns
    -------
    TiffLayout
        The plan.
    """
    index = PlaneIndex(axes, shape)
    colours = index.depth - alpha
    storage: TiffStorage | None = metadata.get("tiff_storage")
    bands = storage is not None and 1 < storage.samples == index.depth
    known_rgb = metadata.get("photometric") == "rgb"
    rgb = colours == 3 and (alpha or index.axes.endswith(index.channel_axis) or known_rgb)
    rgb = rgb or (bands and known_rgb and colours > 3)
    leading = "".join(sorted(index.leading, key=_IMAGEJ_ORDER.find))
    interleaved = rgb or alpha or bands
    stored = leading + ("YX" + index.channel_axis if interleaved else index.channel_axis + "YX")
    order = tuple(index.axes.index(a) for a in stored)
    stored_shape = tuple(shape[i] for i in order)
    # "S" would mean interleaved samples.
    letters = stored.replace(index.channel_axis, "S") if interleaved else stored.replace("S", _free_letter(stored))
    dtype = np.dtype(dtype)
    large = math.prod(shape) * dtype.itemsize >= _CLASSIC_LIMIT
    white = metadata.get("photometric") == "miniswhite" and not rgb
    options: dict[str, Any] = {
        "photometric": "rgb" if rgb else "miniswhite" if white else "minisblack",
        **tag_options(metadata),
        **storage_options(storage, dtype),
        "bigtiff": large or (storage is not None and storage.bigtiff),
        "ome": False,
    }
    if interleaved:
        options["planarconfig"] = "contig"
    others = [_UNSPECIFIED] * (colours - (3 if rgb else 1)) if interleaved else []
    if alpha:
        others.append(_ASSOCIATED if metadata.get(PREMULTIPLIED) else _UNASSOCIATED)
    if others:
        options["extrasamples"] = others
    imagej = not (white or others) and _suits_imagej(letters, stored_shape, dtype.name)
    options.update(_words(metadata, letters, stored_shape, dtype, imagej=imagej))
    in_order = dtype.kind == "b" or "compression" in options or "tile" in options
    return TiffLayout(order, letters, stored_shape, dtype, options, in_order)


def write_layout(path: Path, layout: TiffLayout, pixels: Any, *, tile: tuple[int, int] | None = None) -> None:
    """Write a TIFF file at once.

    Parameters
    ----------
    path : Path
        Where.
    layout : TiffLayout
        How.
    pixels : ndarray or iterator of ndarray
        The image in the order of the layout; or its pages; or its tiles, whole ones also at the borders.
    tile : tuple of int, optional
        Rows and columns of a tile, if not those of the layout.
    """
    import tifffile

    options = {**layout.options, **({"tile": tile} if tile else {})}
    if not isinstance(pixels, np.ndarray):
        options.update(shape=layout.shape, dtype=layout.dtype)
    with path.open("wb") as file, quiet():
        tifffile.imwrite(file, pixels, **options)


def reserve_layout(path: Path, layout: TiffLayout) -> int:
    """Write a TIFF file whose pixels are still to be filled in.

    Parameters
    ----------
    path : Path
        Where.
    layout : TiffLayout
        How; not one that is written in order.

    Returns
    -------
    int
        Where the pixels begin, in the byte order of the layout.
    """
    import tifffile

    with path.open("wb") as file, quiet():
        place = tifffile.imwrite(file, shape=layout.shape, dtype=layout.dtype, returnoffset=True, **layout.options)
    if place is None:
        raise RuntimeError("tifffile gave no room for the pixels")
    return place[0]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep tifffile from telling the user that ImageJ itself does not read its format beyond 4 GB."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*nonconformant BigTIFF ImageJ", category=UserWarning)
        yield


def _words(
    metadata: Mapping[str, Any], letters: str, shape: tuple[int, ...], dtype: np.dtype[Any], *, imagej: bool
) -> dict[str, Any]:
    """Choose the description: of OME, of ImageJ, or the one that the image had, with tifffile's own about the axes."""
    storage, extra = metadata.get("tiff_storage"), metadata.get("tiff_json") or {}
    ome = describe_stored(metadata["ome_xml"], letters, shape, dtype) if metadata.get("ome_xml") else None
    if ome is not None:
        return {"description": ome.encode(), "metadata": None}
    description = metadata.get("description") or metadata.get("comment")
    plain = storage is not None and not storage.described and len(letters.replace("S", "")) == 2
    if imagej and (metadata.get("imagej") or not (description or extra or plain)):
        colours = metadata.get("colour_map")
        fits = colours is not None and np.shape(colours) == (3, 256) and "S" not in letters
        settings = {**_imagej_settings(metadata, letters), "axes": letters}
        return {"imagej": True, "metadata": settings, **({"colormap": colours} if fits else {})}
    words: dict[str, Any] = {"description": description} if description else {}
    return {**words, "metadata": None if plain and not extra else {**extra, "axes": letters}}


def _unable(outline: Outline) -> Iterable[str]:
    """ImageJ's settings and OME-XML have a place in their own kinds of TIFF only."""
    options = plan_outline(outline).options
    yield from alpha_lost(outline)
    if outline.metadata.get("imagej") and not options.get("imagej"):
        yield "ImageJ settings"
    if outline.metadata.get("ome_xml") and (options["metadata"] is not None or options.get("imagej")):
        yield "OME-XML"
    if outline.metadata.get("comment") and options.get("description") != outline.metadata["comment"]:
        yield "comment"
    if outline.metadata.get("exif"):
        yield "EXIF data but maker, model, date, author and copyright"
    if "colour_map" in outline.metadata and "colormap" not in options:
        yield "colour table"
    storage = outline.metadata.get("tiff_storage")
    if storage is not None and storage.lossy:
        yield f"{storage.lossy} compression (it is compressed without loss)"


def plan_outline(outline: Outline) -> TiffLayout:
    """Decide how an image is stored with its alpha channel.

    Parameters
    ----------
    outline : Outline
        The image.

    Returns
    -------
    TiffLayout
        Its order and shape are those of the joined image, see `bsn.data.files.formats.alpha.Joining`.
    """
    joining = Joining.of(*outline)
    axes, shape = (outline.axes, outline.shape) if joining is None else (joining.axes, joining.shape)
    return plan_layout(axes, shape, outline.dtype, outline.metadata, alpha=joining is not None)


#: What TIFF files keep.
KEEPING = Keeping(
    "a TIFF",
    frozenset(
        {
            "comment",
            "exif",
            "icc_profile",
            "imagej",
            "orientation",
            "photometric",
            "resolution",
            ALPHA,
            PREMULTIPLIED,
            *KEYS,
        }
    ),
    _unable,
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
    return {_escaped(key): value if key in _IMAGEJ_BLOCKS else _escaped(value) for key, value in settings.items()}


def _escaped(word: Any) -> Any:
    r"""Write letters beyond ASCII as ImageJ does in its description: ``\u00B5`` for a micro sign."""
    if not isinstance(word, str):
        return word
    return "".join(letter if letter.isascii() else f"\\u{ord(letter):04X}" for letter in word)
