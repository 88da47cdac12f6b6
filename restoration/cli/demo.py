"""``bsn restore demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bsn.cli.command import Command

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

EXAMPLES = """examples:
  bsn restore demo                       minutes on two cores; then open restore-demo/report.html
  bsn restore demo -o again --recipe drt-tiny --steps 400
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
    parser.add_argument("-o", "--output", default="restore-demo", help="new folder for run, pictures and report.html")
    parser.add_argument("--recipe", default="elf-tiny", help="one of the small recipes of bsn restore train")
    parser.add_argument("--steps", type=int, default=300, help="training steps")
    parser.add_argument("--seed", type=int, default=0, help="of rain, weights and crops")


def run(options: Namespace) -> int:
    """Run the demo.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.engine import keep_freed_memory
    from restoration.demo import run_demo

    keep_freed_memory()
    run_demo(Path(options.output), recipe=options.recipe, steps=options.steps, seed=options.seed)
    return 0


COMMAND = Command("train on synthetic rain, restore a photograph, report", EXAMPLES, add_arguments, run)
