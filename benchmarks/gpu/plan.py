"""Which part runs next: in order of importance, within the time that is left, nothing twice on one card and commit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["START", "Choice", "Part", "Setting", "choose"]

START = 15.0  # seconds that a process needs before its first task: imports, the card


@dataclass(frozen=True)
class Setting:
    """What a part has to know of the run.

    Parameters
    ----------
    device : {"cuda", "cpu"}
        Device that is measured.
    tiny : bool
        Reduced sizes, which only show that everything runs.
    data, runs : Path
        Folder of the image sets, and the folder for trainings.
    """

    device: str = "cuda"
    tiny: bool = False
    data: Path = Path("../shared/data")
    runs: Path = Path("runs/gpu")


Tasks = Mapping[str, Callable[[], Any]]


@dataclass(frozen=True)
class Part:
    """Something to measure, in tasks whose results are written one by one.

    Parameters
    ----------
    name : str
        Name of the result file.
    seconds : float
        Limit: the process is killed then.
    tasks : callable
        Takes a :class:`Setting`, gives named tasks in order; each returns JSON values.
    least : float
        Seconds without which the part is not worth its start. Default: a quarter of the limit.
    group : str
        Name under which several parts are chosen together; its own name by default.
    """

    name: str
    seconds: float
    tasks: Callable[[Setting], Tasks] = field(compare=False)
    least: float | None = None
    group: str | None = None

    @property
    def needs(self) -> float:
        """Seconds that have to be left for it to start."""
        return START + (self.seconds / 4 if self.least is None else self.least)

    def answers_to(self, names: Collection[str]) -> bool:
        """Whether it is among the parts or groups that were named."""
        return not names or self.name in names or (self.group or self.name) in names


@dataclass(frozen=True)
class Choice:
    """A part and the seconds it may take."""

    part: Part
    seconds: float


def choose(parts: Sequence[Part], passed: Collection[str], only: Collection[str], left: float) -> Choice | None:
    """Choose the most important part that is still to be run and for which there is time.

    A smaller part goes before a larger one only where the larger one does not fit any more.

    Parameters
    ----------
    parts : sequence of Part
        In order of importance.
    passed : collection of str
        Names of parts that are complete, or were tried in this run.
    only : collection of str
        Names of parts or groups that are wanted; empty for all.
    left : float
        Seconds left.

    Returns
    -------
    Choice or None
        None if nothing is left to do, or no time.
    """
    for part in parts:
        if part.name not in passed and part.answers_to(only) and part.needs <= left:
            return Choice(part, min(START + part.seconds, left))
    return None
