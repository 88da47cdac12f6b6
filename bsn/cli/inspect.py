"""``bsn inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsn.cli.command import Command
from bsn.cli.json_output import add_json_option, print_json
from bsn.cli.reading import add_read_options, read_options
from bsn.cli.terminal import print_table

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from bsn.data import DataError
    from bsn.noise.report import InspectedFile, NoiseReport
    from bsn.noise.sensor import FoundSensor
    from bsn.noise.stacks import MeasuredStack
    from bsn.training import Settled

EXAMPLES = """examples:
  bsn inspect noisy/                         will it work on these images, and how?
  bsn inspect noisy/ --plot noise.png
  bsn inspect stack.tif --axes TYX           and whether neighbouring frames may be used
  bsn inspect photo.dng                      a raw photograph, and whether its noise profile is true
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
    parser.add_argument("images", nargs="+", help="noisy images: files, folders or patterns")
    add_read_options(parser)
    parser.add_argument("--model", type=str | None, default=None, help="a model that removes the picture first")
    add_json_option(parser, words, "bsn inspect")
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
    from bsn.training import Settled, settle_inspected

    # The picture alone: what the noisy pixel or the noisy image would bring back is noise, too.
    denoiser = None if options.model is None else Denoiser(options.model, posterior=False, wiener=False)
    report = inspect_files(list_images(options.images), read_options(options), denoiser=denoiser)
    settled = settle_inspected(report)
    if options.json:
        print_json(_content(report, settled))
    else:
        _print(report, settled)
    if options.plot is not None:
        from bsn.noise.drawing import plot_noise

        plot_noise(report, Path(options.plot))
    return 0 if isinstance(settled, Settled) and settled.advice is not None and settled.advice.suitable else 1


def _content(report: NoiseReport, settled: Settled | DataError | None) -> dict[str, Any]:
    """All numbers, and under "train" the settings that training takes, or None."""
    import json

    from bsn.engine import plain
    from bsn.training import Settled

    return {**json.loads(report.to_json()), "train": plain(settled.config) if isinstance(settled, Settled) else None}


def _print(report: NoiseReport, settled: Settled | DataError | None) -> None:
    """Print a table over the files, their outliers, what could not be read, and what to do."""
    print_table(
        "noise, measured on the noisy images alone (sigma, gain in image values)",
        [("image", "left"), ("kind", "left"), "range", "sigma", "gain", "lag 1 x y", "clipped", "outliers"],
        [_row(entry) for entry in report.files],
    )
    if report.stacks:
        print_table(
            "stacks: what frames share (correlation between frames, share of a fixed pattern and of equal pixels)",
            [
                ("stack", "left"),
                "frames",
                "sigma",
                "between",
                "lag 1 x y",
                "pattern",
                "equal",
                "rows",
                "drift, flicker",
                "shift",
                "moving",
                "next tells",
            ],
            [_stack_row(found) for found in report.stacks],
        )
    for entry in report.files:
        if entry.outliers:
            print(_name_outliers(entry))
        if entry.sensor is not None:
            print(_tell_sensor(entry.name, entry.sensor))
    for path, message in report.failed.items():
        print(f"{Path(path).name}: {message}")
    _conclude(report, settled)


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


def _stack_row(found: MeasuredStack) -> list[str]:
    r = found.readings
    between, within = r.between.correlation, r.within
    return [
        found.name,
        str(found.frames),
        f"{within.sigma:.3g}",
        "-" if between is None else f"{between:+.2f}",
        f"{within.lags_x[0]:+.2f} {within.lags_y[0]:+.2f}",
        f"{r.pattern:.0%}",
        f"{r.equal.median:.0%}",
        f"{r.rows:.1f}",
        f"{r.drift:+.1%} {r.flicker:.1%}",
        f"{r.shift:.1f} px",
        f"{r.moving:.0%}",
        f"{r.worth[0]:.0%}",
    ]


def _tell_sensor(name: str, found: FoundSensor) -> str:
    """What is known of the noise of a mosaic, in a sentence or two."""
    noise = found.measured
    strength = f"gain {noise.gain[1]:.3g} and read noise {noise.read_noise:.3g}"
    if not noise.gain[1]:
        strength = f"noise of standard deviation {noise.read_noise:.3g} at all values"
    said = f"{name}: raw mosaic {found.pattern}, read as four half-size planes; green pixels have {strength}"
    if found.reduced:
        said += f". The file says that {found.reduced:.0%} of its noise was taken away before"
    if found.told is None:
        return f"{said}; the file has no noise profile"
    told = f"the noise profile of the file says {found.told.gain[1]:.3g} and {found.told.read_noise:.3g}"
    verdict = "which agrees" if found.agrees else f"but the measured variance is {found.ratio or 0:.2g} times as large"
    return f"{said}; {told}, {verdict}"


def _name_outliers(entry: InspectedFile) -> str:
    """Where the outliers of a file are, in a sentence."""
    several = len({place.plane for place in entry.places}) > 1
    first = [f"({p.plane}, {p.row}, {p.column})" if several else f"({p.row}, {p.column})" for p in entry.places[:5]]
    rest = f" and {entry.outliers - len(first)} more" if entry.outliers > len(first) else ""
    axes = "plane, row, column" if several else "row, column"
    return f"{entry.name}: outliers at ({axes}) {', '.join(first)}{rest}"


def _conclude(report: NoiseReport, settled: Settled | DataError | None) -> None:
    """Say what the noise asks for, and with which options training follows it."""
    from bsn.training import Settled

    if report.advice is None or settled is None:
        print("the images are too small to be measured")
        return
    if not isinstance(settled, Settled):
        for reason in (*report.advice.reasons, f"bsn train refuses these images: {settled}"):
            print(f"- {reason}")
        return
    for reason in settled.reasons:
        print(f"- {reason}")
    if settled.advice is not None and settled.advice.suitable:
        print(f"bsn train ... {settled.words()}   (what bsn train does by itself)")


COMMAND = Command("measure the noise of images, and say what to do about it", EXAMPLES, add_arguments, run)
