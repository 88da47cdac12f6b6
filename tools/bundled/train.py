"""Training of the weights in the box."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from bsn.data import Gaussian, random_camera
from bsn.engine import FitResult, RunFolder, RunSettings, fit, plain
from bsn.evaluation import ImagePair, Validation, get_protocol
from bsn.models import InferenceDefaults, ValueScale
from distill.task import DistillTask
from tools.bundled.photographs import HELD_OUT
from tools.bundled.prior_task import PriorTask
from tools.bundled.rain import RandomRain
from tools.bundled.recipes import BoxRecipe
from tools.bundled.sources import PairKind, Picture, training_pairs
from tools.bundled.words import WORDS

__all__ = ["LICENCE", "described", "inference_of", "train_bundled", "validation_pairs"]

VALIDATION_SIGMAS = (15.0, 25.0, 50.0)
_VALIDATION_CAMERAS = 6
_VALIDATION_RAINS = 6
LICENCE = (
    "Apache-2.0; trained on photographs in the public domain, under CC0, CC-BY or BSD, or without known restrictions, whose "
    "authors the model card names"
)
_PURPOSES = {
    "photo": (
        "photographs, colour or grey, with white noise (Gaussian or Poisson-Gaussian) up to a standard deviation of 60 of 255; "
        "the level need not be known"
    ),
    "colour": "photographs in colour with white noise; the level need not be known",
    "camera": (
        "files of cameras, colour or grey, whose noise went through demosaicing, tone curve, resizing or JPEG; the level need "
        "not be known"
    ),
    "rain": (
        "photographs, colour or grey, in light or heavy rain that was made by rule: streaks are taken off, haze stays, and "
        "real rain may stay in part"
    ),
    "white": "the start of trainings on images with independent noise",
    "shared": "the start of trainings on images whose neighbouring pixels share their noise",
}


def train_bundled(
    output: str | Path, recipe: BoxRecipe, photographs: Sequence[Picture], *, resume: bool = False
) -> FitResult:
    """Train a model on free photographs, supervised by the clean ones.

    Parameters
    ----------
    output : str or Path
        Folder of the run.
    recipe : BoxRecipe
        What is trained, and how.
    photographs : sequence of Picture
        Clean ones, see :func:`tools.bundled.sources.training_photographs`.
    resume : bool
        Go on with a run that was interrupted.

    Returns
    -------
    FitResult
    """
    config, loop = recipe.config, recipe.loop
    torch.manual_seed(loop.seed)
    settings = RunSettings(plain(config), plain(config))
    return fit(_task(recipe, photographs), loop, RunFolder(Path(output)), resume=resume, settings=settings)


def _task(recipe: BoxRecipe, photographs: Sequence[Picture]) -> DistillTask | PriorTask:
    config, seed = recipe.config, recipe.loop.seed
    network = recipe.start()
    pairs = training_pairs(recipe.pairs, config.crop, seed, photographs)
    more: dict[str, Any] = {
        "validation": Validation(validation_pairs(recipe.pairs), get_protocol("rgb8")),
        "provenance": described(recipe, photographs),
        "inference": inference_of(recipe.pairs, config.crop, recipe.views),
        "weights_licence": LICENCE,
    }
    if recipe.kind == "blind":
        return PriorTask(network, pairs, config, "white" if recipe.pairs == "white" else "shared", seed=seed, **more)
    return DistillTask(network, pairs, config, ValueScale(), **more)


def inference_of(kind: PairKind, crop: int, views: Literal[1, 2] = 1) -> InferenceDefaults:
    """How a model in the box is used.

    Parameters
    ----------
    kind : {"photo", "colour", "camera", "rain", "white", "shared"}
        What it is for. What stands out in rain may be a drop, and is left to the network. Blind networks see colours only, and
        a filter lets the pixel itself have its say where a posterior does not.
    crop : int
        Side of the crops of its training.
    views : {1, 2}
        Views of a denoiser of photographs.

    Returns
    -------
    InferenceDefaults
    """
    if kind == "rain":
        return InferenceDefaults(training_crop=crop, grey_as_colour=True, outliers="ignore")
    if kind in ("white", "shared"):
        return InferenceDefaults(training_crop=crop, wiener=kind == "shared")
    tones = kind == "camera"
    return InferenceDefaults(training_crop=crop, grey_as_colour=True, cut_spots=True, views=views, tones=tones)


def described(recipe: BoxRecipe, photographs: Sequence[Picture]) -> dict[str, Any]:
    """What the model file says of the training.

    Parameters
    ----------
    recipe : BoxRecipe
        What was trained, and how.
    photographs : sequence of Picture
        On what.

    Returns
    -------
    dict
    """
    return {
        "model": recipe.name,
        "trained_for": _PURPOSES[recipe.pairs],
        "supervision": f"clean photographs with synthetic {WORDS[recipe.pairs].made}",
        "photographs": {photograph.file: photograph.terms for photograph in photographs},
        "loss": "expected likelihood" if recipe.pairs == "white" else recipe.config.loss,
    }


def validation_pairs(kind: PairKind) -> list[ImagePair]:
    """Noisy or rainy versions of the photograph that is not trained on.

    Parameters
    ----------
    kind : {"photo", "colour", "camera", "rain", "white", "shared"}
        White noise of three levels, the noise of six cameras, or six kinds of rain.

    Returns
    -------
    list of ImagePair
    """
    clean = HELD_OUT.read()[:, 100:356, 100:356]
    if kind in ("photo", "colour", "white"):
        rng = np.random.default_rng(0)
        return [
            ImagePair(f"sigma {sigma:g}", Gaussian.from_grey_levels(sigma)(clean, rng), clean)
            for sigma in VALIDATION_SIGMAS
        ]
    if kind == "rain":
        rain = RandomRain(clear=0, grey=0)
        made = [rain(clean, np.random.default_rng(100 + index)) for index in range(_VALIDATION_RAINS)]
        return [ImagePair(f"rain {index}", *pair) for index, pair in enumerate(made)]
    pairs = []
    for index in range(_VALIDATION_CAMERAS):
        camera = random_camera(np.random.default_rng(100 + index), (1.0, 1.0))
        pairs.append(ImagePair(f"camera {index}", *camera.pair(clean, index)))
    return pairs
