"""Zarr stores as they are opened: the store, the image that is meant in it, and what its metadata say."""

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bsn.data.errors import DataError, one_line
from bsn.data.files.formats.container import Listed, choose_key
from bsn.data.files.formats.extras import need
from bsn.data.files.formats.ome_zarr import Multiscale, holds_multiscale, letters_of, parse_multiscale
from bsn.data.files.formats.zarr_levels import stored_chunks
from bsn.data.files.stores import is_store

_DEEPEST = 5
_CHUNK = re.compile(r"(c[/.])?\d+([/.]\d+)*")
_DOCUMENTS = ("zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata")


class ZarrImage(NamedTuple):
    """An image of a store.

    Attributes
    ----------
    levels : tuple of zarr.Array
        The image, and the coarser levels of it that are there.
    paths : tuple of str
        Names of the levels in their group; of a single array its own name.
    axes : str or None
        One letter per axis; None where nothing tells them.
    names : tuple of str
        The names of the axes as they are written; empty where nothing tells them.
    multiscale : Multiscale or None
        What the metadata of OME-Zarr say; None for an array.
    attributes : mapping
        Attributes of the group of the levels, or of the array.
    key : str
        Place in the store; empty for its root.
    others : tuple of str
        What else the store holds, which a result does not take over.
    """

    levels: tuple[Any, ...]
    paths: tuple[str, ...]
    axes: str | None
    names: tuple[str, ...]
    multiscale: Multiscale | None
    attributes: Mapping[str, Any]
    key: str
    others: tuple[str, ...] = ()


def find_image(path: Path, key: str | None) -> ZarrImage:
    """Open a store, and find the image that is meant.

    Parameters
    ----------
    path : Path
        A store, or a group or an array inside one.
    key : str or None
        The image, where there are several: a group of OME-Zarr or an array. A level of an image of several resolutions may be
        named, too.

    Returns
    -------
    ZarrImage

    Raises
    ------
    DataError
        There is no such image, or the metadata are damaged.
    """
    root = _open(path)
    if hasattr(root, "shape"):
        if key is not None:
            raise DataError(f"key {key!r} for {path}", "the store is a single array", "leave the key out")
        return _array(root, "", path)
    if key is None and holds_multiscale(dict(root.attrs)):
        return _multiscale(root, "", path)
    named = None if key is None else _member(root, key.strip("/"))
    if named is None:
        key = choose_key(_images(root), key, str(path))
        named = root[key]
    key = "" if key is None else key.strip("/")
    if hasattr(named, "shape"):
        return _array(named, key, path, _level_axes(root, key, path))
    if holds_multiscale(dict(named.attrs)):
        return _multiscale(named, key, path)
    inner = choose_key(_images(named), None, f"{path}/{key}")
    return find_image(path, f"{key}/{inner}")


