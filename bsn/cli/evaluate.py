"""``bsn evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bsn.cli.command import Command, flat_dataclass, take
from bsn.cli.json_output import add_json_option, print_json
from bsn.cli.reading import add_read_options, read_options
from bsn.cli.terminal import print_table, progress_bar

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from bsn.data import Pair
    from bsn.evaluation import ScoreTable
    from bsn.inference import Contender, Denoiser

EXAMPLES = """examples:
  bsn evaluate --model run --noisy test/noisy --clean test/clean --protocol affine -o scores/
  bsn evaluate --result denoised/ --clean test/clean       results that exist already
  bsn evaluate --model run --noisy noisy/                  no truth: what the residual looks like
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
    from bsn.evaluation import listed_protocols
    from bsn.inference import InferenceConfig

    parser.add_argument(
        "--model",
        type=str | None,
        default=None,
        help="folder of a run, a .safetensors model, or one in the box, see bsn models",
    )
    parser.add_argument("--noisy", nargs="+", default=None, help="noisy images")
    parser.add_argument("--result", nargs="+", default=None, help="denoised images, instead of a model")
    parser.add_argument("--clean", nargs="+", default=None, help="true images, matched by name; without: residual only")
    parser.add_argument("--protocol", default="rgb8", help=f"how images are compared. {listed_protocols()}")
    parser.add_argument("-o", "--output", type=str | None, default=None, help="folder for scores.csv and scores.json")
    add_json_option(parser, words, "bsn evaluate")
    add_read_options(parser)
    flat_dataclass(parser, InferenceConfig)


def run(options: Namespace) -> int:
    """Score, print the table, write CSV and JSON.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.evaluation import get_protocol, write_tables
    from bsn.inference import pair_files, score_files

    protocol = get_protocol(options.protocol)
    _check_words(options)
    pairs = pair_files(options.noisy or options.result, options.clean)
    contender = _contender(options, pairs)
    with progress_bar("scoring", len(pairs)) as tick:
        how = read_options(options)
        table = score_files(pairs, protocol, contender, how, before=options.noisy is not None, progress=tick)
    table.about = {"model": options.model, "noisy": options.noisy, "result": options.result, "clean": options.clean}
    if options.json:
        print_json(table.content())
    else:
        _print(table, f"protocol {protocol.name} ({protocol.hash})" if options.clean else "residual = noisy - denoised")
    if options.output is not None:
        write_tables({"scores": table}, Path(options.output))
    return 0


def _check_words(options: Namespace) -> None:
    if (options.model is None) == (options.result is None):
        raise ValueError("give either --model with --noisy, or --result")
    if options.model is not None and options.noisy is None:
        raise ValueError("a model needs --noisy images to denoise")
    if options.clean is None and options.noisy is None:
        raise ValueError("results alone cannot be scored; give --clean, or --noisy to look at the residual")


def _contender(options: Namespace, pairs: list[Pair]) -> Denoiser | Contender:
    """Who is scored: a model, results of the noisy images, or results that stand alone with their truth."""
    from bsn.inference import Denoiser, InferenceConfig, from_files, unchanged

    if options.model is not None:
        return Denoiser(options.model, take(InferenceConfig, options))
    return unchanged if options.noisy is None else from_files(options.result, pairs)


def _print(table: ScoreTable, title: str) -> None:
    print_table(
        title,
        [(column, "left") if column == "image" else column for column in table.rows[0]],
        [
            [f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()]
            for row in [*table.rows, {"image": "mean", **table.means}]
        ],
    )


_BASIC = (
    "help model noisy result clean protocol output config axes key nan range stride r3_passes wiener ensemble tile "
    "device outliers json"
)

COMMAND = Command(
    "score results with a named protocol, or look at the residual", EXAMPLES, add_arguments, run, basic=_BASIC
)
