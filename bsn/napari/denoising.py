"""Denoise the pixels of a layer: at once, one plane of them, or when they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bsn.data import DataError, to_planes
from bsn.data.arrays.pixel_types import Range, grey_level
from bsn.napari.control import Control
from bsn.napari.known import load_model
from bsn.napari.layers import LayerImage, with_alpha, without_alpha
from bsn.napari.levels import as_lazy, is_lazy

__all__ = ["DenoiseChoices", "DenoisedPixels", "denoise_image", "parse_range"]


@dataclass(frozen=True)
class DenoiseChoices:
    """What the user chose.

    Parameters
    ----------
    model : str, optional
        Name in the box, or path; None takes the one that the noise of the shown plane asks for.
    strength : float
        How much noise is removed, 0 to 1.5, see :class:`bsn.inference.InferenceConfig`.
    value_range : tuple of float, optional
        The pixel values that stand for 0 and 1.
    """

    model: str | None = None
    strength: float = 1.0
    value_range: Range | None = None


class DenoisedPixels(NamedTuple):
    """A result and what it comes from.

    Parameters
    ----------
    pixels : array
        Of the shape and type of the image, or of the plane that was asked for. Lazy where the image is and all of it was
        asked for.
    about : dict
        Model, strength and axes.
    """

    pixels: Any
    about: dict[str, Any]


def parse_range(text: str) -> Range | None:
    """Read two values that a user typed.

    Parameters
    ----------
    text : str
        For example "0, 4095"; empty for none.

    Returns
    -------
    tuple of float or None

    Raises
    ------
    DataError
        These are not two numbers, the smaller one first.
    """
    words = text.replace(",", " ").replace("..", " ").split()
    if not words:
        return None
    try:
        low, high = (float(word) for word in words)
    except ValueError:
        low = high = 0.0
    if not (np.isfinite([low, high]).all() and low < high):
        raise DataError(f"the range {text!r}", "it takes two numbers, the smaller one first", "write it like 0, 4095")
    return low, high


def denoise_image(
    image: LayerImage, choices: DenoiseChoices, control: Control, place: Sequence[slice], *, whole: bool
) -> DenoisedPixels:
    """Denoise the image of a layer.

    Missing pixels (NaN) stay missing, and opacity stays as it is.

    Parameters
    ----------
    image : LayerImage
        The image.
    choices : DenoiseChoices
        Model and strength.
    control : Control
        It may cancel the work, and is told how far it is.
    place : sequence of slice
        The plane that is shown, see :func:`bsn.napari.layers.plane_at`.
    whole : bool
        Denoise all planes; otherwise the one that is shown.

    Returns
    -------
    DenoisedPixels

    Raises
    ------
    DataError, ValueError, ModelFileError
        See :class:`bsn.inference.Denoiser`.
    Cancelled
        The user cancelled.
    """
    colours = LayerImage(image.name, without_alpha(image), image.axes, image.rgb)
    control.tell("looking at the noise" if choices.model is None else "loading the model")
    name = choices.model or _by_noise(colours, choices, place)
    control.look()
    about = {"model": name, "strength": choices.strength, "axes": image.axes}
    shown = image if whole else LayerImage(image.name, image.pixels[tuple(place)], image.axes, image.rgb)
    if whole and not is_lazy(image.pixels):
        clean = _all_at_once(np.asarray(colours.pixels), image.axes, name, choices, control)
    elif whole:
        lazy = as_lazy(image.pixels, image.axes)
        shown = LayerImage(image.name, lazy, image.axes, image.rgb)
        clean = _lazily(LayerImage(image.name, without_alpha(shown), image.axes), name, choices)
    else:
        clean = _one_plane(colours, name, choices, control, place)
        shown = LayerImage(image.name, np.asarray(shown.pixels), image.axes, image.rgb)
    return DenoisedPixels(with_alpha(clean, shown), about)


def _by_noise(colours: LayerImage, choices: DenoiseChoices, place: Sequence[slice]) -> str:
    """Name of the model in the box that the noise of a plane asks for."""
    from bsn.inference.boxed import choose_for_planes
    from bsn.inference.results import ArrayPlanes

    pixels = np.asarray(colours.pixels[tuple(place)])
    planes, layout = to_planes(pixels, colours.axes, nan="keep", value_range=choices.value_range)
    dtype = np.dtype(layout.dtype)
    found = choose_for_planes(ArrayPlanes(planes, dtype), grey_level(dtype, choices.value_range))
    return "photo" if found is None else found.name


def _all_at_once(pixels: np.ndarray, axes: str, name: str, choices: DenoiseChoices, control: Control) -> np.ndarray:
    from bsn.inference import Denoiser

    denoiser = Denoiser(load_model(name), strength=choices.strength)

    def progress(share: float) -> None:
        control.look()
        control.tell(f"denoising with {name}", share)

    denoiser.progress = progress
    control.tell(f"denoising with {name}", 0.0)
    return np.asarray(denoiser(pixels, axes, nan="keep", value_range=choices.value_range))


def _lazily(colours: LayerImage, name: str, choices: DenoiseChoices) -> Any:
    from bsn.inference import denoise_lazy

    return denoise_lazy(
        colours.pixels,
        load_model(name),
        axes=colours.axes,
        nan="keep",
        value_range=choices.value_range,
        strength=choices.strength,
    )


def _one_plane(
    colours: LayerImage, name: str, choices: DenoiseChoices, control: Control, place: Sequence[slice]
) -> np.ndarray:
    """One plane, by models with context with its neighbours."""
    model = load_model(name)
    if model.inference.fixed_pattern == "subtract":
        raise DataError(
            f"one plane for {name}",
            "the model takes off what all frames share, which needs all of them",
            "choose all planes",
        )
    if model.context:
        lazy = _lazily(LayerImage(colours.name, as_lazy(colours.pixels, colours.axes), colours.axes), name, choices)
        control.tell(f"denoising with {name}")
        return np.asarray(lazy[tuple(place)].compute(scheduler="synchronous"))
    return _all_at_once(np.asarray(colours.pixels[tuple(place)]), colours.axes, name, choices, control)
