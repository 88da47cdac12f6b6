"""A layer of napari as an image of ours: its axes, its pixels, one plane of it, and the state of the layer of a result.

Only attributes of the layer are used, so that none of this needs a window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bsn.data import DataError, PlaneIndex, check_axes

__all__ = [
    "LayerImage",
    "check_rgb_axes",
    "finest",
    "guess_layer_axes",
    "plane_at",
    "plane_label",
    "result_state",
    "shift_of",
    "with_alpha",
    "without_alpha",
]

_WORDS = {
    "T": ("t", "time", "frame", "frames"),
    "Z": ("z", "depth", "slice", "slices"),
    "C": ("c", "ch", "channel", "channels", "wavelength"),
    "Y": ("y", "row", "rows", "height"),
    "X": ("x", "column", "columns", "col", "width"),
}
_LETTERS = {word: letter for letter, words in _WORDS.items() for word in words}
# What the axes before rows and columns are where nothing tells: the order of microscopes.
_LEADING = {0: "", 1: "Z", 2: "TZ", 3: "TCZ"}
_OTHERS = "PQRUVWABDEFGHIJKLMNO"
_COLOURS, _WITH_ALPHA = 3, 4


@dataclass(frozen=True)
class LayerImage:
    """What is denoised of a layer.

    Parameters
    ----------
    name : str
        Name of the layer.
    pixels : array
        All pixels at the finest resolution, as the layer holds them.
    axes : str
        One letter per axis of `pixels`; colours of RGB layers are C.
    rgb : bool
        Whether the last axis holds colours, perhaps with opacity.

    Raises
    ------
    DataError
        The axes do not fit the pixels.
    """

    name: str
    pixels: Any
    axes: str
    rgb: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", check_axes(self.axes, self.pixels.shape))
        check_rgb_axes(self.axes, self.rgb)

    @classmethod
    def of(cls, layer: Any, axes: str | None = None) -> LayerImage:
        """Take the image of a layer.

        Parameters
        ----------
        layer : napari.layers.Image
            Any image layer.
        axes : str, optional
            Its axes; guessed where left out.

        Returns
        -------
        LayerImage

        Raises
        ------
        DataError
            The axes do not fit the layer.
        """
        return cls(str(layer.name), finest(layer), axes or guess_layer_axes(layer), bool(layer.rgb))


def check_rgb_axes(axes: str, rgb: bool) -> None:
    """Refuse axes of an RGB layer that do not end with the colours.

    Parameters
    ----------
    axes : str
        One letter per axis.
    rgb : bool
        Whether the layer is RGB.

    Raises
    ------
    DataError
    """
    if rgb and axes[-1] not in "CS":
        raise DataError(f"axes {axes} of an RGB layer", "its last axis holds the colours", "end them with C")


def finest(layer: Any) -> Any:
    """Pixels of a layer at its finest resolution.

    Parameters
    ----------
    layer : napari.layers.Image
        Any image layer.

    Returns
    -------
    array
        As the layer holds it.
    """
    return layer.data[0] if layer.multiscale else layer.data


def guess_layer_axes(layer: Any) -> str:
    """Find the axes of a layer by its axis labels, its units, or the order that is usual in napari.

    Parameters
    ----------
    layer : napari.layers.Image
        Any image layer.

    Returns
    -------
    str
        One letter per axis of the pixels; the last one is C for RGB layers.

    Raises
    ------
    DataError
        The layer has fewer than two axes, or more than there are letters.
    """
    pixels = finest(layer)
    count = len(pixels.shape) - bool(layer.rgb)
    if not 2 <= count <= len(_OTHERS):
        raise DataError(
            f"a layer of shape {tuple(pixels.shape)}", "an image has rows and columns", "choose another one"
        )
    labels = [str(label).strip().lower() for label in getattr(layer, "axis_labels", ())]
    named = "".join(_LETTERS.get(label, "?") for label in labels)
    colours = "C" if layer.rgb else ""
    if _is_complete(named + colours, count + len(colours)):
        return named + colours
    return _by_units(getattr(layer, "units", None), count - 2, colours) + "YX" + colours


def _is_complete(letters: str, count: int) -> bool:
    return len(letters) == len(set(letters)) == count and "?" not in letters and {"Y", "X"} <= set(letters)


def _by_units(units: Sequence[Any] | None, count: int, colours: str) -> str:
    """Letters of the axes before rows and columns: an axis in seconds is time."""
    usual = _LEADING.get(count, "")
    if not usual and count:
        usual = _OTHERS[: count - 3] + "TCZ"
    letters = [letter if letter != colours else _OTHERS[-1] for letter in usual]
    timed = [i for i, unit in enumerate((units or ())[:count]) if _is_time(unit)]
    if len(timed) == 1:
        there = letters.index("T") if "T" in letters else None
        if there is not None:
            letters[there] = letters[timed[0]]
        letters[timed[0]] = "T"
    return "".join(letters)


def _is_time(unit: Any) -> bool:
    return dict(getattr(unit, "dimensionality", {})) == {"[time]": 1}


def without_alpha(image: LayerImage) -> Any:
    """Pixels without the opacity of RGBA layers, which is not denoised.

    Parameters
    ----------
    image : LayerImage
        Any.

    Returns
    -------
    array
    """
    has_alpha = image.rgb and image.pixels.shape[-1] == _WITH_ALPHA
    return image.pixels[..., :_COLOURS] if has_alpha else image.pixels


def with_alpha(colours: Any, image: LayerImage) -> Any:
    """Give denoised colours the opacity of the image.

    Parameters
    ----------
    colours : array
        Result for :func:`without_alpha`, of the same type.
    image : LayerImage
        The image.

    Returns
    -------
    array
        Of the shape of the image.
    """
    if colours.shape == image.pixels.shape:
        return colours
    return np.concatenate([colours, image.pixels[..., _COLOURS:]], axis=-1)


def plane_at(image: LayerImage, point: Sequence[float] | np.ndarray) -> tuple[slice, ...]:
    """Place of the plane in which a point lies.

    Parameters
    ----------
    image : LayerImage
        The image.
    point : sequence of float
        Index along each axis of the layer, as ``layer.world_to_data(viewer.dims.point)`` gives it; the colours of RGB layers
        are no axis of a layer. Points outside count as the nearest plane.

    Returns
    -------
    tuple of slice
        One for each axis of the pixels: of length one along the axes that are counted, and whole along rows, columns and
        channels.
    """
    leading = PlaneIndex(image.axes, tuple(image.pixels.shape)).leading
    places = []
    for position, letter in enumerate(image.axes):
        if letter not in leading:
            places.append(slice(None))
            continue
        index = min(max(round(float(point[position])), 0), image.pixels.shape[position] - 1)
        places.append(slice(index, index + 1))
    return tuple(places)


def plane_label(image: LayerImage, place: Sequence[slice]) -> str:
    """Name a plane, for the name of a layer.

    Parameters
    ----------
    image : LayerImage
        The image.
    place : sequence of slice
        See :func:`plane_at`.

    Returns
    -------
    str
        For example ``"t=3,z=0"``; empty where there is one plane only.
    """
    several = [
        (letter, part.start)
        for letter, part, length in zip(image.axes, place, image.pixels.shape, strict=True)
        if part.start is not None and length > 1
    ]
    return ",".join(f"{letter.lower()}={start}" for letter, start in several)


def shift_of(layer: Any, place: Sequence[slice]) -> np.ndarray:
    """Translation of a layer that shows a part of another one at the place where it lies there.

    Parameters
    ----------
    layer : napari.layers.Image
        The whole.
    place : sequence of slice
        The part, one slice for each axis of the pixels.

    Returns
    -------
    ndarray, shape (ndim,)
        To be used with the scale, rotation, shear and affine map of the whole.
    """
    first = np.array([part.start or 0 for part in place][: layer.ndim], float)
    world = np.asarray(layer.data_to_world(first)) - np.asarray(layer.data_to_world(np.zeros(layer.ndim)))
    affine = np.asarray(layer.affine.linear_matrix if hasattr(layer.affine, "linear_matrix") else np.eye(layer.ndim))
    moved: np.ndarray = np.asarray(layer.translate, float) + np.linalg.solve(affine, world)
    return moved


def result_state(
    layer: Any, name: str, about: Mapping[str, Any], place: Sequence[slice] | None = None, *, multiscale: bool
) -> dict[str, Any]:
    """State of the layer of a result: that of the noisy layer, with scale, units, colour map and all.

    Parameters
    ----------
    layer : napari.layers.Image
        The noisy layer.
    name : str
        Name of the new one.
    about : mapping
        What was done, for its metadata, under "blindspot".
    place : sequence of slice, optional
        The part of the noisy layer that the result shows; all of it where left out.
    multiscale : bool
        Whether the result is stored at several resolutions.

    Returns
    -------
    dict of str to Any
        For ``napari.layers.Layer.create``.
    """
    state: dict[str, Any] = dict(layer.as_layer_data_tuple()[1])
    state |= {"name": name, "multiscale": multiscale, "visible": True}
    state["metadata"] = {**layer.metadata, "blindspot": dict(about)}
    state.pop("locked_data_level", None)
    if place is not None:
        state["translate"] = shift_of(layer, place)
    return state
