"""Who is scored on a pair of files: the image itself, a model, or results that exist already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsn.data import DataError, Image, Pair, ReadOptions, list_images, name_some, read_planes, to_planes
from bsn.data.files.formats.mosaic import Mosaic, mosaic_in
from bsn.inference.counting import Counting
from bsn.inference.denoiser import Denoiser
from bsn.inference.results import ArrayPlanes

__all__ = ["Contender", "GivenImage", "by_model", "by_model_unrounded", "from_files", "unchanged"]


@dataclass(frozen=True, eq=False)
class GivenImage:
    """What a contender is given.

    Parameters
    ----------
    pair : Pair
        The files.
    image : Image
        The degraded image as its file holds it.
    planes : ndarray, shape (N, C, H, W), float32, image values
        The same; missing pixels are not finite.
    how : ReadOptions
        How the file was read.
    """

    pair: Pair
    image: Image
    planes: np.ndarray
    how: ReadOptions


Contender = Callable[[GivenImage], np.ndarray]
"""Gives its result of an image, shape (N, C, H, W), float32, image values."""


def unchanged(given: GivenImage) -> np.ndarray:
    """Take the image as it is for the result.

    Parameters
    ----------
    given : GivenImage
        The image.

    Returns
    -------
    ndarray, shape (N, C, H, W), float32
    """
    return given.planes


def by_model(denoiser: Denoiser) -> Contender:
    """Score a model as its files would be: the result is rounded to the pixel type of the image.

    Parameters
    ----------
    denoiser : Denoiser
        The model with its inference.

    Returns
    -------
    Contender
    """

    def answer(given: GivenImage) -> np.ndarray:
        axes, nan, limits = given.image.axes, given.how.nan, given.how.value_range
        mosaic = mosaic_in(given.image.metadata)
        if mosaic is not None:
            return _of_mosaic(denoiser, given, mosaic)
        result = denoiser(given.image.pixels, axes, nan=nan, value_range=limits)
        return to_planes(np.asarray(result), axes, nan=nan, value_range=limits)[0]

    return answer


def _of_mosaic(denoiser: Denoiser, given: GivenImage, mosaic: Mosaic) -> np.ndarray:
    """The result of a mosaic, rounded to the numbers of its file."""
    image = ArrayPlanes(given.planes, given.image.pixels.dtype, mosaic=mosaic)
    result = np.empty_like(given.planes)
    for band in denoiser.bands(image, given.pair.name, given.how.value_range, Counting(), deviation=False):
        result[band.plane, :, band.rows] = band.image
    levels = mosaic.levels
    return result if levels is None else np.stack([levels.to_unit(levels.to_stored(planes)) for planes in result])


def by_model_unrounded(denoiser: Denoiser) -> Contender:
    """Score a model as it computes, so that small differences between models are not lost in the rounding.

    Parameters
    ----------
    denoiser : Denoiser
        The model with its inference.

    Returns
    -------
    Contender
    """
    # The planes are image values already; what is missing was let through by the options.
    return lambda given: np.stack([np.asarray(denoiser(plane, "CYX", nan="keep")) for plane in given.planes])


def from_files(results: str | Path | Sequence[str | Path], pairs: Sequence[Pair]) -> Contender:
    """Score results that exist already, matched by name, whatever their suffix.

    Parameters
    ----------
    results : path or sequence of paths
        Files, folders or patterns.
    pairs : sequence of Pair
        The images that they are results of.

    Returns
    -------
    Contender

    Raises
    ------
    DataError
        If results are missing; all of them are named in one message.
    """
    paths = {path.stem: path for path in list_images(results)}
    missing = [pair.name for pair in pairs if pair.degraded.stem not in paths]
    if missing:
        named = str(results) if isinstance(results, (str, Path)) else ", ".join(map(str, results))
        raise DataError(named, f"lacks results of {name_some(missing, 20)}", "compute them first")
    return lambda given: read_planes(paths[given.pair.degraded.stem], given.how)
