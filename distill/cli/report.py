"""``bsn distill report``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bsn.cli.json_output import add_json_option, print_json
from bsn.cli.reading import add_read_options, read_options
from bsn.cli.terminal import print_table, progress_bar

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from distill.report import Comparison

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser, words: list[str]) -> None:
    """Declare the options.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    words : list of str
        Words of the command line.
    """
    from bsn.evaluation import listed_protocols
    from distill.config import TeacherInference

    parser.add_argument("action", choices=["report"], help=argparse.SUPPRESS)
    parser.add_argument("--teacher", required=True, help="folder of a run, or a .safetensors model")
    parser.add_argument("--students", nargs="+", required=True, help="folders of runs, or .safetensors models")
    parser.add_argument("--noisy", nargs="+", required=True, help="noisy images")
    parser.add_argument("--clean", nargs="+", default=None, help="true images, matched by name")
    parser.add_argument("--protocol", default="rgb8", help=f"how images are compared. {listed_protocols()}")
    parser.add_argument("--repeats", type=int, default=5, help="calls that are timed")
    parser.add_argument("-o", "--output", type=str | None, default=None, help="folder for report.html and report.json")
    add_json_option(parser, words, "bsn distill report")
    add_read_options(parser)
    parser.add_class_arguments(TeacherInference, "inference")


def run(options: Namespace) -> int:
    """Compare, print the table, write HTML and JSON.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.evaluation import get_protocol
    from bsn.inference import Denoiser, pair_files
    from distill.config import TeacherInference
    from distill.report import Contender, compare

    protocol = get_protocol(options.protocol)
    (config, *others) = TeacherInference(**vars(options.inference)).configs("auto")
    if others:
        raise ValueError("a report compares with one inference of the teacher; give one stride")
    if options.output is None and not options.json:
        raise ValueError("there is nowhere to report to; give -o FOLDER for report.html, or --json")
    pairs = pair_files(options.noisy, options.clean)
    teacher = Contender(f"teacher {_name(options.teacher)}", Denoiser(options.teacher, config))
    students = [Contender(_name(path), Denoiser(path)) for path in options.students]
    how = read_options(options)
    with progress_bar("comparing", len(pairs)) as tick:
        comparison = compare(teacher, students, pairs, protocol, how, repeats=options.repeats, progress=tick)
    if options.output is not None:
        _write(comparison, Path(options.output))
    if options.json:
        print_json(comparison.content())
    else:
        _print(comparison, f"protocol {protocol.name} ({protocol.hash})")
        print(f"{Path(options.output) / 'report.html'}")
    return 0


def _write(comparison: Comparison, folder: Path) -> None:
    from bsn.data import atomic_output, writing
    from distill.report import render

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("report.html", render(comparison)), ("report.json", comparison.to_json())):
        with atomic_output(folder / name, overwrite=True) as partial, writing(folder / name):
            partial.write_text(text, encoding="utf-8")


def _print(comparison: Comparison, title: str) -> None:
    from distill.report import table

    heads, rows = table(comparison)
    columns = [(head, "left") if head == "model" else head for head in heads]
    print_table(title if comparison.protocol else "no clean images", columns, rows)


def _name(path: str) -> str:
    return Path(path).stem if Path(path).is_file() else Path(path).name
