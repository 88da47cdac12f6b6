"""``bsn restore train``: on pairs, or on clean images with tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsn.cli.command import Command, Recipes, flat_dataclass, stored_defaults, take
from bsn.cli.outcome import say, tell_outcome
from bsn.cli.reading import read_keywords, said_read_options
from restoration.cli.options import add_pair_options, add_task_options, take_images

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonargparse import ArgumentParser, Namespace

    from bsn.engine import RecipeBook

EXAMPLES = """examples:
  bsn restore train --degraded rainy/ --clean clean/ -o run          a small ELF, minutes on two cores
  bsn restore train --degraded rainy/ --clean clean/ -o run --recipe drt-tiny
  bsn restore train --tasks rain,snow,haze,noise,jpeg --clean photos/ -o run      pairs are made of clean photographs
  bsn restore train --degraded Rain800/training --layout rain800 -o run
  bsn restore train --degraded Rain13K/train --layout rain13k -o run --recipe elf-rain13k --devices 2
  bsn restore train --degraded snow/ --clean gt/ --pattern '(.+)_snow' -o run
  bsn restore train --degraded rainy/ --clean clean/ -o run --start rain          begin with the model in the box
  bsn restore train --degraded rainy/ --clean clean/ -o run --resume
"""


def _book() -> RecipeBook[Any]:
    from restoration.recipes import RECIPES

    return RECIPES


NAMED = Recipes(_book)


def add_arguments(parser: ArgumentParser, words: list[str]) -> None:
    """Declare the options; a recipe sets the defaults of the others.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    words : list of str
        Words of the command line, for options that change the defaults of others.
    """
    from bsn.engine import LoopConfig
    from restoration.config import RestoreConfig
    from restoration.run import ValidationData

    parser.add_argument("-o", "--output", required=True, help="folder of the run; the model is final.safetensors in it")
    NAMED.declare(parser)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint of the run")
    stored = stored_defaults(words)
    add_pair_options(parser, required=False)
    add_task_options(parser)
    flat_dataclass(parser, RestoreConfig)
    flat_dataclass(parser, LoopConfig)
    parser.add_class_arguments(ValidationData, "validate")
    parser.set_defaults(NAMED.defaults(words, stored))


def run(options: Namespace) -> int:
    """Train, and say where the model lies.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.engine import LoopConfig
    from restoration.config import RestoreConfig
    from restoration.losses import LossWeights
    from restoration.run import ValidationData, train

    options.loss = LossWeights(**vars(options.loss))
    result = train(
        take_images(options),
        options.output,
        take(RestoreConfig, options),
        take(LoopConfig, options),
        validate=ValidationData(**vars(options.validate)),
        resume=options.resume,
        **read_keywords(options),
    )
    _tell_tasks(options.output, result.validation)
    model = f"model: {options.output}/final.safetensors"
    degraded = (options.degraded or ["damaged/" if options.tasks else "rainy/"])[0]
    tell_outcome(
        "trained",
        result,
        [
            model,
            f"next:  bsn restore apply {degraded} --model {options.output} -o restored{said_read_options(options)}",
        ],
    )
    return 0


def _tell_tasks(output: str, restored: Mapping[str, float]) -> None:
    """For each task, how good its validation images were and are; nothing for a run without tasks."""
    from bsn.models import Model

    about = Model.load(output).provenance
    for task in about.get("tasks", ()):
        name = f"val_psnr_{task}"
        if name in restored and name in about["validation_degraded"]:
            say(f"{task}: {about['validation_degraded'][name]:.2f} dB damaged, {restored[name]:.2f} dB restored")


_BASIC = (
    "help degraded clean tasks layout output config recipe model start steps minutes seed resume devices "
    "validate.degraded validate.clean axes key range"
)

COMMAND = Command(
    "train a restoration network on pairs, or on clean images on which --tasks make them",
    EXAMPLES,
    add_arguments,
    run,
    basic=_BASIC,
    recipes=NAMED,
)
