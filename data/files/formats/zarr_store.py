"""Zarr stores (versions 2 and 3): images of OME-Zarr with all their levels, and plain arrays.

The result of an image from a store has the version, chunks, compression, axes, coordinate transformations and attributes of
that one; its coarser levels are computed anew from the result. Images of other formats become OME-Zarr 0.5, and plain arrays
where their axes have no place in it.
"""

import copy
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.files.formats.decoded import Decoded, Stored
from bsn.data.files.formats.extras import need
from bsn.data.files.formats.losses import Keeping, Outline
from bsn.data.files.formats.ome_zarr import new_attributes, steps_of, with_levels
from bsn.data.files.formats.pixel_sizes import pixel_sizes, says_more_than_sizes, size_metadata
from bsn.data.files.formats.zarr_boxes import ZarrBoxes, ZarrOutput
from bsn.data.files.formats.zarr_levels import fill_level, level_shapes
from bsn.data.files.formats.zarr_nodes import ZarrImage, find_image, missing_chunks

SUFFIXES = (".zarr",)
#: The key of `Image.metadata` under which the layout of a store is left for its result.
LAYOUT = "zarr_layout"
#: The key for what OME-Zarr says of an image.
OME = "ome_zarr"

_SIDE = 512  # of the chunks of a new array
_OME_ORDER = "TCZYX"


def _unable(outline: Outline) -> list[str]:
    return ["labels and colours of ImageJ"] if says_more_than_sizes(outline.metadata) else []


KEEPING = Keeping("a Zarr store", frozenset({OME, "imagej", "resolution"}), _unable)


@dataclass(frozen=True)
class ArrayPlan:
    """An array that is to be made.

    Parameters
    ----------
    path : str
        Its name in the store; empty for the root.
    shape : tuple of int
        Its shape.
    chunks : tuple of int
        The shape of its chunks.
    options : mapping
        Compression, fill value and the like, as ``zarr.create_array`` takes them.
    """

    path: str
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StoreLayout:
    """How an image lies in its store.

    Parameters
    ----------
    zarr_format : int
        2 or 3.
    axes : str or None
        One letter per axis, in the order of the arrays.
    levels : tuple of ArrayPlan
        The image, and its coarser levels.
    attributes : mapping or None
        Those of the group of the levels; None where the store is a single array.
    order : tuple of int
        For each axis of the arrays, the axis of the image that it is.
    """

    zarr_format: int
    axes: str | None
    levels: tuple[ArrayPlan, ...]
    attributes: Mapping[str, Any] | None
    order: tuple[int, ...]


def read(path: Path, key: str | None = None) -> Decoded:
    """Read one image of a Zarr store whole.

    Parameters
    ----------
    path : Path
        The folder.
    key : str, optional
        The image, where there are several.

    Returns
    -------
    Decoded
        The finest level.

    Raises
    ------
    DataError
        See `open_boxes`.
    """
    stored = open_boxes(path, key)
    pixels = stored.boxes.read((0,) * len(stored.shape), stored.shape)
    return Decoded(pixels, stored.axes, stored.metadata, gaps=stored.gaps)


