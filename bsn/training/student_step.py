"""A student as the last step of a training: what denoises in one pass what the trained network denoises in several.

Students come with another package, which is found by its entry point: this one knows nothing of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol, cast

from bsn.data import ReadOptions
from bsn.engine import FitResult, LoopConfig, RunFolder, is_first_process
from bsn.plugins import load
from bsn.training.config import TrainConfig
from bsn.training.validation_images import CleanValidation

__all__ = ["StudentStep", "StudentTrainer", "check_student", "train_student"]

_GROUP = "bsn.students"


@dataclass(frozen=True)
class StudentStep:
    """Whether a student follows, and for how long it is trained.

    Parameters
    ----------
    student : bool
        Train a student of the trained network, in the folder ``student`` of the run. It sees every pixel and gives the picture
        in one pass, without a filter. Of a half-plane network it learns several holes at once.
    student_steps : int, optional
        Length of its training in steps. None: what its recipe says.
    student_minutes : float, optional
        Length of its training in minutes instead.

    Raises
    ------
    ValueError
        For lengths out of range, and a length of a student that is not asked for.
    """

    student: bool = False
    student_steps: int | None = None
    student_minutes: float | None = None

    def __post_init__(self) -> None:
        given = {"student_steps": self.student_steps, "student_minutes": self.student_minutes}
        for name, value in given.items():
            if value is not None and value <= 0:
                raise ValueError(f"{name} {value} is out of range; use more than 0")
            if value is not None and not self.student:
                raise ValueError(f"{name} {value} is the length of a student that is not asked for; use --student too")
        if None not in given.values():
            raise ValueError(
                f"student_steps {self.student_steps} and student_minutes {self.student_minutes} are two lengths of one "
                "training; give one of them"
            )


class StudentTrainer(Protocol):
    """What the package of the students offers."""

    def __call__(
        self,
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
        """Train a student, or go on with one; None where it is finished already."""
        ...


def check_student(step: StudentStep, config: TrainConfig) -> None:
    """Refuse, before the training, a student that cannot follow it.

    Parameters
    ----------
    step : StudentStep
        Whether a student is wanted.
    config : TrainConfig
        Settings of the training.

    Raises
    ------
    ValueError
        If the network needs no student, or the package of the students is missing or hidden.
    """
    if not step.student:
        return
    if config.scheme != "blind":
        raise ValueError(
            f"the scheme {config.scheme!r} trains a network that sees its pixel and needs one pass, as a student does; leave "
            "--student out"
        )
    if config.neighbours:
        raise ValueError(
            f"students take single images, and context {config.context} trains a network of stacks; leave --student or "
            "--context out"
        )
    if config.fixed_pattern == "subtract":
        raise ValueError(
            "students take single images, and fixed_pattern subtract is for stacks; leave --student or --fixed_pattern out"
        )
    _find_trainer()


def train_student(
    folder: RunFolder,
    images: Any,
    loop: LoopConfig,
    step: StudentStep,
    *,
    clean: CleanValidation,
    how: ReadOptions,
    say: Callable[[str], None],
) -> None:
    """Train the student of a finished run, in the folder ``student`` of the run.

    Parameters
    ----------
    folder : RunFolder
        Folder of the run.
    images : path, sequence of paths, array or sequence of arrays
        The training images.
    loop : LoopConfig
        Settings of the run, which the student shares but for its length.
    step : StudentStep
        Length of the student's training.
    clean : CleanValidation
        Images with a known truth, which are scored while training.
    how : ReadOptions
        How the images are read.
    say : callable
        Gets what is done, in sentences.

    Raises
    ------
    DataError, ValueError, RunError, TrainingDiverged, Interrupted
        Of its training.
    """
    if not is_first_process():
        return  # one process is enough for a student
    _find_trainer()(
        folder.path,
        images,
        folder.path / "student",
        dataclasses.replace(loop, devices=1),
        step,
        clean=clean,
        reading={"axes": how.axes, "key": how.key, "nan": how.nan, "value_range": how.value_range},
        say=say,
    )


def _find_trainer() -> StudentTrainer:
    found = sorted(entry_points(group=_GROUP), key=lambda point: point.name)
    if not found:
        raise ValueError(
            "students come with the package 'distill', which is not installed; install Blindspot again, or leave --student out"
        )
    return cast("StudentTrainer", load(found[0]))
