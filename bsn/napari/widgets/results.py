"""Layers of results: beside the noisy layer, or in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from napari.layers import Layer

from bsn.napari.layers import LayerImage, finest, result_state
from bsn.napari.levels import as_lazy, is_lazy, levels_like

__all__ = ["add_beside", "draw_in_background", "put_in_place", "shown_point"]


def shown_point(viewer: Any, layer: Any) -> np.ndarray:
    """Where the viewer stands, as indices into a layer.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    layer : napari.layers.Image
        One of its layers.

    Returns
    -------
    ndarray, shape (ndim,)
    """
    point = np.asarray(viewer.dims.point, float)
    return np.asarray(layer.world_to_data(point[-layer.ndim :]))


def add_beside(
    viewer: Any,
    layer: Any,
    pixels: Any,
    name: str,
    about: Mapping[str, Any],
    place: Sequence[slice] | None,
    *,
    multiscale: bool | None = None,
) -> Any:
    """Add the layer of a result above the noisy one, with its scale, units, colour map and contrast.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    layer : napari.layers.Image
        The noisy layer.
    pixels : array
        The result.
    name : str
        Name of the new layer.
    about : mapping
        What was done, for its metadata.
    place : sequence of slice, optional
        The part of the noisy layer that it shows; all of it where left out.
    multiscale : bool, optional
        Whether it has several resolutions; None does as the noisy layer.

    Returns
    -------
    napari.layers.Image
    """
    multiscale = bool(layer.multiscale) if multiscale is None else multiscale
    data = levels_like(pixels, _shapes(layer, pixels)) if multiscale else pixels
    new = Layer.create(data, result_state(layer, name, about, place, multiscale=multiscale), "image")
    above = viewer.layers.index(layer) + 1 if layer in viewer.layers else len(viewer.layers)
    viewer.layers.insert(above, new)
    return new


def put_in_place(layer: Any, pixels: Any, image: LayerImage, place: Sequence[slice] | None) -> Any:
    """Replace the pixels of a layer; everything else of it stays.

    Parameters
    ----------
    layer : napari.layers.Image
        The layer.
    pixels : array
        The result.
    image : LayerImage
        What was denoised.
    place : sequence of slice, optional
        The part of the layer that it replaces; all of it where left out.

    Returns
    -------
    array or list of array
        The data that the layer had, to put them back.
    """
    before = list(layer.data) if layer.multiscale else layer.data
    if place is not None:
        whole = as_lazy(finest(layer), image.axes) if is_lazy(finest(layer)) else np.asarray(finest(layer))
        whole = whole.copy()
        whole[tuple(place)] = pixels
        pixels = whole
    layer.data = levels_like(pixels, _shapes(layer, pixels)) if layer.multiscale else pixels
    layer.refresh()
    return before


def _shapes(layer: Any, pixels: Any) -> list[tuple[int, ...]]:
    """Shapes of all resolutions of a result that may have fewer planes than the layer."""
    finest_shape = tuple(layer.data[0].shape)
    return [
        tuple(
            min(n, own) if own != whole else n
            for n, own, whole in zip(level.shape, pixels.shape, finest_shape, strict=True)
        )
        for level in layer.data
    ]


def draw_in_background() -> None:
    """Switch napari's asynchronous rendering on, so that a plane that is computed when it is shown does not hold the viewer."""
    from napari.settings import get_settings

    get_settings().experimental.async_ = True
