"""The metadata of OME-Zarr: axes and levels of an image of several resolutions.

Read are the versions 0.1 to 0.5 (https://ngff.openmicroscopy.org). Version 0.5 keeps under the attribute ``ome`` what the
earlier ones keep in the attributes themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bsn.data.errors import DataError, name_some

VERSIONS = ("0.1", "0.2", "0.3", "0.4", "0.5")
_NAMES = {
    "t": "T",
    "time": "T",
    "c": "C",
    "channel": "C",
    "channels": "C",
    "z": "Z",
    "depth": "Z",
    "y": "Y",
    "x": "X",
    "s": "S",
    "sample": "S",
}
_TYPES = {"time": "T", "channel": "C"}
_FREE = "QRUVWABDEFGH"
_REMEDY = "mend its metadata, or name one of its arrays with --key and state its --axes"


@dataclass(frozen=True)
class Multiscale:
    """One image of an OME-Zarr group.

    Parameters
    ----------
    version : str
        Version of the specification.
    axes : str
        One letter per axis.
    names : tuple of str
        The names of the axes, as they are written.
    paths : tuple of str
        The arrays of its levels in the group, the largest first.
    """

    version: str
    axes: str
    names: tuple[str, ...]
    paths: tuple[str, ...]


def holds_multiscale(attributes: Mapping[str, Any]) -> bool:
    """Tell whether the attributes of a group describe an image of several resolutions.

    Parameters
    ----------
    attributes : mapping
        Attributes of a Zarr group.

    Returns
    -------
    bool
    """
    return "multiscales" in _inner(attributes)


def parse_multiscale(attributes: Mapping[str, Any], given: str) -> Multiscale:
    """Read the first image that the attributes of a group describe.

    Parameters
    ----------
    attributes : mapping
        Attributes of a Zarr group for which `holds_multiscale` is true.
    given : str
        The group, for messages.

    Returns
    -------
    Multiscale

    Raises
    ------
    DataError
        The metadata do not describe an image, or are of a version that is not known.
    """
    inner = _inner(attributes)
    listed = inner["multiscales"]
    image = listed[0] if isinstance(listed, list) and listed else None
    if not isinstance(image, Mapping):
        raise DataError(f"the OME metadata of {given}", "the entry 'multiscales' lists no image", _REMEDY)
    version = str(inner.get("version", image.get("version", "0.4")))
    if version not in VERSIONS:
        raise DataError(
            given, f"it is of version {version} of OME-Zarr", f"convert it to {VERSIONS[-2]} or {VERSIONS[-1]}"
        )
    names, axes = _axes(image.get("axes", list("tczyx")), given)
    paths = tuple(str(level["path"]) for level in _levels(image, given))
    return Multiscale(version, axes, names, paths)


def letters_of(names: Sequence[str], types: Sequence[str | None] | None = None) -> str | None:
    """Give axes their letters by their names and types.

    Parameters
    ----------
    names : sequence of str
        Such as ``("t", "c", "z", "y", "x")`` or ``("time", "y", "x")``.
    types : sequence of str or None, optional
        "time", "channel" or "space" for each.

    Returns
    -------
    str or None
        One letter per axis; None where rows and columns cannot be told, or two axes would be the same.

    Examples
    --------
    >>> letters_of(["time", "y", "x"]), letters_of(["a", "b"]), letters_of(["row", "col"], ["space", "space"])
    ('TYX', None, 'YX')
    """
    kinds = list(types or [None] * len(names))
    found = [_NAMES.get(name.lower()) or _TYPES.get(kind or "") for name, kind in zip(names, kinds, strict=True)]
    places = [at for at, kind in enumerate(kinds) if kind == "space" and found[at] is None]
    for at, letter in zip(reversed(places), [a for a in "XYZ" if a not in found], strict=False):
        found[at] = letter
    free = iter(letter for letter in _FREE if letter not in found)
    whole = "".join(letter or next(free) for letter in found)
    return whole if len(set(whole)) == len(whole) and {"Y", "X"} <= set(whole) else None


def with_levels(attributes: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Copy attributes of a group, as far as they describe its first image and the levels that are there.

    Parameters
    ----------
    attributes : mapping
        See `parse_multiscale`.
    paths : iterable of str
        The levels that are kept.

    Returns
    -------
    dict
        Marks of collections of images are left out.
    """
    kept = set(paths)
    inner = {name: value for name, value in _inner(attributes).items() if name not in _COLLECTIONS}
    image = dict(inner["multiscales"][0])
    image["datasets"] = [level for level in image["datasets"] if str(level["path"]) in kept]
    inner["multiscales"] = [image]
    if "ome" not in attributes:
        return inner
    return {**{name: value for name, value in attributes.items() if name not in _COLLECTIONS}, "ome": inner}


