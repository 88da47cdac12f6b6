"""``bsn distill`` and ``bsn distill report``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from bsn.cli.command import Command, Recipes, flat_dataclass, stored_defaults, take
from bsn.cli.outcome import tell_outcome
from bsn.cli.reading import add_read_options, read_keywords, said_read_options
from distill.cli import report

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from bsn.engine import RecipeBook

EXAMPLES = """examples:
  bsn distill --teacher run --images noisy/ -o student                 the student "light"
  bsn distill --teacher run --images noisy/ -o small --student tiny --cache student.cache.h5
  bsn distill --teacher tbsn.safetensors --images noisy/ -o unet --recipe tbsn2unet
  bsn distill --teacher run --images noisy/ -o student --recipe recharge      of a half-plane network, several holes at once
  bsn distill --teacher run --images noisy/ -o student --resume        go on after an interrupt
  bsn distill report --teacher run --students student small --noisy test/noisy --clean test/clean -o report
"""


def _is_report(words: list[str]) -> bool:
    return bool(words) and words[0] == "report"


def _action(words: list[str]) -> Command | None:
    return REPORT if _is_report(words) else None


def _book() -> RecipeBook[Any]:
    from distill import RECIPES

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
    if _is_report(words):
        parser.prog, parser.description = "bsn distill report", REPORT.summary
        report.add_arguments(parser, words)
        return
    from bsn.engine import LoopConfig
    from bsn.training import CleanValidation
    from distill import DistillConfig, TeacherInference

    stored = stored_defaults(words)
    parser.add_argument("--teacher", required=not stored, help="folder of a run, or a .safetensors model")
    parser.add_argument(
        "--images", nargs="+", required=not stored, help="noisy images: files, folders, patterns, a packed file"
    )
    parser.add_argument(
        "-o", "--output", required=True, help="folder of the run; the student is final.safetensors in it"
    )
    NAMED.declare(parser)
    parser.add_argument(
        "--cache", type=str | None, default=None, help="file of the teacher's images; default: OUTPUT.cache.h5"
    )
    parser.add_argument("--rebuild", action="store_true", help="make a stale cache anew")
    add_read_options(parser)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint of the run")
    flat_dataclass(parser, DistillConfig)
    flat_dataclass(parser, LoopConfig)
    parser.add_class_arguments(TeacherInference, "inference")
    parser.add_class_arguments(CleanValidation, "validate")
    parser.set_defaults(NAMED.defaults(words, stored))


def run(options: Namespace) -> int:
    """Distil, and say where the student lies; or report.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    if "action" in options:
        return report.run(options)
    from rich.console import Console
    from rich.progress import Progress

    from bsn.engine import LoopConfig
    from bsn.training import CleanValidation
    from distill import DistillConfig, ModelTeacher, TeacherInference, distil
    from distill.run import asked_for

    config = take(DistillConfig, options)
    teacher = ModelTeacher(options.teacher, asked_for(config, TeacherInference(**vars(options.inference))), "cpu")
    if not teacher.blind:
        print(
            "bsn distill: note: this teacher sees the pixel it predicts, so nothing proves that it removes noise; the "
            "student will be as good as it is",
            file=sys.stderr,
        )
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("teacher", total=None)

        def tick(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)
            if done >= total:
                progress.stop()

        result = distil(
            teacher,
            options.images,
            options.output,
            config,
            take(LoopConfig, options),
            cache=options.cache,
            **read_keywords(options),
            clean=CleanValidation(**vars(options.validate)),
            rebuild=options.rebuild,
            resume=options.resume,
            progress=tick,
        )
    what_now = [
        f"student: {options.output}/final.safetensors",
        f"next:    bsn denoise {options.images[0]} --model {options.output} -o denoised{said_read_options(options)}",
        f"         bsn export {options.output} -o student.onnx",
    ]
    tell_outcome("distilled", result, what_now)
    return 0


_BASIC = (
    "help teacher images output config recipe student recharge cache resume steps minutes "
    "validate.noisy validate.clean axes nan range inference.strides inference.holes outliers"
)

_REPORT_BASIC = (
    "help config teacher students noisy clean protocol repeats output json axes key nan range inference.strides "
    "inference.wiener inference.r3_passes inference.ensemble inference.tile"
)
REPORT = Command("compare a teacher with its students", EXAMPLES, add_arguments, run, basic=_REPORT_BASIC)
COMMAND = Command(
    "distil a model into a light student; compare students",
    EXAMPLES,
    add_arguments,
    run,
    basic=_BASIC,
    recipes=NAMED,
    action=_action,
)
