"""From a folder of noisy images to a trained model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from bsn.data import ImageSource, Missing, RandomCrops, open_source, source_digest
from bsn.engine import FitResult, LoopConfig, RunFolder, RunSettings, Watch, fit, named_images, plain, process_restored
from bsn.evaluation import Validation
from bsn.models import Model, NoiseModel, ValueScale, presets
from bsn.noise import NoiseLevel, NoiseStatistics
from bsn.training.config import AUTO, TrainConfig
from bsn.training.context_settings import check_stacks, context_crops
from bsn.training.crop_statistics import crop_statistics
from bsn.training.crop_task import values_of
from bsn.training.held_back import held_back_crops, kept_from_training, pixels_of
from bsn.training.hole_settings import recommended_loop
from bsn.training.leak_guard import warn_of_leaks
from bsn.training.mended_source import MendedSource
from bsn.training.reading import plain_read_settings, read_settings
from bsn.training.removal import tell_removal
from bsn.training.settling import settle
from bsn.training.sighted_run import build_sighted_task
from bsn.training.sighted_task import SightedTask
from bsn.training.starting import check_noise, new_network, started_network, starting_model, terms_of_weights
from bsn.training.student_choice import tell_better
from bsn.training.student_step import StudentStep, check_student, train_student
from bsn.training.task import BlindSpotTask
from bsn.training.validation_images import CleanValidation

__all__ = ["build_task", "train"]


@process_restored()
def train(
    images: str | Path | Sequence[str | Path] | np.ndarray | Sequence[np.ndarray] | None,
    output: str | Path,
    config: TrainConfig | None = None,
    loop: LoopConfig | None = None,
    *,
    hole: str | None = None,
    axes: str | None = None,
    key: str | None = None,
    nan: Missing | None = None,
    value_range: tuple[float, float] | None = None,
    clean: CleanValidation | None = None,
    student: StudentStep | None = None,
    resume: bool = False,
    say: Callable[[str], None] = lambda _: None,
    watch: Watch | None = None,
) -> FitResult:
    """Train a network on noisy images: a blind-spot network on them alone, or as ``config.scheme`` says.

    Parameters
    ----------
    images : path, sequence of paths, array or sequence of arrays, or None
        Files, folders or patterns; a file of ``bsn pack``; arrays with their `axes`. None for the images of a run that is
        resumed.
    output : str or Path
        Folder of the run, see :class:`bsn.engine.RunFolder`. ``final.safetensors`` in it is the model, ``config.yaml`` has all
        settings as they were settled.
    config : TrainConfig, optional
        Network, noise model and crops; those of the run if it is resumed.
    loop : LoopConfig, optional
        Length, learning rate, precision and the like; those of the run if it is resumed.
    hole : str, optional
        In place of that in `config`: "auto", "none", or a region such as "square:7", see :class:`TrainConfig`.
    axes : str, optional
        One letter per axis of the images; guessed where left out.
    key : str, optional
        Which image of files that hold several.
    nan : {"refuse", "keep"}, optional
        Refuse pixels that are NaN or infinite, or keep them as missing: the network then sees their surroundings, and they
        enter neither the loss nor what is measured. Default: "refuse".
    value_range : tuple of float, optional
        The two pixel values that stand for 0 and 1; default: those of the pixel type.
    clean : CleanValidation, optional
        Images with a known truth, which are scored while training.
    student : StudentStep, optional
        Whether a student of the trained network follows, see :class:`bsn.training.StudentStep`.
    resume : bool
        Go on from the last checkpoint, with the settings of the run. Settings that are given nevertheless have to be the same,
        but for the number of steps, which may grow.
    say : callable
        Gets what was found where settings are "auto", in sentences.
    watch : callable, optional
        Gets a :class:`bsn.engine.Progress` after each step, in the thread that trains, and stops the run by returning True. A
        student is not watched.

    Returns
    -------
    FitResult

    Raises
    ------
    DataError
        For images that cannot be read or do not fit together.
    RunError, TrainingDiverged, Interrupted
        See :func:`bsn.engine.fit`.
    """
    if hole is not None:
        config = dataclasses.replace(config or TrainConfig(), hole=hole)
    folder = RunFolder(Path(output))
    if not resume:
        folder.check_free()
    stored = RunSettings.of_run(folder) if resume else RunSettings()
    if resume:
        config, loop = _restored(stored, config), stored.restore_loop(loop)
        images, clean = stored.restore_images(images, moved=True), stored.restore(CleanValidation, clean, at="validate")
        student = stored.restore(StudentStep, student)
    how = read_settings(stored, axes=axes, key=key, nan=nan, value_range=value_range)
    config, loop, clean = config or TrainConfig(), loop or LoopConfig(), clean or CleanValidation()
    student = student or StudentStep()
    if student.student and config.context == "auto":
        config = dataclasses.replace(config, context=0, context_hole=False)
    if (student.student or config.scheme != "blind") and config.fixed_pattern == "auto":
        config = dataclasses.replace(config, fixed_pattern="keep")
    check_student(student, config)
    assert images is not None
    source = open_source(images, how)
    facts = {"images": source_digest(source)}
    stored.check_images(facts["images"], images)
    torch.manual_seed(loop.seed)
    steps = loop.steps if loop.minutes is None else None
    task: BlindSpotTask | SightedTask
    validation = clean.open(how)
    if config.scheme == "blind":
        task = build_task(source, config, loop.seed, steps=steps, validation=validation, say=say)
    else:
        task = build_sighted_task(source, config, loop.seed, validation=validation, say=say)
    asked = {name: value for name, value in plain(loop).items() if name != "steps"}
    loop = recommended_loop(task.config, loop)
    about = {
        "images": named_images(images),
        "output": str(output),
        **plain_read_settings(how),
        "validate": plain(clean),
        **plain(student),
    }
    settings = stored.again({**about, **plain(task.config)}, {**about, **plain(config), **asked}, loop, facts)
    found = fit(task, loop, folder, resume=resume, settings=settings, watch=watch)
    tell_removal(folder, task, source, say)
    if student.student:
        train_student(folder, images, loop, student, clean=clean, how=how, say=say)
        tell_better(folder, task.config, source, say)
    return found


def _restored(stored: RunSettings, config: TrainConfig | None) -> TrainConfig:
    """Settings of a run that is resumed; what it began with is its own, whatever "auto" would take now."""
    if config is not None and config.start == AUTO:
        config = dataclasses.replace(config, start=stored.settled.get("start", AUTO))
    config = stored.restore(TrainConfig, config)
    # As runs were before there were such settings.
    older: dict[str, dict[str, Any]] = {
        "context": {"context": 0, "context_hole": False},
        "start": {"start": None},
        "fixed_pattern": {"fixed_pattern": "keep"},
    }
    values = {name: value for key in older if key not in stored.settled for name, value in older[key].items()}
    return dataclasses.replace(config, **values)


def build_task(
    source: ImageSource,
    config: TrainConfig,
    seed: int,
    *,
    steps: int | None = None,
    validation: Validation | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> BlindSpotTask:
    """Task of a run: network, crops, value scale, validation.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    config : TrainConfig
        Settings of the training.
    seed : int
        Seed of crops and held-back crops (the network's initial weights follow torch's global generator).
    steps : int, optional
        Length of the run, for the choice of the optimiser; None where it is not known yet.
    validation : Validation, optional
        Whole images with a known truth.
    say : callable
        Gets what was found where settings are "auto", in sentences.

    Raises
    ------
    DataError
        If the images are smaller than a crop.
    ValueError
        For a model that is not blind, a start that does not fit, and colours that cannot be augmented.
    """
    if config.model in presets() and not presets()[config.model].blind:
        raise ValueError(
            f"{config.model} sees the pixel it predicts and would learn to copy the noise; train it on pairs with bsn restore "
            "train, or choose a blind-spot network"
        )
    start = starting_model(config, source.channels)
    alone = "images to validate on are scored one by one" if validation is not None and validation.pairs else ""
    settled = settle(source, config, steps, start=start, alone=alone)
    for reason in settled.reasons:
        say(reason)
    config, source = settled.config, settled.source or source
    if start is not None:
        check_noise(start, config)
    if config.augment_colours and (source.channels, config.noise, config.noise_scope) != (3, "gaussian", "set"):
        raise ValueError(
            f"augment_colours is for RGB images and one Gaussian noise level, not for {source.channels} channels and noise "
            f"{config.noise!r} of scope {config.noise_scope!r}; leave it out, or set the noise"
        )
    check_stacks(source, config, validation)
    mended = MendedSource(source, config.outliers)
    stacked: dict[str, Any] = {"context": config.neighbours, "axis": config.stack_axis}
    held_back = held_back_crops(mended, config.image_crop, config.validation_crops, seed, **stacked)
    avoid = kept_from_training(mended, held_back, **stacked)
    crops = RandomCrops(mended, config.image_crop, seed=seed, augment=_augment(config), avoid=avoid)
    network = new_network(config, source.channels) if start is None else started_network(config, start)
    warn_of_leaks(network, config.crop)
    mean, spread, darkest = crop_statistics(crops)
    if start is not None:
        scale = start.scale
    else:
        scale = ValueScale.eight_bit() if config.value_scale == "255" else ValueScale(mean, spread)
    noise = None
    if config.noise != "none":
        start_level = _noise_model(config, settled.statistics, spread, darkest)
        noise = NoiseLevel(start_level, scale, darkest=darkest, learned=config.noise_learned)
    return BlindSpotTask(
        network,
        context_crops(crops, config),
        config,
        scale,
        mean_intensity=abs(mean) or spread,
        noise=noise,
        held_back=held_back,
        validation=validation,
        pixels=pixels_of(source),
        training_values=values_of(source),
        weights_licence=terms_of_weights(config, start),
        provenance={
            "model": config.model if start is None else start.provenance.get("model", "unknown"),
            **_started_from(config, start),
            "training_images": len(source),
            "image_dtype": str(source.dtype),
            **_provenance(config),
        },
    )


def _started_from(config: TrainConfig, start: Model | None) -> dict[str, Any]:
    """What a reader of the model file should know of the weights that the run began with."""
    if start is None:
        return {} if config.start is None else {"start": {"prior": config.start}}
    return {"start": {name: start.provenance.get(name) for name in ("training_images", "steps")}}


_IN_PROVENANCE = (
    "hole",
    "stride",
    "noise",
    "noise_scope",
    "crop",
    "batch_size",
    "loss",
    "optimizer",
    "learning_rate",
    "weight_decay",
)


def _provenance(config: TrainConfig) -> dict[str, Any]:
    """Settings that a reader of the model file should know."""
    stacked = ["context", "context_hole", "time_reversal"] if config.neighbours else []
    stacked += ["fixed_pattern"] if config.fixed_pattern == "subtract" else []
    names = [name for name in _IN_PROVENANCE if name != "hole" or config.hole != "none"]
    return {name: getattr(config, name) for name in (*names, *stacked)}


def _augment(config: TrainConfig) -> bool | Literal["flips"]:
    """Flips and turns of the crops; a quarter turn would lay the lines that a hole hides across it."""
    along_lines = config.hole.partition(":")[0] in ("rows", "columns")
    return "flips" if config.augment and along_lines else config.augment


def _noise_model(config: TrainConfig, measured: NoiseStatistics | None, spread: float, darkest: float) -> NoiseModel:
    """Noise of a run with a posterior: given, or as measured (else a tenth of the images' variance)."""
    per_image = config.noise_scope == "image"
    if not config.noise_learned:
        return NoiseModel(config.noise_gain or 0.0, (config.noise_read or 0.0) ** 2, per_image)
    start = NoiseModel(0.0, measured.sigma**2 if measured is not None and measured.sigma else 0.1 * spread**2)
    if config.noise == "poisson-gaussian" and measured is not None and measured.gain > 0:
        start = NoiseModel(measured.gain, measured.constant)
    elif config.noise == "poisson-gaussian":
        start = NoiseModel(start.variance / spread, start.variance - start.variance / spread * darkest)
    return dataclasses.replace(start, per_image=per_image)
