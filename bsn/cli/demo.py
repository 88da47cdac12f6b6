"""``bsn demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bsn.cli.command import Command

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

EXAMPLES = """examples:
  bsn demo                       about four minutes on two cores; then open bsn-demo/report.html
  bsn demo -o again --minutes 8
"""


def add_arguments(parser: ArgumentParser, words: list[str]) -> None:
    """Declare the options.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    words : list of str
        Words of the command line, for options that change the defaults of others.
    """
    parser.add_argument("-o", "--output", default="bsn-demo", help="new folder for run, pictures and report.html")
    parser.add_argument(
        "--minutes", type=float, default=2.5, help="training time, for 400 steps at least and 3900 at most"
    )
    parser.add_argument("--steps", type=int | None, default=None, help="training steps, instead of --minutes")
    parser.add_argument("--seed", type=int, default=0, help="of noise, weights and crops")


def run(options: Namespace) -> int:
    """Run the demo; exit code 1 if the network were not blind.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.demo import run_demo
    from bsn.engine.allocator import keep_freed_memory

    keep_freed_memory()
    result = run_demo(Path(options.output), minutes=options.minutes, seed=options.seed, steps=options.steps)
    return 0 if result.blindness.blind else 1


COMMAND = Command(
    "train, prove blindness, denoise and compare, from the installed package alone", EXAMPLES, add_arguments, run
)