def missing_chunks(array: Any) -> str:
    """Say which chunks of an array are not there.

    Parameters
    ----------
    array : zarr.Array
        An array of a store in a folder.

    Returns
    -------
    str
        Half a sentence; empty where all chunks are there. A chunk that is not there stands for the fill value: some programs
        leave out chunks of nothing but that, and an interrupted copy looks the same.
    """
    root = getattr(array.store, "root", None)
    if root is None:
        return ""
    chunks = stored_chunks(array)
    grid = tuple(math.ceil(n / c) for n, c in zip(array.shape, chunks, strict=True))
    folder = os.path.join(root, array.path).rstrip(os.sep) + os.sep
    files = (os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
    there = {name[len(folder) :].replace(os.sep, "/") for name in files}
    there = {name for name in there if _CHUNK.fullmatch(name)}
    if len(there) == math.prod(grid):  # names are looked at only where some must be missing
        return ""
    absent = [name for at in np.ndindex(*grid) if (name := array.metadata.encode_chunk_key(at)) not in there]
    if not absent:
        return ""
    return f"{len(absent)} of its {math.prod(grid)} chunks are not there, the first of them {absent[0]}"


def _open(path: Path) -> Any:
    zarr = need("zarr", "zarr (3.0 or newer)", str(path), "io")
    if not path.exists():
        raise FileNotFoundError(path)
    if not path.is_dir():
        raise DataError(str(path), "is a file, and a Zarr store is a folder", "check what it is")
    if not is_store(path):
        raise DataError(
            str(path), "is a folder without zarr.json, .zgroup or .zarray, so no Zarr store", "copy it whole again"
        )
    try:
        return zarr.open(store=str(path), mode="r")
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise _broken(path, error) from error


def _broken(folder: Path, error: Exception) -> DataError:
    for name in _DOCUMENTS:
        document = folder / name
        try:
            if document.is_file() and not isinstance(json.loads(document.read_bytes()), dict):
                raise ValueError("no object of JSON")
        except ValueError as found:
            reason = one_line(found)
            return DataError(str(document), f"is damaged ({reason})", "copy it again, or mend it with an editor")
    reason = one_line(error)
    return DataError(str(folder), f"cannot be opened as a Zarr store ({reason[:160]})", "check that it is complete")


def _member(group: Any, key: str) -> Any:
    """Array or group of that name; None where there is none."""
    try:
        return group[key] if key else None
    except (KeyError, FileNotFoundError):
        return None
    except (ValueError, TypeError, AttributeError) as error:
        raise _broken(Path(str(getattr(group.store, "root", ""))) / group.path / key, error) from error


def _images(group: Any, prefix: str = "", depth: int = 0) -> dict[str, Listed]:
    """Images of a group and of the groups inside it; labels and coarser levels are none."""
    found: dict[str, Listed] = {}
    try:
        members = sorted(group.members())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _broken(Path(str(getattr(group.store, "root", ""))) / group.path, error) from error
    for name, member in members:
        path = f"{prefix}{name}"
        if hasattr(member, "shape"):
            if member.dtype.kind in "uifbc" and member.ndim >= 2:
                found[path] = Listed(tuple(member.shape), member.dtype)
        elif holds_multiscale(dict(member.attrs)):
            first = _multiscale(member, path, Path(path)).levels[0]
            found[path] = Listed(tuple(first.shape), first.dtype)
        elif name != "labels" and depth < _DEEPEST:
            found |= _images(member, f"{path}/", depth + 1)
    return found


def _multiscale(group: Any, key: str, path: Path) -> ZarrImage:
    given = f"{path}/{key}" if key else str(path)
    attributes = dict(group.attrs)
    multiscale = parse_multiscale(attributes, given)
    levels = [(name, _member(group, name)) for name in multiscale.paths]
    first = levels[0][1]
    if first is None or not hasattr(first, "shape"):
        raise DataError(
            given, f"its metadata name the array {multiscale.paths[0]!r}, which is not there", "copy it whole again"
        )
    if first.ndim != len(multiscale.axes):
        raise DataError(
            f"the axes {', '.join(multiscale.names)} of {given}",
            f"they do not describe its array of {first.ndim} axes, {' x '.join(map(str, first.shape))}",
            "mend its metadata, or name the array with --key and state its --axes",
        )
    there = [(name, level) for name, level in levels if getattr(level, "ndim", None) == first.ndim]
    paths, arrays = (tuple(part) for part in zip(*there, strict=True))
    others: tuple[str, ...] = ("labels",) if _member(group, "labels") is not None else ()
    others += ("other images of its store",) if key else ()
    return ZarrImage(arrays, paths, multiscale.axes, multiscale.names, multiscale, attributes, key, others)


def _array(array: Any, key: str, path: Path, known: tuple[tuple[str, ...], str] | None = None) -> ZarrImage:
    if array.ndim < 2:
        raise DataError(f"{path}/{key}" if key else str(path), "has fewer than two axes", "name an image with --key")
    attributes = dict(array.attrs)
    names, axes = known or _stated_axes(array, attributes)
    others = ("other arrays of its store",) if key else ()
    return ZarrImage((array,), (key,), axes, names, None, attributes, key, others)


def _stated_axes(array: Any, attributes: Mapping[str, Any]) -> tuple[tuple[str, ...], str | None]:
    """What an array says of its axes: Zarr 3, xarray, and our own attribute of HDF5 files."""
    stated = getattr(array.metadata, "dimension_names", None) or attributes.get("_ARRAY_DIMENSIONS")
    stated = list(attributes["axes"]) if not stated and isinstance(attributes.get("axes"), str) else stated
    if not isinstance(stated, (list, tuple)) or len(stated) != array.ndim or None in stated:
        return (), None
    names = tuple(str(name) for name in stated)
    letters = "".join(names).upper()
    plain = all(len(name) == 1 for name in names) and letters.isalpha() and len(set(letters)) == len(letters)
    return names, letters if plain and {"Y", "X"} <= set(letters) else letters_of(names)


def _level_axes(root: Any, key: str, path: Path) -> tuple[tuple[str, ...], str] | None:
    """Axes of an array that is a level of an image of several resolutions."""
    above, _, name = key.rpartition("/")
    group = root if not above else _member(root, above)
    attributes = {} if group is None else dict(group.attrs)
    if not holds_multiscale(attributes):
        return None
    multiscale = parse_multiscale(attributes, str(path))
    return (multiscale.names, multiscale.axes) if name in multiscale.paths else None
