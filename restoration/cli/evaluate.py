"""``bsn restore evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bsn.cli.command import Command, flat_dataclass, take
from bsn.cli.json_output import add_json_option, print_json
from bsn.cli.reading import read_options
from bsn.cli.terminal import print_table, progress_bar
from restoration.cli.options import add_pair_options

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

EXAMPLES = """examples:
  bsn restore evaluate --models run --degraded test/rainy --clean test/clean
  bsn restore evaluate --models elf-run drt-run --degraded test/ --layout rain800 --protocol y -o scores/
  bsn restore evaluate --results derained/ --degraded test/rainy --clean test/clean --protocol drt
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
        "--models", nargs="+", default=[], help="folders of runs, .safetensors models or names of the box: a row each"
    )
    parser.add_argument("--results", nargs="+", default=[], help="folders of restored images, same names: a row each")
    parser.add_argument("--protocol", default="y", help=f"how images are compared. {listed_protocols()}")
    parser.add_argument("--train_degraded", nargs="+", default=None, help="training images, for the check of leaks")
    parser.add_argument("--train_clean", nargs="+", default=None, help="training truth, for the check of leaks")
    parser.add_argument(
        "-o", "--output", type=str | None, default=None, help="folder for a CSV per model and scores.json"
    )
    add_pair_options(parser)
    add_json_option(parser, words, "bsn restore evaluate")
    flat_dataclass(parser, InferenceConfig)


def run(options: Namespace) -> int:
    """Score, print the table over models, write CSV and JSON.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.data import check_no_leak, find_pairs
    from bsn.evaluation import get_protocol, write_tables
    from bsn.inference import InferenceConfig
    from restoration.run import PairData
    from restoration.scoring import score_models

    if not options.models and not options.results:
        raise ValueError("there is nothing to score: give --models, or --results")
    how = read_options(options)
    protocol, pairs = get_protocol(options.protocol), take(PairData, options).pairs()
    if options.train_degraded is not None:
        check_no_leak(find_pairs(options.train_degraded, options.train_clean, layout=options.layout), pairs, how)
    config = take(InferenceConfig, options)
    with progress_bar("scoring", len(pairs)) as tick:
        tables = score_models(pairs, protocol, options.models, options.results, config, options=how, progress=tick)
    if options.json:
        print_json({name: table.content() for name, table in tables.items()})
    else:
        print_table(
            f"{len(pairs)} pairs, protocol {protocol.name} ({protocol.hash})",
            [("model", "left"), "PSNR", "SSIM"],
            [[name, f"{table.means['psnr']:.3f}", f"{table.means['ssim']:.4f}"] for name, table in tables.items()],
        )
    if options.output is not None:
        write_tables(tables, Path(options.output))
    return 0


_BASIC = (
    "help models results degraded clean layout pattern protocol train_degraded train_clean output json config axes key nan "
    "range ensemble tile device"
)

COMMAND = Command("score models or results on pairs", EXAMPLES, add_arguments, run, basic=_BASIC)
