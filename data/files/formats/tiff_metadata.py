"""What a TIFF file says besides its pixels, as far as a copy of the same size can say it too.

Tags are copied bit by bit, private ones of vendors and those of GeoTIFF included. Left out are the tags that tell where
things lie in the file, and those that describe how its pixels are stored: the writer makes them anew.

TIFF 6.0 (1992) numbers the tags; private ones are listed at https://www.loc.gov/preservation/digital/formats/content/tiff_tags.shtml.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bsn.data.files.formats.exif_words import words_of_exif
from bsn.data.files.formats.ome_xml import select_image

_DESCRIPTION, _COLOUR_MAP, _XMP, _EXIF, _GPS, _SUB_IFDS = 270, 320, 700, 34665, 34853, 330
_XRESOLUTION, _YRESOLUTION = 282, 283
_OFFSET_TYPES = (13, 18)
_RATIONALS = (5, 10)
_LARGEST = 64 * 2**20  # bytes of one tag that are kept in memory
_WRITTEN_ANEW = {
    *range(254, 260),  # kind of page, size, bits, compression
    *(
        262,
        263,
        264,
        265,
        266,
        273,
        274,
        277,
        278,
        279,
        280,
        281,
    ),  # colours, cells, order of bits, orientation, strips, limits
    *(_DESCRIPTION, _COLOUR_MAP, _XMP, _SUB_IFDS, _XRESOLUTION, _YRESOLUTION, 284, 296, 297),
    *range(288, 294),  # free space, response to grey, fax
    *(317, 321, 322, 323, 324, 325, 326, 327, 328),  # predictor, halftones, tiles, bad fax lines
    *range(332, 349),  # inks, samples, JPEG tables
    *(351, 400, 401, 402, 403, 404, 405, 433, 434, 435),
    *range(512, 533),  # JPEG, YCbCr
    *(559, 32995, 32996, 32997, 32998, 33421, 33422),  # depth of volumes, colour filters
    34675,  # colour profile, which other formats keep too
    *(50674, 50838, 50839),  # LERC, ImageJ
}
_LEFT_BEHIND = {
    _EXIF: "EXIF data",
    _GPS: "GPS data",
    40965: "interoperability data",
    33445: "MD scaling",
    33628: "MetaMorph tags",
    33629: "MetaMorph tags",
    33630: "MetaMorph tags",
    33631: "MetaMorph tags",
    34361: "FluoView header",
    34412: "LSM header",
    37724: "Photoshop layers",
    43314: "NIH Image header",
    51123: "Micro-Manager metadata",
    **dict.fromkeys(range(65420, 65459), "NDPI tags"),
}
_OWN_DESCRIPTIONS = (b"ImageJ=", b'{"shape":', b"shape=(")
_COPIED_KINDS = ("uniform", "generic", "shaped", "imagej", "ome", "svs")
_LOSSY = {
    6: "JPEG",
    7: "JPEG",
    22610: "JPEG XR",
    33003: "JPEG 2000",
    33004: "JPEG 2000",
    33005: "JPEG 2000",
    33007: "JPEG",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "JPEG",
    34934: "JPEG XR",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_TAG_KEYS = ("tiff_tags", "geo_tags", "vendor_tags", "software")
#: Keys of `bsn.data.files.images.Image.metadata` that come from here.
KEYS = frozenset({"description", "ome_xml", "xmp", "colour_map", "tiff_json", "tiff_storage", *_TAG_KEYS})
_SOFTWARE, _DATE = 305, 306
_GEO = (33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113)
_PRIVATE = 32768
_DEFLATE = 8
_REPEATED = {
    1: 1,
    5: 5,
    8: 8,
    32773: 32773,
    34925: 34925,
    50000: 50000,
}  # none, LZW, deflate, PackBits, LZMA, Zstandard
_TILE_UNIT = 16


@dataclass(frozen=True)
class TiffStorage:
    """How the pages of a TIFF file are stored.

    Attributes
    ----------
    byteorder : {"<", ">"}
        Order of the bytes.
    bigtiff : bool
        Whether offsets have 64 bits.
    compression : int
        TIFF's number of a lossless compression; 1 for none.
    predictor : bool
        Whether differences of neighbours are compressed.
    tile : tuple of int or None
        Rows and columns of a tile; None for strips.
    described : bool
        Whether the file had a description that says how it is laid out.
    lossy : str
        Name of a lossy compression that is not repeated; empty for none.
    resolution : tuple of tuple of int or None
        Numerators and denominators in x and y.
    samples : int
        Values of each pixel that lie within a page, such as the bands of a satellite image; the alpha channel counts.
    """

    byteorder: str
    bigtiff: bool
    compression: int = 1
    predictor: bool = False
    tile: tuple[int, int] | None = None
    described: bool = False
    lossy: str = ""
    resolution: tuple[tuple[int, int], tuple[int, int]] | None = None
    samples: int = 1


@dataclass(frozen=True)
class TiffTag:
    """One tag.

    Attributes
    ----------
    code, kind : int
        Its number and its TIFF type.
    count : int
        How many values.
    value : bytes or tuple of int
        As it lies in the file; numerators and denominators of fractions.
    """

    code: int
    kind: int
    count: int
    value: bytes | tuple[int, ...]


def read_tags(tif: Any, series: Any, number: int, images: int) -> dict[str, Any]:
    """Collect what only TIFF files say.

    Parameters
    ----------
    tif : tifffile.TiffFile
        The file.
    series : tifffile.TiffPageSeries
        The chosen image.
    number, images : int
        Its number among the images of the file.

    Returns
    -------
    dict
        ``tiff_storage`` (`TiffStorage`); and where the file has them ``description`` (bytes), ``ome_xml`` (str, of this
        image alone), ``xmp`` (bytes), ``tiff_json`` (dict, from tifffile's own description), ``colour_map`` (ndarray, of
        ImageJ), tags (tuples of `TiffTag`) as ``software``, ``geo_tags``, ``vendor_tags`` and, for the others,
        ``tiff_tags``, and ``left_behind`` (words for what cannot be copied to any file).
    """
    page = series.keyframe
    left = [f"{series.kind} metadata"] if series.kind not in _COPIED_KINDS else []
    found: dict[str, Any] = {"tiff_storage": _storage(tif, page)}
    if tif.is_ome and tif.ome_metadata:
        found["ome_xml"] = select_image(tif.ome_metadata, number, images)
        left += [] if found["ome_xml"] else ["OME-XML"]
    elif series.kind in _COPIED_KINDS:
        found["description"] = _description(page)
    if tif.is_imagej and page.colormap is not None:
        found["colour_map"] = page.colormap
    found["xmp"] = _raw(page.tags[_XMP]) if _XMP in page.tags else None
    found["tiff_json"] = _json(tif, series)
    tags = [tag for tag in page.tags if _is_copied(tag, series.kind)]
    for key in _TAG_KEYS:
        chosen = (tag for tag in tags if _key(tag.code) == key)
        found[key] = tuple(TiffTag(tag.code, int(tag.dtype), tag.count, _value(tag)) for tag in chosen)
    left += [_LEFT_BEHIND[tag.code] for tag in page.tags if tag.code in _LEFT_BEHIND]
    left += ["words of each page"] if series.kind in ("uniform", "generic") and _differ(series) else []
    left += [f"other image{'s' * (images > 2)} of the file"] if images > 1 else []
    left += ["thumbnail"] if len(tif.series) > images else []
    left += [f"pyramid of {len(series.levels)} levels"] if len(series.levels) > 1 else []
    found["left_behind"] = tuple(dict.fromkeys(left))
    return {key: value for key, value in found.items() if value is not None and (key == "tiff_storage" or len(value))}


def tag_options(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Translate metadata to options of ``tifffile.imwrite`` that do not depend on the layout.

    Parameters
    ----------
    metadata : mapping
        See `bsn.data.files.images.Image`.

    Returns
    -------
    dict
        Keywords.
    """
    storage = metadata.get("tiff_storage")
    options: dict[str, Any] = {}
    if "resolution" in metadata:
        options["resolution"] = _resolution(metadata["resolution"], storage)
        options["resolutionunit"] = metadata.get("resolution_unit", "none").upper()
    if metadata.get("icc_profile"):
        options["iccprofile"] = metadata["icc_profile"]
    extra = [(274, 3, 1, metadata["orientation"], True)] if "orientation" in metadata else []
    if metadata.get("xmp"):
        extra.append((_XMP, 1, len(metadata["xmp"]), bytes(metadata["xmp"]), True))
    tags = [(tag.code, tag.kind, tag.count, tag.value, True) for key in _TAG_KEYS for tag in metadata.get(key, ())]
    told = {code for code, *_ in tags}
    words = words_of_exif(metadata["exif"]) if metadata.get("exif") else {}
    tags += [(code, 2, len(word) + 1, word + b"\0", True) for code, word in words.items() if code not in told]
    extra += tags
    if storage is not None:
        options["byteorder"] = storage.byteorder
        options["software"] = False  # among the tags, if the file names one
    return {**options, "extratags": extra}