_COLLECTIONS = ("bioformats2raw.layout", "plate", "well", "series", "labels")


def steps_of(attributes: Mapping[str, Any], axes: str) -> dict[str, tuple[float, str]]:
    """Read how long a step along each axis of the finest level is.

    Parameters
    ----------
    attributes : mapping
        See `parse_multiscale`.
    axes : str
        One letter per axis.

    Returns
    -------
    dict of str to (float, str)
        Length and unit; only axes that have a unit, since a length of 1 without one may stand for "not known".
    """
    image = _inner(attributes)["multiscales"][0]
    lengths = [1.0] * len(axes)
    for level in (image["datasets"][0], image):
        for transformation in level.get("coordinateTransformations") or ():
            factors = transformation.get("scale")
            if transformation.get("type") == "scale" and isinstance(factors, list) and len(factors) == len(axes):
                lengths = [a * float(b) for a, b in zip(lengths, factors, strict=True)]
    units = [axis.get("unit") if isinstance(axis, Mapping) else None for axis in image.get("axes", ())]
    known = zip(axes, lengths, units, strict=False)
    return {letter: (length, str(unit)) for letter, length, unit in known if unit and length > 0}


def new_attributes(
    axes: str, scales: Mapping[str, tuple[float, str]], shapes: Sequence[Sequence[int]]
) -> dict[str, Any]:
    """Describe an image in version 0.5.

    Parameters
    ----------
    axes : str
        One letter per axis, in the order of the specification: time, channel (or another axis), space.
    scales : mapping
        Size of a step along an axis and its unit, as far as they are known.
    shapes : sequence of sequence of int
        The shapes of its levels, the largest first.

    Returns
    -------
    dict
        Attributes of the group, whose levels are the arrays ``0``, ``1`` and so on.
    """
    described = []
    for letter in axes:
        kind = {"T": "time", "C": "channel"}.get(letter, "space" if letter in "ZYX" else None)
        unit = scales.get(letter, (1.0, ""))[1]
        described.append(
            {"name": letter.lower(), **({"type": kind} if kind else {}), **({"unit": unit} if unit else {})}
        )
    levels = []
    for number, shape in enumerate(shapes):
        factors = [whole / part for whole, part in zip(shapes[0], shape, strict=True)]
        steps = [scales.get(letter, (1.0, ""))[0] for letter in axes]
        transformations: list[dict[str, Any]] = [
            {"type": "scale", "scale": [s * f for s, f in zip(steps, factors, strict=True)]}
        ]
        if number:  # the centre of the first pixel of a coarser level
            middle = [s * (f - 1) / 2 for s, f in zip(steps, factors, strict=True)]
            transformations.append({"type": "translation", "translation": middle})
        levels.append({"path": str(number), "coordinateTransformations": transformations})
    return {"ome": {"version": "0.5", "multiscales": [{"name": "image", "axes": described, "datasets": levels}]}}


def _inner(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    found = attributes.get("ome")
    return found if isinstance(found, Mapping) else attributes


def _axes(listed: Any, given: str) -> tuple[tuple[str, ...], str]:
    try:
        names = tuple(str(axis if isinstance(axis, str) else axis["name"]) for axis in listed)
        types = [None if isinstance(axis, str) else axis.get("type") for axis in listed]
    except (TypeError, KeyError, AttributeError):
        raise DataError(f"the OME metadata of {given}", "an entry of 'axes' has no name", _REMEDY) from None
    letters = letters_of(names, types)
    if letters is None:
        raise DataError(
            f"the axes {name_some(names, 8)} of {given}", "rows and columns (y and x) cannot be told apart", _REMEDY
        )
    return names, letters


def _levels(image: Mapping[str, Any], given: str) -> list[Any]:
    levels = image.get("datasets")
    if not isinstance(levels, list) or not levels or not all(isinstance(v, Mapping) and "path" in v for v in levels):
        raise DataError(
            f"the OME metadata of {given}", "the entry 'datasets' does not name the arrays of its levels", _REMEDY
        )
    return levels
