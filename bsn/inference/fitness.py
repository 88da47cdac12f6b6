"""Whether an image is one for a model: its number of channels and its scale of values."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from bsn.data import DataError, PlaneIndex, stack_axis
from bsn.data.files.formats.mosaic import mosaic_in
from bsn.data.sources.samples import evenly, middle
from bsn.models import Model, TrainingValues
from bsn.noise.stacks.pattern import PATTERN

__all__ = [
    "SAMPLED",
    "DenoisingWarning",
    "ImagePlanes",
    "Remark",
    "channel_groups",
    "goes_as_mosaic",
    "misses_pixels",
    "remarks_on",
]


class Sampled(NamedTuple):
    """The parts by which an image is judged as a whole.

    Parameters
    ----------
    planes : int
        How many planes, evenly spread.
    side : int
        Side of the middle of each, in pixels.
    """

    planes: int = 4
    side: int = 512


SAMPLED = Sampled()


class DenoisingWarning(UserWarning):
    """A result that may not be what the user expects, and what would be."""


class Remark(NamedTuple):
    """What the user should know of an image.

    Parameters
    ----------
    about : str
        "values", "channels" or "context"; for metadata that a result cannot keep, the text itself.
    text : str
        Half a sentence, after the name of the image.
    """

    about: str
    text: str


class ImagePlanes(Protocol):
    """An image or a stack that is read by regions, such as :class:`bsn.data.ImageReader`.

    Attributes
    ----------
    stacked : PlaneIndex or None
        Axes and shape, where the meaning of the axes is known.
    """

    stacked: PlaneIndex | None

    @property
    def planes(self) -> int:
        """Number of planes."""
        ...

    @property
    def channels(self) -> int:
        """Channels of each plane."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of each plane."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        ...

    def read_unit(self, plane_index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Region (C, height, width) of a plane, float32, image values.

        Parameters
        ----------
        plane_index : int
            Number of the plane, from 0.
        top, left, height, width : int
            The region in pixels, inside the image.

        Returns
        -------
        ndarray, shape (C, height, width), float32
            Image values; integers are scaled to [0, 1].
        """
        ...


def channel_groups(image: ImagePlanes, model: Model) -> list[slice]:
    """Channels that the network is given together.

    Parameters
    ----------
    image : ImagePlanes
        Image whose channels are counted.
    model : Model
        Model that is to denoise the image.

    Returns
    -------
    list of slice
        All channels in one if there are as many as the model knows, otherwise each by itself, like a grey image.
    """
    if image.channels == model.channels:
        return [slice(0, image.channels)]
    return [slice(channel, channel + 1) for channel in range(image.channels)]


def goes_as_mosaic(image: ImagePlanes, model: Model) -> bool:
    """Say whether an image is a mosaic of a sensor that a model denoises as such, see :mod:`bsn.inference.mosaic`.

    Parameters
    ----------
    image : ImagePlanes
        The image; its metadata, if it has any, tell whether it is a mosaic.
    model : Model
        Model that is to denoise it.

    Returns
    -------
    bool
        True for models of the box, which know photographs of any brightness. Models that were trained on mosaics have their
        four channels and need no more.
    """
    mosaic = mosaic_in(getattr(image, "metadata", {})) is not None
    return mosaic and image.channels != model.channels and model.inference.grey_as_colour


def misses_pixels(image: ImagePlanes) -> bool:
    """Say whether pixels of the first plane are missing: NaN, infinite, or under a mask of the file.

    Parameters
    ----------
    image : ImagePlanes
        The image.

    Returns
    -------
    bool
    """
    return not np.isfinite(image.read_unit(0, 0, 0, *image.size)).all()


def remarks_on(
    image: ImagePlanes, model: Model, what: str, *, stated: bool, neighbours: int = 0, adapt: bool = False
) -> list[Remark]:
    """Compare an image with those that a model was trained on.

    Parameters
    ----------
    image : ImagePlanes
        Parts of some planes are read.
    model : Model
        Model that is to denoise the image.
    what : str
        Name of the image, for the message.
    stated : bool
        The user has stated the range of values.
    neighbours : int
        Frames on each side that a frame is to be denoised together with, by models that see one frame at a time.
    adapt : bool
        The model is to be adapted to the image.

    Returns
    -------
    list of Remark
        Empty where all is as in the training.

    Raises
    ------
    data.DataError
        If the values are on another scale altogether.
    """
    remarks = []
    known = (image.channels == 1 and model.inference.grey_as_colour) or goes_as_mosaic(image, model)
    if image.channels != model.channels and not known:
        remarks.append(Remark("channels", _about_channels(image.channels, model.channels)))
    if model.context and not (image.stacked and stack_axis(image.stacked, model.inference.context_axis)):
        remarks.append(Remark("context", _about_context(image, model)))
    if neighbours and _longest_stack(image, model) < 2 and (image.stacked or image.planes == 1):
        remarks.append(Remark("neighbours", _NO_NEIGHBOURS))
    if adapt and goes_as_mosaic(image, model):
        remarks.append(Remark("adapt", _NO_ADAPTING))
    if model.inference.fixed_pattern == "subtract" and _longest_stack(image, model) < PATTERN.frames:
        remarks.append(Remark("pattern", _NO_PATTERN))
    trained = model.training_values or TrainingValues.implied(model.scale)
    if trained is None:
        return remarks
    parts = [
        image.read_unit(plane, *middle(image.size, SAMPLED.side)) for plane in evenly(image.planes, SAMPLED.planes)
    ]
    # A stated range makes the values of any type comparable.
    seen = TrainingValues.of(parts, trained.dtype or image.dtype if stated else image.dtype)
    found = None if seen is None else trained.compare(seen)
    if found is None:
        return remarks
    if found.refuse:
        raise DataError(what, found.why, found.remedy)
    return [*remarks, Remark("values", f"{found.why}, so it may keep its noise or lose its picture; {found.remedy}")]


_NO_NEIGHBOURS = (
    "it has no frames that follow each other, so --neighbours changes nothing; if it is a stack, state its axes, such as "
    "--axes TYX or ZYX"
)
_NO_ADAPTING = "it is the mosaic of a sensor, whose noise is stabilised in any case: --adapt changes nothing"
_NO_PATTERN = (
    "a fixed pattern was taken off the images of the training, and it cannot be found on fewer than "
    f"{PATTERN.frames} frames: it stays"
)


def _longest_stack(image: ImagePlanes, model: Model) -> int:
    axis = stack_axis(image.stacked, model.inference.context_axis) if image.stacked else ""
    return image.stacked.length(axis) if image.stacked and axis else 1


def _about_context(image: ImagePlanes, model: Model) -> str:
    known = f"this model takes {model.context} neighbouring frames on each side"
    axis = model.inference.context_axis or "T or Z"
    if image.planes == 1:
        return f"{known}, and there is a single frame: it is denoised alone"
    return (
        f"{known}, and it is not known which of the {image.planes} planes follow each other: each is denoised alone; state the "
        f"axes, with {axis} for frames that follow each other, such as --axes {axis[0]}YX"
    )


def _about_channels(given: int, wanted: int) -> str:
    if given == 1:
        return (
            f"its grey is given to this model {wanted} times, because the model knows images of {wanted} channels; a model "
            "trained on grey images fits better"
        )
    known = "one channel" if wanted == 1 else f"{wanted} channels"
    return (
        f"its {given} channels are denoised one by one, each as a grey image, because this model knows images of {known}; a "
        f"model trained on images of {given} sees more"
    )
