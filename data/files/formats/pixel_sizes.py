"""How long a step along each axis is, from what other formats say, for formats that store it axis by axis."""

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from typing import Any

_LENGTHS = {
    "micron": "micrometer",
    "um": "micrometer",
    "\u00b5m": "micrometer",
    "\u03bcm": "micrometer",
    "\\u00B5m": "micrometer",
    "nm": "nanometer",
    "mm": "millimeter",
    "cm": "centimeter",
    "m": "meter",
    "\u00c5": "angstrom",
    "inch": "inch",
}
_TIMES = {"s": "second", "sec": "second", "ms": "millisecond", "min": "minute", "h": "hour", "hr": "hour"}
#: Micrometres in each unit of length.
MICRONS = {
    "angstrom": 1e-4,
    "nanometer": 1e-3,
    "micrometer": 1.0,
    "millimeter": 1e3,
    "centimeter": 1e4,
    "meter": 1e6,
}
_SECONDS = {"millisecond": 1e-3, "second": 1.0, "minute": 60.0, "hour": 3600.0}
# Settings of ImageJ that tell sizes, or follow from the shape.
_OF_SIZES = {"ImageJ", "axes", "images", "frames", "slices", "channels", "hyperstack", "mode", "loop", "min", "max"}
_OF_SIZES |= {"spacing", "unit", "xunit", "yunit", "zunit", "finterval", "fps", "tunit"}


def pixel_sizes(metadata: Mapping[str, Any]) -> dict[str, tuple[float, str]]:
    """Read the sizes of pixels and the interval between frames.

    Parameters
    ----------
    metadata : mapping
        Metadata of an image from a TIFF file, see `bsn.data.files.images.Image`.

    Returns
    -------
    dict of str to (float, str)
        Letter of an axis to the length of a step and its unit, spelled out; only what is known.

    Examples
    --------
    >>> pixel_sizes({"imagej": {"spacing": 0.5, "unit": "um"}, "resolution": (4.0, 4.0)})
    {'Y': (0.25, 'micrometer'), 'X': (0.25, 'micrometer'), 'Z': (0.5, 'micrometer')}
    """
    if metadata.get("ome_xml"):
        return _of_ome(metadata["ome_xml"])
    found: dict[str, tuple[float, str]] = {}
    settings = metadata.get("imagej") or {}
    unit = _LENGTHS.get(str(settings.get("unit", "")), "")
    if not unit and metadata.get("resolution_unit") == "centimeter":
        unit = "centimeter"
    if unit and metadata.get("resolution"):
        across, down = (float(value) for value in metadata["resolution"])
        found |= {a: (1 / per, unit) for a, per in (("Y", down), ("X", across)) if per > 0}
    if unit and _is_length(settings.get("spacing")):
        found["Z"] = (float(settings["spacing"]), unit)
    if _is_length(settings.get("finterval")):
        found["T"] = (float(settings["finterval"]), _TIMES.get(str(settings.get("tunit", "s")), "second"))
    return found


def size_metadata(sizes: Mapping[str, tuple[float, str]]) -> dict[str, Any]:
    """Say sizes of pixels as TIFF files of ImageJ do, the inverse of `pixel_sizes`.

    Parameters
    ----------
    sizes : mapping
        Letter of an axis to the length of a step and its unit.

    Returns
    -------
    dict of str to Any
        Metadata of an image: ``resolution`` and ``imagej``, in micrometres and seconds, as far as they are known.

    Examples
    --------
    >>> size_metadata({"X": (500.0, "nanometer"), "Y": (0.5, "micrometer"), "T": (2.0, "minute")})
    {'resolution': (2.0, 2.0), 'resolution_unit': 'none', 'imagej': {'unit': 'um', 'finterval': 120.0}}
    """
    microns = {a: length * MICRONS[unit] for a, (length, unit) in sizes.items() if unit in MICRONS}
    seconds = {a: length * _SECONDS[unit] for a, (length, unit) in sizes.items() if unit in _SECONDS}
    found: dict[str, Any] = {}
    settings: dict[str, Any] = {"unit": "um"} if microns else {}
    if "X" in microns and "Y" in microns:
        found |= {"resolution": (1 / microns["X"], 1 / microns["Y"]), "resolution_unit": "none"}
    settings |= {"spacing": microns["Z"]} if "Z" in microns else {}
    settings |= {"finterval": seconds["T"]} if "T" in seconds else {}
    return {**found, **({"imagej": settings} if settings else {})}


def says_more_than_sizes(metadata: Mapping[str, Any]) -> bool:
    """Whether settings of ImageJ say more than sizes, such as labels and colours.

    Parameters
    ----------
    metadata : mapping
        Metadata of an image.

    Returns
    -------
    bool
    """
    return bool(set(metadata.get("imagej") or ()) - _OF_SIZES)


def _of_ome(xml: Any) -> dict[str, tuple[float, str]]:
    try:
        root = ElementTree.fromstring(xml if isinstance(xml, bytes) else str(xml))
    except ElementTree.ParseError:
        return {}
    pixels = next((item for item in root.iter() if item.tag.rpartition("}")[2] == "Pixels"), None)
    if pixels is None:
        return {}
    found = {}
    for letter in "ZYX":
        name = f"PhysicalSize{letter}"
        if _is_length(pixels.get(name)):
            unit = pixels.get(f"{name}Unit", "\u00b5m")
            found[letter] = (float(pixels.get(name, "1")), _LENGTHS.get(unit, unit))
    if _is_length(pixels.get("TimeIncrement")):
        unit = pixels.get("TimeIncrementUnit", "s")
        found["T"] = (float(pixels.get("TimeIncrement", "1")), _TIMES.get(unit, unit))
    return found


def _is_length(value: Any) -> bool:
    try:
        return math.isfinite(float(value)) and float(value) > 0
    except (TypeError, ValueError):
        return False
