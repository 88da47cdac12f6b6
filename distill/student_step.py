"""The student that ends a training of ``bsn train --student``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bsn.engine import FitResult, LoopConfig, RunFolder
from bsn.models import Model
from bsn.training import CleanValidation, StudentStep
from distill.holes import can_teach_by_holes
from distill.recipes import DistillRecipe, get_recipe
from distill.run import cache_path, distil
from distill.students import can_begin_as

__all__ = ["recipe_for", "train_student"]

_OF_THE_RUN = ("seed", "precision", "devices", "num_nodes", "accelerator", "tensorboard", "deterministic", "graphs")


def recipe_for(model: Model) -> DistillRecipe:
    """Settings of the student that suits a teacher.

    Parameters
    ----------
    model : Model
        The teacher.

    Returns
    -------
    DistillRecipe
        Several holes at once for a half-plane network whose hole is wider than a pixel; else the default, which learns the
        teacher's own inference.
    """
    if not can_teach_by_holes(model):
        return get_recipe("default")
    recipe = get_recipe("recharge")
    if can_begin_as(recipe.train.student, model.network):
        return recipe
    return dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, student="sighted", start=None))


def train_student(
    teacher: Path,
    images: Any,
    output: Path,
    loop: LoopConfig,
    step: StudentStep,
    *,
    clean: CleanValidation,
    reading: dict[str, Any],
    say: Callable[[str], None],
) -> FitResult | None:
    """Train the student of a finished run, or go on with one that was interrupted.

    Parameters
    ----------
    teacher : Path
        Folder of the run.
    images : path, sequence of paths, array or sequence of arrays
        The training images of the run.
    output : Path
        Folder of the student. The teacher's pictures lie beside it while it is trained.
    loop : LoopConfig
        Settings of the run; devices, precision and seed are taken from it.
    step : StudentStep
        Length of the training.
    clean : CleanValidation
        Images with a known truth, which are scored while training.
    reading : dict
        How the images are read: ``axes``, ``key``, ``nan`` and ``value_range`` of :func:`distill.distil`.
    say : callable
        Gets what is done, in sentences.

    Returns
    -------
    FitResult or None
        None if the student is finished already.

    Raises
    ------
    DataError, ValueError, RunError, TrainingDiverged, Interrupted
        See :func:`distill.distil`.
    """
    folder, cache = RunFolder(output), cache_path(output)
    if folder.final.is_file():
        return None
    if folder.checkpoint.is_file():
        found = distil(teacher, images, output, cache=cache, clean=clean, resume=True, **reading)
    else:
        recipe = recipe_for(Model.load(teacher))
        own = {name: getattr(loop, name) for name in _OF_THE_RUN}
        length = step.student_steps or recipe.loop.steps
        say(f"the student {recipe.train.student} learns from this network: {recipe.summary}")
        found = distil(
            teacher,
            images,
            output,
            recipe.train,
            dataclasses.replace(recipe.loop, **own, steps=length, minutes=step.student_minutes),
            inference=recipe.inference,
            cache=cache,
            clean=clean,
            **reading,
        )
    cache.unlink(missing_ok=True)
    return found
