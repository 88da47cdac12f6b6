"""Trainings that get the same time of one core each."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["timed"]


def timed(run: Callable[[int, Path], Any], seconds: float, folder: Path, name: str) -> dict[str, Any]:
    """Train for so many seconds of one core into a folder of that name; tells the steps and the seconds it took.

    Parameters
    ----------
    run : callable
        ``run(steps, output)`` trains for so many steps.
    seconds : float
        Seconds of CPU time of this process.
    folder : Path
        Where the run folder goes.
    name : str
        Name of the run folder.
    """
    with tempfile.TemporaryDirectory(dir=folder) as trial:
        steps = max(int(seconds / _pace(run, Path(trial))), 10)
    start = time.process_time()
    run(steps, folder / name)
    return {"steps": steps, "core_seconds": round(time.process_time() - start, 1)}


def _pace(run: Callable[[int, Path], Any], folder: Path) -> float:
    """Seconds of one core per step."""
    run(1, folder / "first")  # what is made once, such as the teacher's pictures, does not count
    times = []
    for steps in (2, 8):
        start = time.process_time()
        run(steps, folder / f"pace_{steps}")
        times.append(time.process_time() - start)
    return max((times[1] - times[0]) / 6, 1e-3)