def storage_options(storage: TiffStorage | None, dtype: Any) -> dict[str, Any]:
    """Say how pixels are compressed and divided.

    Parameters
    ----------
    storage : TiffStorage or None
        How the source is stored.
    dtype : numpy.dtype
        The type of the pixels to be written.

    Returns
    -------
    dict
        Keywords ``compression``, ``predictor`` and ``tile`` of ``tifffile.imwrite``; empty for plain strips.
    """
    if storage is None:
        return {}
    options: dict[str, Any] = {}
    if storage.compression != 1:
        options["compression"] = storage.compression
        differs = (dtype.kind in "iu" and dtype.itemsize <= 4) or dtype.kind == "f"
        if storage.predictor and differs and storage.compression != 32773:
            options["predictor"] = 3 if dtype.kind == "f" else 2
    if storage.tile is not None:
        options["tile"] = storage.tile
    return options


def _storage(tif: Any, page: Any) -> TiffStorage:
    number = int(page.compression)
    tile = (page.tilelength, page.tilewidth) if page.is_tiled and not page.is_volumetric else None
    if tile and any(n % _TILE_UNIT or n == 0 for n in tile):
        tile = None
    exact = None
    if _XRESOLUTION in page.tags and _YRESOLUTION in page.tags:
        exact = tuple(page.tags[code].value for code in (_XRESOLUTION, _YRESOLUTION))
        exact = exact if all(isinstance(v, tuple) and len(v) == 2 for v in exact) else None
    return TiffStorage(
        tif.byteorder,
        bool(tif.is_bigtiff),
        _REPEATED.get(number, _DEFLATE),
        int(page.predictor) != 1,
        tile,
        bool(tif.is_imagej or tif.is_ome or tif.is_shaped),
        _LOSSY.get(number, ""),
        exact,
        1 if tif.is_ome or tif.is_imagej else int(page.samplesperpixel),
    )


