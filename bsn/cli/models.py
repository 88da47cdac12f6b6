"""``bsn models``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bsn.cli.command import Command
from bsn.cli.json_output import add_json_option, print_json
from bsn.cli.terminal import print_table

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

EXAMPLES = """examples:
  bsn models                     parameters, work and speed on this machine
  bsn models --no_speed --json
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
    parser.add_argument("--channels", type=int, default=3, help="channels of the images")
    parser.add_argument("--size", type=int, default=256, help="side of the image that is timed, in pixels")
    parser.add_argument("--no_speed", action="store_true", help="do not time a forward pass")
    add_json_option(parser, words, "bsn models")


def run(options: Namespace) -> int:
    """Measure and list the presets.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.evaluation import environment
    from bsn.models import presets

    box = _box()
    rows = [_row(preset, options) for preset in presets().values()]
    if options.json:
        print_json({"models": rows, "box": box, "environment": environment()})
        return 0
    machine = environment()["machine"]
    print_table(
        f"presets for {options.channels} channels; time of {options.size} x {options.size}, float32, {machine} "
        "(~: scaled from a small image)",
        [("name", "left"), "parameters", "MAC/pixel", "ms", ("what", "left")],
        [
            [
                row["name"],
                f"{row['parameters']:,}",
                f"{row['macs_per_pixel']:,.0f}",
                _time(row),
                row["summary"],
            ]
            for row in rows
        ],
    )
    _print_box(box)
    return 0


def _box() -> list[dict[str, Any]]:
    """Trained models that come with the package."""
    from bsn.models.bundled import all_boxed, find_boxed

    rows = []
    for boxed in all_boxed():
        model = boxed.load()
        rows.append(
            {
                "name": boxed.name,
                "short_name": boxed.kind if find_boxed(boxed.kind) == boxed else None,
                "bytes": boxed.path.stat().st_size,
                "parameters": sum(parameter.numel() for parameter in model.network.parameters()),
                "for": boxed.purpose,
                "weights_licence": model.weights_licence,
            }
        )
    return rows


def _print_box(rows: list[dict[str, Any]]) -> None:
    print_table(
        "trained models in the box, for --model NAME, and starts of bsn train, for --start NAME",
        [("name", "left"), ("also", "left"), "parameters", "bytes", ("for", "left")],
        [
            [row["name"], row["short_name"] or "", f"{row['parameters']:,}", f"{row['bytes']:,}", row["for"]]
            for row in rows
        ],
    )


def _time(row: dict[str, Any]) -> str:
    if row["milliseconds"] is None:
        return "-"
    return f"{'~' if row['estimated'] else ''}{row['milliseconds']:.0f}"


def _row(preset: Any, options: Namespace) -> dict[str, Any]:
    from bsn.models import create, merged
    from bsn.models.measure import count_parameters, macs_per_pixel, milliseconds

    network = merged(create(preset.name, channels=options.channels))  # what is shipped, not what is trained
    taken, estimated = (None, False) if options.no_speed else milliseconds(network, options.size)
    return {
        "name": preset.name,
        "parameters": count_parameters(network),
        "macs_per_pixel": macs_per_pixel(network),
        "milliseconds": taken,
        "estimated": estimated,
        "blind": preset.blind,
        "summary": preset.summary,
    }


COMMAND = Command(
    "list the networks with parameters, work and measured speed, and the trained models in the box",
    EXAMPLES,
    add_arguments,
    run,
)
