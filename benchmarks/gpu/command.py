"""Options of ``python -m benchmarks.gpu`` and of the processes that it starts."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets import DEFAULT
from benchmarks.gpu.records import commit_of
from benchmarks.measure import RESULTS

__all__ = ["parse", "words"]

DESCRIPTION = """Everything that needs a GPU, the most important first, within a number of minutes.

    python -m benchmarks.gpu --minutes 9                    what is still to be measured on this card and commit
    python -m benchmarks.gpu --only networks operators      some parts or groups; --list names them
    python -m benchmarks.gpu --device cpu --tiny            does the script run? reduced sizes on a processor

Each part runs in a process with a limit of its own and writes benchmarks/results/gpu/PART.json after each of its tasks. Run
again, the command goes on where it stopped; results of other cards and commits are kept beside the new ones.
"""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Options of a run.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words of the command line; default: those of this process.

    Returns
    -------
    argparse.Namespace
        With `card` and `commit`, which mark the results.
    """
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=9.0, help="of all parts together")
    parser.add_argument("--only", nargs="+", default=[], metavar="PART", help="parts or groups to run")
    parser.add_argument("--list", action="store_true", help="name the parts and what is done of them")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tiny", action="store_true", help="reduced sizes: numbers that mean nothing")
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--runs", type=Path, default=Path("runs/gpu"), help="folder of the trainings")
    parser.add_argument("--results", type=Path, help="folder of the results; with --tiny one below the runs by default")
    parser.add_argument("--earlier", type=Path, default=RESULTS / "gpu", help="folder with results of earlier runs")
    parser.add_argument("--commit", help="mark of the results; default: what Git says, or a digest of the code")
    parser.add_argument("--card", help="mark of the results; default: the name of the device")
    options = parser.parse_args(arguments)
    if options.results is None:
        options.results = options.runs / "results" if options.tiny else RESULTS / "gpu"
    if options.tiny:
        options.earlier = options.results
    options.commit = options.commit or commit_of()
    options.card = options.card or _card(options.device)
    return options


def _card(device: str) -> str:
    import torch

    if device == "cpu":
        return "processor"
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"


def words(options: argparse.Namespace, part: str) -> list[str]:
    """Command line of the process of one part.

    Parameters
    ----------
    options : argparse.Namespace
        Result of :func:`parse`.
    part : str
        Name of the part.

    Returns
    -------
    list of str
    """
    named = ["device", "data", "runs", "results", "earlier", "commit", "card"]
    pairs = [word for name in named for word in (f"--{name}", str(getattr(options, name)))]
    return ["--only", part, *pairs, *(["--tiny"] if options.tiny else [])]