def _description(page: Any) -> bytes | None:
    """Give the words of a person or a program about the image, not those of a library about its layout."""
    if _DESCRIPTION not in page.tags:
        return None
    text = _raw(page.tags[_DESCRIPTION]).rstrip(b"\0")
    return None if text.startswith(_OWN_DESCRIPTIONS) else text


def _differ(series: Any) -> bool:
    """Say whether the second page of a stack has other words or another date than the first; more are not looked at."""
    pages = series.pages
    if len(pages) < 2 or pages[0] is None or pages[1] is None:
        return False
    first, second = (page.aspage().tags for page in (pages[0], pages[1]))
    found = [code for code in (_DESCRIPTION, _DATE) if code in second]
    return any(code not in first or first[code].value != second[code].value for code in found)


def _json(tif: Any, series: Any) -> dict[str, Any] | None:
    if series.kind != "shaped" or not tif.shaped_metadata:
        return None
    number = [s.keyframe.offset for s in tif.series].index(series.keyframe.offset)
    if number >= len(tif.shaped_metadata):
        return None
    said = tif.shaped_metadata[number]
    return {key: value for key, value in said.items() if key not in ("shape", "axes", "truncated")}


def _is_copied(tag: Any, kind: str) -> bool:
    private = tag.code >= _PRIVATE
    if tag.code in _WRITTEN_ANEW or tag.code in _LEFT_BEHIND or int(tag.dtype) in _OFFSET_TYPES:
        return False
    return 0 < tag.valuebytecount <= _LARGEST and (not private or kind in _COPIED_KINDS)


def _key(code: int) -> str:
    if code == _SOFTWARE:
        return "software"
    return "geo_tags" if code in _GEO else "vendor_tags" if code >= _PRIVATE else "tiff_tags"


def _raw(tag: Any) -> bytes:
    file = tag.parent.filehandle
    place = file.tell()
    file.seek(tag.valueoffset)
    value: bytes = file.read(tag.valuebytecount)
    file.seek(place)
    return value


def _value(tag: Any) -> bytes | tuple[int, ...]:
    """Give a value in the bytes of the file; fractions as numbers, of which tifffile would count the bytes wrongly."""
    return tuple(tag.value) if int(tag.dtype) in _RATIONALS else _raw(tag)


def _resolution(values: tuple[Any, ...], storage: TiffStorage | None) -> tuple[Any, ...]:
    exact = storage.resolution if storage else None
    if exact and all(d and n / d == v for (n, d), v in zip(exact, values, strict=True)):
        return exact
    return tuple(values)
