"""What a result cannot keep of the metadata of its image, told in one line: kept, or said to be lost."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from bsn.data.errors import name_some

#: What is told of each key of `Image.metadata`; a key that is not here is told by its own name.
_WORDS = {
    "alpha": "alpha channel (opacity)",
    "alpha_premultiplied": "mark that the colours are multiplied by the alpha channel",
    "chromaticities": "primary colours (cHRM)",
    "clip": "sound, times and colour tags of the video",
    "colour_map": "colour table",
    "comment": "comment",
    "exif": "EXIF data",
    "gamma": "gamma",
    "geo_tags": "GeoTIFF tags",
    "icc_profile": "colour profile",
    "imagej": "ImageJ settings",
    "masked": "mask (the pixels under it are as they were)",
    "modified": "date",
    "mosaic": "mosaic (colour pattern and levels of the sensor)",
    "ome_xml": "OME-XML",
    "ome_zarr": "OME-Zarr metadata (names of channels, transformations)",
    "orientation": "orientation",
    "palette": "palette (its colours are written as RGB)",
    "resolution": "resolution",
    "srgb_intent": "sRGB mark",
    "text": "text",
    "tiff_json": "metadata of tifffile",
    "tiff_tags": "TIFF tags (date, author ...)",
    "vendor_tags": "tags of the vendor",
    "xmp": "XMP",
}
#: Keys that tell how pixels are stored or where they came from; the unit goes with the resolution, and
#: where zero is white, the values are turned round.
_SILENT = {
    "container",
    "deviation",
    "left_behind",
    "npy_byteorder",
    "photometric",
    "png_chunks",
    "resolution_unit",
    "software",
    "tiff_storage",
    "value_range",
    "zarr_layout",
}
_NAMED = 12


class Outline(NamedTuple):
    """An image that is to be written, without its pixels.

    Attributes
    ----------
    axes : str
        One letter per axis.
    shape : tuple of int
        Its shape.
    dtype : numpy.dtype
        The type of its pixels in the file.
    metadata : mapping
        See `bsn.data.files.images.Image`.
    """

    axes: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    metadata: Mapping[str, Any]


class Keeping(NamedTuple):
    """What a format keeps.

    Attributes
    ----------
    name : str
        The format with its article, such as "a PNG".
    keys : frozenset of str
        Keys of `Image.metadata` that files of this format keep.
    unable : callable
        Gives, for one image, words for what cannot be kept of it although the keys are kept in general.
    """

    name: str
    keys: frozenset[str] = frozenset()
    unable: Callable[[Outline], Iterable[str]] = lambda _: ()


def tell_lost(keeping: Keeping, outline: Outline) -> str:
    """Say what a file will not have of the metadata of its image.

    Parameters
    ----------
    keeping : Keeping
        What the format keeps.
    outline : Outline
        The image.

    Returns
    -------
    str
        Half a sentence, to follow the name of the image; empty where everything is kept.

    Examples
    --------
    >>> outline = Outline("YX", (4, 4), np.dtype("uint8"), {"xmp": b"<x/>", "exif": b""})
    >>> tell_lost(Keeping("a PNG"), outline)
    'the result, a PNG, has no XMP'
    """
    words = [
        _WORDS.get(key, key.replace("_", " "))
        for key, value in outline.metadata.items()
        if key not in keeping.keys and _says_something(key, value)
    ]
    words += [word for word in keeping.unable(outline) if word not in words]
    words += [word for word in outline.metadata.get("left_behind", ()) if word not in words]
    if not words:
        return ""
    listed = name_some(words, _NAMED) if len(words) > _NAMED else ", no ".join(words)
    return f"the result, {keeping.name}, has no {listed}"


def _says_something(key: str, value: Any) -> bool:
    empty = value is None or (hasattr(value, "__len__") and len(value) == 0)
    return key not in _SILENT and not empty