def open_boxes(path: Path, key: str | None = None) -> Stored:
    """Open one image of a Zarr store for reading by boxes.

    Parameters
    ----------
    path, key
        See `read`.

    Returns
    -------
    Stored
        The finest level.

    Raises
    ------
    DataError
        There is no such image, there are several and no key, or the metadata are damaged.
    """
    image = find_image(path, key)
    array = image.levels[0]
    metadata: dict[str, Any] = {LAYOUT: _layout_of(image)}
    if image.multiscale is not None:
        metadata[OME] = dict(image.attributes)
        metadata |= size_metadata(steps_of(image.attributes, image.multiscale.axes))
    if image.others:
        metadata["left_behind"] = image.others
    name = f"{path}/{image.key}" if image.key else str(path)
    return Stored(
        ZarrBoxes(array, name),
        tuple(array.shape),
        np.dtype(array.dtype).newbyteorder("="),
        image.axes,
        metadata,
        gaps=missing_chunks(array),
    )


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a Zarr store with one image.

    Parameters
    ----------
    path : Path
        Where to write; a new folder.
    image : Decoded
        Any shape and dtype.
    key : str, optional
        Name of a group inside the store that holds the image.
    target : Path
        The name for messages.
    """
    layout = plan_layout(image.pixels.shape, image.axes, image.metadata)
    with closing(create_store(path, layout, image.pixels.dtype, key)) as output:
        output.write((0,) * image.pixels.ndim, image.pixels)
        output.finish()


def plan_layout(shape: Sequence[int], axes: str | None, metadata: Mapping[str, Any]) -> StoreLayout:
    """Choose how an image lies in a store: as in the one that it comes from, otherwise as OME-Zarr.

    Parameters
    ----------
    shape : sequence of int
        Shape of the image.
    axes : str or None
        One letter per axis.
    metadata : mapping
        Metadata of the image.

    Returns
    -------
    StoreLayout
    """
    known = metadata.get(LAYOUT)
    if isinstance(known, StoreLayout) and known.levels[0].shape == tuple(shape):
        return known
    if axes is not None and _fits_ome(axes):
        return _new_ome(tuple(shape), axes, metadata)
    names = None if axes is None else [letter.lower() for letter in axes]
    options = {} if names is None else {"dimension_names": names}
    level = ArrayPlan("", tuple(shape), _new_chunks(shape, axes), options)
    return StoreLayout(3, axes, (level,), None, tuple(range(len(shape))))


def create_store(path: Path, layout: StoreLayout, dtype: np.dtype[Any], key: str | None = None) -> "StoreOutput":
    """Make a store whose image is to be filled box by box.

    Parameters
    ----------
    path : Path
        A new folder.
    layout : StoreLayout
        See `plan_layout`.
    dtype : numpy.dtype
        Type of the pixels.
    key : str, optional
        Name of a group inside the store that holds the image.

    Returns
    -------
    StoreOutput
        Open for writing.
    """
    zarr = need("zarr", "zarr (3.0 or newer)", str(path), "io")
    prefix = "" if key is None else key.strip("/")
    if layout.attributes is not None:
        zarr.create_group(
            store=str(path),
            path=prefix,
            zarr_format=layout.zarr_format,
            attributes=copy.deepcopy(dict(layout.attributes)),
        )
    for level in layout.levels:
        zarr.create_array(
            store=str(path),
            name="/".join(part for part in (prefix, level.path) if part) or None,
            shape=level.shape,
            chunks=level.chunks,
            dtype=dtype,
            zarr_format=layout.zarr_format,
            **level.options,
        )
    return open_store(path, layout, key)


def open_store(path: Path, layout: StoreLayout, key: str | None = None) -> "StoreOutput":
    """Open a store that `create_store` has made, in this process or in another one.

    Parameters
    ----------
    path, layout, key
        As it was made.

    Returns
    -------
    StoreOutput
        Open for writing.
    """
    zarr = need("zarr", "zarr (3.0 or newer)", str(path), "io")
    prefix = "" if key is None else key.strip("/")
    names = ["/".join(part for part in (prefix, level.path) if part) for level in layout.levels]
    arrays = [zarr.open_array(store=str(path), path=name, mode="r+") for name in names]
    # A chunk that is left out because it is empty looks like one that was lost.
    return StoreOutput([array.with_config({"write_empty_chunks": True}) for array in arrays], layout.order)


class StoreOutput:
    """An image in a store that is filled box by box.

    Parameters
    ----------
    arrays : sequence of zarr.Array
        Its levels, the finest first.
    order : sequence of int
        For each axis of the arrays, the axis of the image that it is.
    """

    def __init__(self, arrays: Sequence[Any], order: Sequence[int]) -> None:
        self._arrays, self._order = list(arrays), tuple(order)
        self._output = ZarrOutput(self._arrays[0])

    def write(self, starts: Sequence[int], box: np.ndarray) -> None:
        """Write a box of the finest level.

        Parameters
        ----------
        starts : sequence of int
            First index along each axis of the image.
        box : ndarray
            Values in the axes order of the image.
        """
        self._output.write([starts[i] for i in self._order], box.transpose(self._order))

    def flush(self) -> None:
        """Write what is collected, so that another process can finish the image."""
        self._output.flush()

    def finish(self) -> None:
        """Write what is collected, and the coarser levels, each from the one before."""
        self.flush()
        for fine, coarse in zip(self._arrays, self._arrays[1:], strict=False):
            fill_level(fine, coarse)

    def close(self) -> None:
        """Let go of the arrays; may follow `finish`."""
        self._output = ZarrOutput(self._arrays[0])


def _layout_of(image: ZarrImage) -> StoreLayout:
    """How the result of an image is to lie in its store."""
    first = image.levels[0]
    grouped = image.multiscale is not None
    levels = tuple(
        ArrayPlan(path if grouped else "", tuple(level.shape), tuple(level.chunks), _options_of(level, image))
        for path, level in zip(image.paths, image.levels, strict=True)
    )
    attributes = with_levels(image.attributes, image.paths) if grouped else None
    return StoreLayout(first.metadata.zarr_format, image.axes, levels, attributes, tuple(range(first.ndim)))


def _options_of(array: Any, image: ZarrImage) -> dict[str, Any]:
    """Options by which an array is made that is stored like another one."""
    metadata = array.metadata
    options: dict[str, Any] = {
        "compressors": array.compressors or None,
        "filters": array.filters or None,
        "fill_value": array.fill_value,
        "attributes": copy.deepcopy(dict(array.attrs)),
    }
    if metadata.zarr_format == 3:
        encoding = metadata.chunk_key_encoding
        names = metadata.dimension_names or (image.names or None)
        options |= {
            "dimension_names": names,
            "chunk_key_encoding": {"name": encoding.name, "separator": encoding.separator},
        }
        options |= {"shards": array.shards} if array.shards else {}
    else:
        options |= {
            "order": metadata.order,
            "chunk_key_encoding": {"name": "v2", "separator": metadata.dimension_separator},
        }
        if image.names and image.multiscale is None:
            options["attributes"].setdefault("_ARRAY_DIMENSIONS", list(image.names))
    return options


def _fits_ome(axes: str) -> bool:
    """Whether axes have a place in OME-Zarr: time, one of channels or of another meaning, and two or three of space."""
    others = [letter for letter in axes if letter not in "TZYX"]
    return len(others) <= 1


def _new_ome(shape: tuple[int, ...], axes: str, metadata: Mapping[str, Any]) -> StoreLayout:
    other = next((letter for letter in axes if letter not in "TZYX"), "C")
    sorted_axes = [letter for letter in _OME_ORDER.replace("C", other) if letter in axes]
    order = tuple(axes.index(letter) for letter in sorted_axes)
    letters = "".join("C" if letter == "S" else letter for letter in sorted_axes)
    shapes = level_shapes([shape[i] for i in order], letters)
    names = [letter.lower() for letter in letters]
    levels = tuple(
        ArrayPlan(str(number), part, _new_chunks(part, letters), {"dimension_names": names})
        for number, part in enumerate(shapes)
    )
    attributes = new_attributes(letters, pixel_sizes(metadata), shapes)
    return StoreLayout(3, letters, levels, attributes, order)


def _new_chunks(shape: Sequence[int], axes: str | None) -> tuple[int, ...]:
    letters = axes or "?" * len(shape)
    return tuple(min(n, _SIDE) if a in "YX" else (n if a == "S" else 1) for a, n in zip(letters, shape, strict=True))
