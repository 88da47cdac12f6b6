"""Timing, peak memory and result files for the benchmarks."""

from __future__ import annotations

import json
import multiprocessing
import resource
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bsn.evaluation import environment

RESULTS = Path(__file__).parent / "results"


def alternate(variants: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each variant; they take turns, so that a change of the machine's speed meets all of them."""
    for run in variants.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(repeats):
        for name, run in variants.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def _child(queue: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    function(*arguments)
    queue.put(_peak())


def _peak() -> int:
    """Largest resident memory of this process; on Linux without what its parent had when it started it."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def peak_memory(function: Callable[..., Any], *arguments: Any) -> int:
    """Largest resident memory in bytes of a fresh process that calls ``function(*arguments)``."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=_child, args=(queue, function, arguments))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{function.__name__}{arguments} ended with {process.exitcode}")
    return int(queue.get())


def write_result(name: str, content: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Write ``<folder>/<name>.json``, whole or not at all, with the environment and, unless it is in there, the command."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    words = ["DATA" if Path(word).is_absolute() else word for word in sys.argv[1:]]
    script = Path(sys.argv[0])
    module = script.parent.name if script.stem == "__main__" else script.stem
    command = "python -m " + shlex.join([f"benchmarks.{module}", *words])
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"command": command, "environment": environment(), **content}, indent=1) + "\n")
    part.replace(path)
    return path


def write_part(name: str, part: str, found: Any, parts: Sequence[str], words: Sequence[str] = ()) -> Path:
    """Write a part of a result beside those of earlier calls; the command that is told makes all of them.

    Parameters
    ----------
    name : str
        Name of the module and of its result.
    part : str
        What ``--parts`` calls it.
    found : Any
        JSON values.
    parts : sequence of str
        All parts that there are, in their order.
    words : sequence of str
        Further words of the command.
    """
    path = RESULTS / f"{name}.json"
    stored = json.loads(path.read_text()) if path.is_file() else {}
    known = {**stored, part: found}
    content = {key: known[key] for key in parts if key in known}
    command = shlex.join(["python", "-m", f"benchmarks.{name}", "--parts", *content, *words])
    return write_result(name, {"command": command, **content})
