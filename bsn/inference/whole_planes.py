"""Ways of a denoiser that go through whole planes: adapted to an image, or together with neighbouring frames."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from bsn.inference.adapted_planes import AdaptedPlanes
from bsn.inference.config import InferenceConfig
from bsn.inference.counting import Counting
from bsn.inference.fitness import ImagePlanes
from bsn.inference.joint_frames import JointFrames
from bsn.inference.of_files import DenoisesPlanes
from bsn.inference.results import ArrayPlanes, joined
from bsn.models import Model
from bsn.models.bundled import RESTORED

__all__ = ["adapted_planes", "check_adaptable", "denoise_whole", "joint_frames"]


def check_adaptable(model: Model, config: InferenceConfig) -> None:
    """Refuse to adapt models that cannot be adapted.

    Parameters
    ----------
    model : Model
        What is to denoise.
    config : InferenceConfig
        Whether it is to be adapted.

    Raises
    ------
    ValueError
        For models that know images of one kind, in their own range of values, for blind ones, and for those of the box that
        restore.
    """
    if config.adapt and model.provenance.get("kind") in RESTORED:
        raise ValueError(
            f"adapt looks for what predicts noisy pixels best, and the model {model.provenance['kind']} takes something else "
            "than noise off a picture; leave adapt out, or choose the model photo"
        )
    if config.adapt and not model.inference.grey_as_colour:
        raise ValueError(
            "adapt is for the models in the box, which know photographs of any brightness, and this model was trained on "
            "images of one kind; leave adapt out, or choose the model photo"
        )


def denoise_whole(denoiser: DenoisesPlanes, plane: np.ndarray) -> np.ndarray:
    """Denoise a plane by itself.

    Parameters
    ----------
    denoiser : DenoisesPlanes
        It denoises it. The result keeps the local mean where its settings say so; whether the plane counts photons is not
        asked.
    plane : ndarray, shape (C, H, W)
        Image values; what is missing stays missing.

    Returns
    -------
    ndarray, shape (C, H, W)
    """
    frame, counting = ArrayPlanes(plane[None], plane.dtype), Counting(bool(denoiser.keep_mean))
    return joined(denoiser.bands(frame, "a frame", None, counting, deviation=False), plane[None])[0]


def adapted_planes(denoiser: DenoisesPlanes, image: ImagePlanes, level: float, counting: Counting) -> AdaptedPlanes:
    """Adapt a denoiser to an image.

    Parameters
    ----------
    denoiser : DenoisesPlanes
        Its model and settings are used.
    image : ImagePlanes
        The noisy image or stack.
    level : float
        Distance of two values of its type, in image values; 0 for floats.
    counting : Counting
        How it is treated.

    Returns
    -------
    AdaptedPlanes
    """
    ways = [_plane_by_plane(denoiser, keep_mean=kept, adapt=False) for kept in (False, counting.keep_mean)]
    bent, plain = (functools.partial(denoise_whole, way) for way in ways)
    return AdaptedPlanes(image, denoiser.model, bent, plain, level, keep_mean=counting.keep_mean)


def joint_frames(
    denoiser: DenoisesPlanes, image: ImagePlanes, counting: Counting
) -> tuple[JointFrames, DenoisesPlanes]:
    """Denoise the frames of a stack together with their neighbours.

    Parameters
    ----------
    denoiser : DenoisesPlanes
        Its model and settings are used.
    image : ImagePlanes
        The noisy stack.
    counting : Counting
        How it is treated.

    Returns
    -------
    frames : JointFrames
    alone : DenoisesPlanes
        What denoises each frame by itself; its explanations are those of the last frame.
    """
    alone = _plane_by_plane(denoiser, keep_mean=counting.keep_mean, neighbours=0)
    config, axis = denoiser.config, denoiser.model.inference.context_axis
    denoise = functools.partial(denoise_whole, alone)
    return JointFrames(image, denoise, config.neighbours, axis, alone.config.strength), alone


def _plane_by_plane(denoiser: DenoisesPlanes, *, keep_mean: bool, **changes: Any) -> DenoisesPlanes:
    """The same denoiser with other settings, for planes alone; the caller puts noise back and takes a fixed pattern off."""
    again: Any = type(denoiser)  # Denoiser itself imports this module
    strength = max(denoiser.config.strength, 1.0)
    made: DenoisesPlanes = again(
        denoiser.model, denoiser.config, fixed_pattern="keep", strength=strength, keep_mean=keep_mean, **changes
    )
    return made
