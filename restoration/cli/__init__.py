"""``bsn restore``: one file per action, no work of its own."""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING

from bsn.cli.command import Command

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

__all__ = ["ACTIONS", "COMMAND"]

ACTIONS = {
    "apply": "restore images: rain with the model in the box, anything else with a model that you trained",
    "train": "train on pairs of degraded and clean images, or on clean images that are damaged while training",
    "streaks": "remove rain streaks without a model and without training",
    "evaluate": "score models, or folders of results, on pairs: a table, and a CSV file for each",
    "pack": "put pairs into one HDF5 file, which random crops are read from fast",
    "search": "search a network (MANAS) for your pairs, or compare one with chance",
    "demo": "train on synthetic rain over photographs that are installed already, and write a report",
}

EXAMPLES = """examples:
  bsn restore apply rainy.png -o clean.png                    works at once, with the model in the box for rain
  bsn restore train --degraded rainy/ --clean clean/ -o run
  bsn restore train --tasks rain,snow,noise,jpeg --clean photos/ -o run
  bsn restore apply rainy/ --model run -o restored/
  bsn restore streaks rainy/ -o dry/
  bsn restore evaluate --models run rain --degraded test/rainy --clean test/clean --protocol y
  bsn restore demo
  bsn restore train --help
"""


def _action(words: list[str]) -> Command | None:
    """Command of the first word, None where it is not an action."""
    if not words or words[0] not in ACTIONS:
        return None
    module = importlib.import_module(f"restoration.cli.{words[0]}")
    command: Command = module.COMMAND
    return command


def add_arguments(parser: ArgumentParser, words: list[str]) -> None:
    """Declare the action, and the options of the one that is asked for.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    words : list of str
        Words of the command line, for options that change the defaults of others.
    """
    action = _action(words)
    listed = "; ".join(f"{name}: {summary}" for name, summary in ACTIONS.items())
    said = f"what to do. {listed}" if action is None else argparse.SUPPRESS
    parser.add_argument("action", choices=list(ACTIONS), help=said)
    if action is not None:
        parser.prog = f"bsn restore {words[0]}"
        parser.description, parser.epilog = action.summary, action.examples
        action.add_arguments(parser, words[1:])


def run(options: Namespace) -> int:
    """Run the action.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    action = _action([options.action])
    assert action is not None
    return action.run(options)


COMMAND = Command(
    "take rain off photographs, or train a network that restores images: rain, snow, haze and the like",
    EXAMPLES,
    add_arguments,
    run,
    action=_action,
)
