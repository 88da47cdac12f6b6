"""``bsn train``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsn.cli.command import Command, Recipes, flat_dataclass, stored_defaults, take
from bsn.cli.outcome import say, tell_outcome
from bsn.cli.reading import add_read_options, read_keywords, said_read_options

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from bsn.engine import RecipeBook

EXAMPLES = """examples:
  bsn train noisy/ -o run                          as the measured noise asks for, ten minutes on two cores
  bsn train noisy/ -o run --stride 1 --noise none  plain blind-spot network, whatever the noise
  bsn train noisy/ -o run --recipe camera          JPEGs of a camera: correlated noise, stride 5
  bsn train stack.tif --axes ZYX -o run --minutes 30   a stack: with neighbouring planes, if their noise allows it
  bsn train film.tif --axes TYX -o run --context 2 --context_hole
  bsn train noisy/ -o run --resume                 go on after an interrupt, to the same bits
  bsn train new/ -o adapted --start run --steps 2000 --learning_rate 1e-3  a trained model, adapted to other images
  bsn train photos/ -o run --student               and a student of it, which denoises in one pass
  bsn train photos/ -o run --scheme matched --clean sharp/   clean photographs with the measured noise: one pass, no filter
  bsn train noisy/ -o run --print_config           all options, as YAML for --config
  bsn train noisy/ -o run --recipe tbsn --devices 2
  bsn train noisy/ -o run --validate.noisy val/noisy --validate.clean val/clean
"""


def _book() -> RecipeBook[Any]:
    from bsn.training import RECIPES

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
    from bsn.training import CleanValidation, StudentStep, TrainConfig

    stored = stored_defaults(words)
    parser.add_argument(
        "images", nargs="*" if stored else "+", help="noisy images: files, folders, patterns, or a file of bsn pack"
    )
    parser.add_argument("-o", "--output", required=True, help="folder of the run; the model is final.safetensors in it")
    NAMED.declare(parser)
    add_read_options(parser)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint of the run")
    flat_dataclass(parser, TrainConfig)
    flat_dataclass(parser, LoopConfig)
    flat_dataclass(parser, StudentStep)
    parser.add_class_arguments(CleanValidation, "validate")
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
    from bsn.training import CleanValidation, StudentStep, TrainConfig, train

    clean = CleanValidation(**vars(options.validate))
    result = train(
        options.images,
        options.output,
        take(TrainConfig, options),
        take(LoopConfig, options),
        **read_keywords(options),
        clean=clean,
        student=take(StudentStep, options),
        resume=options.resume,
        say=say,
    )
    lines = [f"model: {options.output}/final.safetensors"]
    lines += [f"student: {options.output}/student/final.safetensors (one pass, no filter)"] if options.student else []
    noisy = (options.images or ["noisy/"])[0]
    lines.append(f"next:  bsn denoise {noisy} --model {options.output} -o denoised{said_read_options(options)}")
    tell_outcome("trained", result, lines)
    return 0


_BASIC = (
    "help images output config recipe model start hole context noise scheme clean student steps minutes resume "
    "validate.noisy axes nan range"
)

COMMAND = Command(
    "train a blind-spot network on noisy images alone", EXAMPLES, add_arguments, run, basic=_BASIC, recipes=NAMED
)
