"""``python -m benchmarks.gpu``."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time

import torch

from benchmarks.gpu.command import parse, words
from benchmarks.gpu.parts import PARTS
from benchmarks.gpu.plan import Choice, choose
from benchmarks.gpu.records import Records

GRACE = 3.0  # seconds of the whole that stay for this process itself


def run(choice: Choice, options: argparse.Namespace) -> str:
    """Run a part in a process group of its own, which is killed at the limit.

    Parameters
    ----------
    choice : Choice
        The part and its limit.
    options : argparse.Namespace
        Result of :func:`benchmarks.gpu.command.parse`.

    Returns
    -------
    str
        How it ended.
    """
    command = [sys.executable, "-m", "benchmarks.gpu.worker", *words(options, choice.part.name)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        process.wait(choice.seconds)
    except subprocess.TimeoutExpired:
        return "stopped at its limit"
    else:
        return "done" if process.returncode == 0 else f"not whole (exit code {process.returncode})"
    finally:
        # Also what the part itself has started, whatever ends this process.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def tell(records: Records) -> None:
    """Print the parts, what is done of them here, and the runs that other cards and commits left."""
    for part in PARTS:
        ours = records.present(part.name)
        state = "complete" if ours["complete"] else f"{len(ours['results'])} results"
        marks = [f"{run['card']} {run['commit']}" for run in records.runs(part.name)]
        print(f"{part.name:<36} {part.seconds:5.0f} s  {state:<12} {'; '.join(marks)}")


def main() -> int:
    options = parse()
    end = time.monotonic() + 60 * options.minutes - GRACE
    unknown = [name for name in options.only if not any(part.answers_to([name]) for part in PARTS)]
    if unknown:
        print(f"there is no part {', '.join(unknown)}; --list names them", file=sys.stderr)
        return 2
    records = Records(options.results, options.card, options.commit, options.earlier)
    if options.list:
        tell(records)
        return 0
    if options.device == "cuda" and not torch.cuda.is_available():
        print("there is no CUDA device here; --device cpu --tiny tries the script on a processor", file=sys.stderr)
        return 2
    passed = {part.name for part in PARTS if records.complete(part.name)}
    while choice := choose(PARTS, passed, options.only, end - time.monotonic()):
        start = time.monotonic()
        how = run(choice, options)
        passed.add(choice.part.name)
        print(f"{choice.part.name}: {how}, {time.monotonic() - start:.0f} s", flush=True)
    rest = [part.name for part in PARTS if part.answers_to(options.only) and not records.complete(part.name)]
    if rest:
        print(f"{len(rest)} parts are not complete; the same command goes on with them: {', '.join(rest)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
