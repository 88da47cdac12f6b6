"""``bsn distill report``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bsn.cli.reading import add_read_options, read_options
from bsn.cli.terminal import print_table

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

__all__ = ["add_arguments", "run"]


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the options.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    """
    from bsn.evaluation import PROTOCOLS
    from distill.config import TeacherInference

    listed = "; ".join(f"{name}: {protocol.description}" for name, protocol in PROTOCOLS.items())
    parser.add_argument("action", choices=["report"], help=argparse.SUPPRESS)
    parser.add_argument("--teacher", required=True, help="folder of a run, or a .safetensors model")
    parser.add_argument("--students", nargs="+", required=True, help="folders of runs, or .safetensors models")
    parser.add_argument("--noisy", nargs="+", required=True, help="noisy images")
    parser.add_argument("--clean", nargs="+", default=None, help="true images, matched by name")
    parser.add_argument("--protocol", default="rgb8", help=f"how images are compared. {listed}")
    parser.add_argument("--repeats", type=int, default=5, help="calls that are timed")
    parser.add_argument("-o", "--output", required=True, help="folder for report.html and report.json")
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
    from bsn.data import atomic_output, writing
    from bsn.evaluation import get_protocol
    from bsn.inference import Denoiser, pair_files
    from distill.config import TeacherInference
    from distill.report import Contender, compare, render, table

    protocol = get_protocol(options.protocol)
    (config, *others) = TeacherInference(**vars(options.inference)).configs("auto")
    if others:
        raise ValueError("a report compares with one inference of the teacher; give one stride")
    pairs = pair_files(options.noisy, None, options.clean)
    teacher = Contender(f"teacher {_name(options.teacher)}", Denoiser(options.teacher, config))
    students = [Contender(_name(path), Denoiser(path)) for path in options.students]
    comparison = compare(teacher, students, pairs, protocol, read_options(options), repeats=options.repeats)
    folder = Path(options.output)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("report.html", render(comparison)), ("report.json", comparison.to_json())):
        with atomic_output(folder / name, overwrite=True) as partial, writing(folder / name):
            partial.write_text(text, encoding="utf-8")
    heads, rows = table(comparison)
    title = f"protocol {protocol.name} ({protocol.hash})" if comparison.protocol else "no clean images"
    print_table(title, [(head, "left") if head == "model" else head for head in heads], rows)
    print(f"{folder / 'report.html'}")
    return 0


def _name(path: str) -> str:
    return Path(path).stem if Path(path).is_file() else Path(path).name
