"""OME-XML: one image of a file, described as it is stored here.

The schema is OME 2016-06 (https://www.openmicroscopy.org/Schemas/OME/2016-06); older ones name the parts that matter here
alike. All that a file says of the chosen image, its instrument and its experiment stays; only sizes, pixel type, order of the
axes and the places of the planes are written anew.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

_TYPES = {"float32": "float", "float64": "double", "bool": "bit"}
_SAME_NAME = ("int8", "int16", "int32", "uint8", "uint16", "uint32")
_AXES = "YXCZT"
_STORED_ELSEWHERE = ("TiffData", "BinData", "MetadataOnly")
_STORAGE = ("BigEndian", "Interleaved", "SignificantBits")


def select_image(xml: str, number: int, count: int) -> str | None:
    """Keep one image of several.

    Parameters
    ----------
    xml : str
        The OME-XML of a file.
    number : int
        Which of its images.
    count : int
        How many images a reader found in the file.

    Returns
    -------
    str or None
        OME-XML without the other images, and without the identity of the file; None where it is damaged, or does not say
        which image is which.

    Examples
    --------
    >>> select_image('<OME UUID="urn:1"><Image ID="a"><Pixels /></Image><Image ID="b"><Pixels /></Image></OME>', 1, 2)
    '<?xml version="1.0" encoding="UTF-8"?><OME><Image ID="b"><Pixels /></Image></OME>'
    """
    try:
        root = ET.fromstring(xml)
    except (ET.ParseError, ValueError):
        return None
    images = list(_named(root, "Image"))
    if len(images) != count or not 0 <= number < count or next(_named(images[number], "Pixels"), None) is None:
        return None
    for image in images[:number] + images[number + 1 :]:
        root.remove(image)
    root.attrib.pop("UUID", None)
    return _to_text(root)


def describe_stored(xml: str, axes: str, shape: Sequence[int], dtype: np.dtype[Any]) -> str | None:
    """Make OME-XML say how its image is stored.

    Parameters
    ----------
    xml : str
        OME-XML of one image.
    axes : str
        Axes as they are stored, the slowest first; S for the samples of RGB pixels.
    shape : sequence of int
        Their sizes.
    dtype : numpy.dtype
        The type of the pixels.

    Returns
    -------
    str or None
        The changed text; None where OME-XML has no name for an axis or for the type.
    """
    name = np.dtype(dtype).name
    kind = _TYPES.get(name, name if name in _SAME_NAME else None)
    letters = axes.replace("S", "C")
    if kind is None or not set(letters) <= set(_AXES) or len(set(letters)) != len(letters):
        return None
    root = ET.fromstring(xml)
    pixels = next(_named(next(_named(root, "Image")), "Pixels"))
    sizes = dict(zip(letters, shape, strict=True))
    if pixels.get("Type") == kind and "SignificantBits" in pixels.attrib:
        kept = {"SignificantBits": pixels.attrib["SignificantBits"]}
    else:
        kept = {}
    for attribute in _STORAGE:
        pixels.attrib.pop(attribute, None)
    # In OME the fastest axis is named first. C comes first among the others where it lies within the pixel.
    slow = "".join(a for a in reversed(letters) if a not in "YX")
    order = "XY" + slow + "".join(a for a in "CZT" if a not in slow)
    pixels.attrib.update({"DimensionOrder": order, "Type": kind, **kept})
    for axis in "XYCZT":
        pixels.set(f"Size{axis}", str(sizes.get(axis, 1)))
    samples = sizes.get("C", 1) if "S" in axes else 1
    _set_channels(pixels, sizes.get("C", 1) // samples, samples)
    planes = int(np.prod([n for a, n in sizes.items() if a not in "YX"], dtype=np.int64)) // samples
    _set_place(pixels, planes)
    return _to_text(root)


def _set_channels(pixels: ET.Element, count: int, samples: int) -> None:
    """Keep what is told of each channel; bring their number to what is stored."""
    channels = list(_named(pixels, "Channel"))
    for extra in channels[count:]:
        pixels.remove(extra)
    place = list(pixels).index(channels[0]) if channels else 0
    for number in range(len(channels), count):
        identity = {"ID": f"Channel:0:{number}"}
        pixels.insert(place + number, ET.Element(_namespace(pixels) + "Channel", identity))
    for channel in _named(pixels, "Channel"):
        channel.set("SamplesPerPixel", str(samples))


def _set_place(pixels: ET.Element, planes: int) -> None:
    """Say that the planes are the pages of the file, in order."""
    for name in _STORED_ELSEWHERE:
        for part in list(_named(pixels, name)):
            pixels.remove(part)
    # The schema wants them behind the channels and before the planes.
    place = len(list(_named(pixels, "Channel")))
    where = {"IFD": "0", "PlaneCount": str(planes)}
    pixels.insert(place, ET.Element(_namespace(pixels) + "TiffData", where))


def _namespace(element: ET.Element) -> str:
    return element.tag[: element.tag.index("}") + 1] if element.tag.startswith("{") else ""


def _named(parent: ET.Element, name: str) -> Iterator[ET.Element]:
    return (child for child in list(parent) if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == name)


def _to_text(root: ET.Element) -> str:
    """Write XML whose own namespace needs no prefix, as the readers of OME-TIFF expect."""
    namespace = _namespace(root)
    if namespace:
        for element in root.iter():
            if isinstance(element.tag, str) and element.tag.startswith(namespace):
                element.tag = element.tag[len(namespace) :]
        root.set("xmlns", namespace[1:-1])
    return '<?xml version="1.0" encoding="UTF-8"?>' + ET.tostring(root, encoding="unicode")
