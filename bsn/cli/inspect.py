"""``bsn inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsn.cli.command import Command
from bsn.cli.precedence import option_value
from bsn.cli.reading import add_read_options, read_options
from bsn.cli.terminal import print_table

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from bsn.noise.report import InspectedFile, NoiseReport

EXAMPLES = """examples:
  bsn inspect noisy/                         will it work on these images, and how?
  bsn inspect noisy/ --plot noise.png
  bsn inspect noisy/ --json > noise.json     all numbers, for other programs
  bsn inspect noisy/ --model run             sharper: texture is taken off by a model first
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
    named = option_value(words, "--json", "")
    if named.endswith(".json"):
        raise ValueError(f"--json {named}: the numbers go to standard output; write bsn inspect ... --json > {named}")
    parser.add_argument("images", nargs="+", help="noisy images: files, folders or patterns")
    add_read_options(parser)
    parser.add_argument("--model", type=str | None, default=None, help="a model that removes the picture first")
    parser.add_argument("--json", action="store_true", help="print all numbers as JSON, and nothing else")
    parser.add_argument("--plot", type=str | None, default=None, help="picture of noise curve and autocorrelation")


def run(options: Namespace) -> int:
    """Print a table over the files and what to do; exit code 1 where a blind-spot network cannot help.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.data import list_images
    from bsn.inference import Denoiser
    from bsn.noise.report import inspect_files

    # The picture alone: what the noisy pixel or the noisy image would bring back is noise, too.
    denoiser = None if options.model is None else Denoiser(options.model, posterior=False, wiener=False)
    report = inspect_files(list_images(options.images), read_options(options), denoiser=denoiser)
    if options.json:
        print(report.to_json(), end="")
    else:
        _print(report)
    if options.plot is not None:
        from bsn.noise.drawing import plot_noise

        plot_noise(report, Path(options.plot))
    return 0 if report.advice is not None and report.advice.suitable else 1


def _print(report: NoiseReport) -> None:
    """Print a table over the files, their outliers, what could not be read, and what to do."""
    print_table(
        "noise, measured on the noisy images alone (sigma, gain in image values)",
        [("image", "left"), ("kind", "left"), "range", "sigma", "gain", "lag 1 x y", "clipped", "outliers"],
        [_row(entry) for entry in report.files],
    )
    for entry in report.files:
        if entry.outliers:
            print(_name_outliers(entry))
    for path, message in report.failed.items():
        print(f"{Path(path).name}: {message}")
    _conclude(report)


def _row(entry: Any) -> list[str]:
    s = entry.statistics
    return [
        entry.name,
        f"{entry.dtype} {entry.axes} {entry.size[0]}x{entry.size[1]}",
        f"{entry.smallest:.4g}..{entry.largest:.4g}",
        *(["-"] * 3 if s is None else [f"{s.sigma:.3g}", f"{s.gain:.2g}", f"{s.lags_x[0]:+.2f} {s.lags_y[0]:+.2f}"]),
        "-" if s is None else f"{s.clipped_low + s.clipped_high:.1%}",
        str(entry.outliers),
    ]


def _name_outliers(entry: InspectedFile) -> str:
    """Where the outliers of a file are, in a sentence."""
    several = len({place.plane for place in entry.places}) > 1
    first = [f"({p.plane}, {p.row}, {p.column})" if several else f"({p.row}, {p.column})" for p in entry.places[:5]]
    rest = f" and {entry.outliers - len(first)} more" if entry.outliers > len(first) else ""
    axes = "plane, row, column" if several else "row, column"
    return f"{entry.name}: outliers at ({axes}) {', '.join(first)}{rest}"


def _conclude(report: NoiseReport) -> None:
    if report.advice is None or report.source is None:
        print("the images are too small to be measured")
        return
    from bsn.noise import Judgement
    from bsn.training import TrainConfig
    from bsn.training.judgement import judge

    _, _, settled = judge(report.source, TrainConfig(), Judgement(report.together, report.advice))
    advice = settled or report.advice
    for reason in advice.reasons:
        print(f"- {reason}")
    if advice.suitable:
        words = f"--stride {advice.stride} --stride_test {advice.stride_test} --noise {advice.noise}"
        if advice.noise != "none":
            words += f" --noise_scope {advice.scope}"
        elif advice.stride > 1:
            words += " --wiener_test"
        print(f"bsn train ... {words}   (what bsn train does by itself)")


COMMAND = Command("measure the noise of images, and say what to do about it", EXAMPLES, add_arguments, run)
