"""``bsn evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bsn.cli.command import Command, flat_dataclass, take
from bsn.cli.reading import add_read_options, read_options
from bsn.cli.terminal import print_table

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

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
    from bsn.evaluation import PROTOCOLS
    from bsn.inference import InferenceConfig

    listed = "; ".join(f"{name}: {protocol.description}" for name, protocol in PROTOCOLS.items())
    parser.add_argument("--model", type=str | None, default=None, help="folder of a run, or a .safetensors model")
    parser.add_argument("--noisy", nargs="+", default=None, help="noisy images")
    parser.add_argument("--result", nargs="+", default=None, help="denoised images, instead of a model")
    parser.add_argument("--clean", nargs="+", default=None, help="true images, matched by name; without: residual only")
    parser.add_argument("--protocol", default="rgb8", help=f"how images are compared. {listed}")
    parser.add_argument("-o", "--output", type=str | None, default=None, help="folder for scores.csv and scores.json")
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
    from bsn.data.files.atomic import atomic_output
    from bsn.evaluation import get_protocol
    from bsn.inference import Denoiser, InferenceConfig
    from bsn.inference.scoring import pair_files, score_files

    if (options.model is None) == (options.result is None):
        raise ValueError("give either --model with --noisy, or --result")
    if options.model is not None and options.noisy is None:
        raise ValueError("a model needs --noisy images to denoise")
    if options.clean is None and options.noisy is None:
        raise ValueError("results alone cannot be scored; give --clean, or --noisy to look at the residual")
    protocol = get_protocol(options.protocol)
    pairs = pair_files(options.noisy, options.result, options.clean)
    denoiser = None if options.model is None else Denoiser(options.model, take(InferenceConfig, options))
    table = score_files(pairs, protocol, denoiser, read_options(options))
    table.about = {"model": options.model, "noisy": options.noisy, "result": options.result, "clean": options.clean}

    print_table(
        f"protocol {protocol.name} ({protocol.hash})" if options.clean else "residual = noisy - denoised",
        [(column, "left") if column == "image" else column for column in table.rows[0]],
        [
            [f"{value:.4f}" if isinstance(value, float) else str(value) for value in row.values()]
            for row in [*table.rows, {"image": "mean", **table.means}]
        ],
    )
    if options.output is not None:
        folder = Path(options.output)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (("scores.csv", table.to_csv()), ("scores.json", table.to_json())):
            with atomic_output(folder / name, overwrite=True) as partial:
                partial.write_text(text, encoding="utf-8")
    return 0


_BASIC = (
    "help model noisy result clean protocol output config axes key nan range stride r3_passes wiener ensemble tile "
    "device outliers json"
)

COMMAND = Command(
    "score results with a named protocol, or look at the residual", EXAMPLES, add_arguments, run, basic=_BASIC
)
