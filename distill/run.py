"""From a teacher and noisy images to a trained student."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bsn.data import Missing, RandomCrops, open_source, source_digest
from bsn.engine import FitResult, LoopConfig, RunFolder, RunSettings, fit, named_images, plain, process_restored
from bsn.evaluation import Validation
from bsn.models import InferenceDefaults, Model, ValueScale, create, first_network, image_network, is_blind
from bsn.training import (
    CleanValidation,
    MendedSource,
    fit_crop,
    held_back_crops,
    plain_read_settings,
    read_settings,
    values_of,
)
from distill.cache import TeacherCache
from distill.cache_making import make_cache
from distill.config import DistillConfig, TeacherInference
from distill.students import fill_from_teacher
from distill.task import DistillTask
from distill.teacher import ModelTeacher, Teacher

__all__ = ["asked_for", "build_task", "cache_path", "distil"]

_IN_PROVENANCE = ("recharge", "crop", "batch_size", "loss", "optimizer", "learning_rate", "weight_decay")


def cache_path(output: str | Path) -> Path:
    """Where a run in `output` keeps its teacher's images: beside the folder, for other students to use.

    Parameters
    ----------
    output : str or Path
        Folder of the run.

    Returns
    -------
    Path
        ``<output>.cache.h5``.
    """
    output = Path(output)
    return output.with_name(output.name + ".cache.h5")


@process_restored()
def distil(
    teacher: Teacher | Model | nn.Module | str | Path,
    images: str | Path | Sequence[str | Path] | np.ndarray | Sequence[np.ndarray] | None,
    output: str | Path,
    config: DistillConfig | None = None,
    loop: LoopConfig | None = None,
    *,
    inference: TeacherInference | None = None,
    cache: str | Path | None = None,
    axes: str | None = None,
    key: str | None = None,
    nan: Missing | None = None,
    value_range: tuple[float, float] | None = None,
    clean: CleanValidation | None = None,
    rebuild: bool = False,
    resume: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FitResult:
    """Train a student that gives in one pass what the teacher's full inference gives.

    Parameters
    ----------
    teacher : Teacher, Model, nn.Module, str or Path
        A run, a model file, or anything that implements :class:`distill.Teacher`.
    images : path, sequence of paths, array or sequence of arrays
        Noisy images, see :func:`bsn.data.open_source`.
    output : str or Path
        Folder of the run; ``final.safetensors`` in it is the student.
    config : DistillConfig, optional
        Student, loss and crops; those of the run if it is resumed.
    loop : LoopConfig, optional
        Length, learning rate, precision and the like; those of the run if it is resumed.
    inference : TeacherInference, optional
        How the teacher is asked; not for a `teacher` that is a :class:`distill.Teacher` already.
    cache : str or Path, optional
        The teacher's images; made if missing. Default: :func:`cache_path`.
    axes, key, nan, value_range : optional
        How images are read, see :class:`bsn.data.ReadOptions`; as in the run if it is resumed. Missing pixels that are kept
        are filled for teacher and student, and enter neither the loss nor a score.
    clean : CleanValidation, optional
        Pairs with known truth, to watch PSNR.
    rebuild : bool
        Make a stale cache anew.
    resume : bool
        Go on from the last checkpoint, with the settings of the run. Settings that are given nevertheless have to be the same,
        but for the number of steps, which may grow; `images` is None for those of the run.
    progress : callable
        Called as ``progress(done, total)`` after each image of the cache.

    Returns
    -------
    FitResult

    Raises
    ------
    DataError
        For images that cannot be read, do not fit the teacher, or a cache made of something else.
    ValueError
        For an unknown student, a crop off its grid, or uncertainty asked of a teacher that gives none.
    RunError, TrainingDiverged, Interrupted
        See :func:`bsn.engine.fit`.
    """
    folder = RunFolder(Path(output))
    if not resume:
        folder.check_free()
    stored = RunSettings.of_run(folder) if resume else RunSettings()
    own = isinstance(teacher, (Model, nn.Module, str, Path))
    if resume:
        config, loop = stored.restore(DistillConfig, config), stored.restore_loop(loop)
        images, clean = stored.restore_images(images, moved=True), stored.restore(CleanValidation, clean, at="validate")
        inference = stored.restore(TeacherInference, inference, at="inference") if own else None
        cache = cache or stored.settled.get("cache")
    how = read_settings(stored, axes=axes, key=key, nan=nan, value_range=value_range)
    config, loop, clean = config or DistillConfig(), loop or LoopConfig(), clean or CleanValidation()
    create(config.student)  # an unknown student is told before the teacher works for hours
    if isinstance(teacher, (Model, nn.Module, str, Path)):
        teacher = ModelTeacher(teacher, asked_for(config, inference or TeacherInference()), "cpu")
    about = {
        "teacher": teacher.source if isinstance(teacher, ModelTeacher) else type(teacher).__name__,
        "images": named_images(images),
        "output": str(output),
        "cache": None if cache is None else os.path.abspath(cache),
        **plain_read_settings(how),
        "validate": plain(clean),
        "inference": plain(teacher.inference if isinstance(teacher, ModelTeacher) else TeacherInference()),
    }
    if not resume:
        _check_folder(folder)
    validation = clean.open(how)
    assert images is not None
    torch.manual_seed(loop.seed)
    student = _student(config, teacher)  # what does not fit is told before the teacher works, too
    source = open_source(images, how)
    facts = {"images": source_digest(source)}
    stored.check_images(facts["images"], images)
    path = cache_path(output) if cache is None else Path(cache)
    made = make_cache(
        teacher, source, path, outliers=config.outliers, devices=_devices(loop), rebuild=rebuild, progress=progress
    )
    torch.manual_seed(loop.seed)
    task = build_task(made, config, loop.seed, validation=validation, student=student)
    settings = stored.again({**about, **plain(task.config)}, {**about, **plain(config)}, loop, facts)
    return fit(task, loop, folder, resume=resume, settings=settings)


def asked_for(config: DistillConfig, inference: TeacherInference) -> TeacherInference:
    """Inference of a teacher with the targets that recharging needs, where none were named.

    Parameters
    ----------
    config : DistillConfig
        Settings of the distillation.
    inference : TeacherInference
        How the teacher is to be asked.

    Returns
    -------
    TeacherInference
    """
    if config.recharge and not inference.holes and len(inference.strides) < 2:
        return dataclasses.replace(inference, holes=("auto",))
    return inference


def _student(config: DistillConfig, teacher: Teacher) -> Model | None:
    """What the student begins with; None for random weights.

    Raises
    ------
    ValueError
        If the start does not fit.
    """
    if config.start is None:
        return None
    if config.start != "teacher":
        model = Model.load(config.start)
        if is_blind(model.network):
            raise ValueError(
                f"the model {config.start} does not see the pixel it predicts, and a student does; start with a student"
            )
        if model.channels != teacher.channels:
            raise ValueError(
                f"the model {config.start} has {model.channels} channels, the images have {teacher.channels}"
            )
        return model
    if not isinstance(teacher, ModelTeacher):
        raise ValueError(f"a {type(teacher).__name__} has no weights to start with; leave start out")
    network = create(config.student, channels=teacher.channels)
    fill_from_teacher(network, teacher.model.network)
    return Model(network, teacher.scale)


def _check_folder(folder: RunFolder) -> None:
    """Say that a run cannot be written before the teacher works; the run itself checks again."""
    if folder.path.exists() and not (folder.path.is_dir() and not any(folder.path.iterdir())):
        folder.check_new()


def _devices(loop: LoopConfig) -> list[str]:
    gpus = torch.cuda.device_count() if torch.cuda.is_available() and loop.accelerator != "cpu" else 0
    return [f"cuda:{i}" for i in range(min(gpus, loop.devices))] or ["cpu"] * loop.devices


def build_task(
    cache: TeacherCache,
    config: DistillConfig,
    seed: int,
    *,
    validation: Validation | None = None,
    student: Model | None = None,
) -> DistillTask:
    """Task of a run: student, pairs of the cache, held-back crops.

    Parameters
    ----------
    cache : TeacherCache
        Images and the teacher's answers.
    config : DistillConfig
        Settings of the distillation.
    seed : int
        Seed of crops and held-back crops (the student's initial weights follow torch's global generator).
    validation : Validation, optional
        Whole images on which the student is scored.
    student : Model, optional
        What the student begins with, its network and its value scale; random weights if left out.

    Raises
    ------
    DataError, ValueError
    """
    if config.uncertainty and not cache.has_spread:
        raise ValueError(
            "uncertainty was asked for, but this teacher gives none; set uncertainty to false or use a teacher with a "
            "posterior"
        )
    if config.recharge and cache.targets < 2:
        raise ValueError(
            "recharging puts the noisy pixel in the place of one of several targets, and this cache has one; ask the teacher "
            "at several holes or strides"
        )
    scale = cache.scale if config.value_scale == "teacher" else ValueScale()
    if student is None:
        network = create(config.student, channels=cache.channels)
    else:
        network, scale = image_network(first_network(student.network).train()), student.scale
    config = dataclasses.replace(config, crop=fit_crop(cache, config.crop, grid=network.size_multiple))
    mended = MendedSource(cache, config.outliers)
    held_back = held_back_crops(mended, config.crop, config.validation_crops, seed)
    crops = RandomCrops(mended, config.crop, seed=seed, augment=config.augment, avoid=held_back)
    licence = cache.about.get("weights_licence", "not stated")
    return DistillTask(
        network,
        crops,
        config,
        scale,
        spread=cache.has_spread,
        held_back=held_back,
        validation=validation,
        provenance={
            "model": config.student,
            "teacher": cache.about,
            "teacher_blind": cache.blind_teacher,
            "training_images": len(cache),
            **{name: getattr(config, name) for name in _IN_PROVENANCE},
        },
        training_values=values_of(cache),
        inference=InferenceDefaults(training_crop=config.crop, outliers=config.outliers),
        weights_licence=f"derived from the teacher ({licence}) and the training images; their terms apply",
        seed=seed,
    )
