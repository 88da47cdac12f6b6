"""``bsn restore streaks``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bsn.cli.command import Command
from bsn.cli.outcome import tell_failed
from bsn.cli.reading import add_read_options, read_options
from bsn.cli.terminal import progress_bar

if TYPE_CHECKING:
    from pathlib import Path

    from jsonargparse import ArgumentParser, Namespace

EXAMPLES = """examples:
  bsn restore streaks rainy.png -o dry.png          the direction is measured, and only pixels in streaks are replaced
  bsn restore streaks rainy/ -o dry/                every image of a folder, same names, same type
  bsn restore streaks rainy.png -o dry.png --angle -20       streaks that lean to the left going down
  bsn restore streaks rainy.png -o dry.png --false_share 0.03      fewer finds, fewer of them false
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
    from restoration.streaks.settings import STREAKS

    parser.add_argument("inputs", nargs="+", help="rainy images: files, folders or patterns")
    parser.add_argument("-o", "--output", required=True, help="folder for the results, or a file name for one input")
    parser.add_argument(
        "--angle",
        type=float | None,
        default=None,
        help="direction of the streaks in degrees from the vertical, positive to the right going down, -60 to 60; default: "
        "measured in each image, and an image without a clear direction stays as it is",
    )
    parser.add_argument(
        "--false_share",
        type=float,
        default=STREAKS.false_share,
        help="largest share of false finds, above 0 and below 1; it is estimated from dark lines, which rain does not make",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace results that exist")
    add_read_options(parser)


def run(options: Namespace) -> int:
    """Remove the streaks of each file, and say what was found; bad files do not stop the others.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    import dataclasses

    from bsn.inference import result_paths
    from restoration.streaks.files import dry_file
    from restoration.streaks.settings import STREAKS
    from restoration.streaks.upright import check_angle

    settings, how = dataclasses.replace(STREAKS, false_share=options.false_share), read_options(options)
    if options.angle is not None:
        check_angle(options.angle)
    paths = result_paths(options.inputs, options.output)
    lines: list[str] = []
    failed: dict[Path, str] = {}
    with progress_bar("removing streaks", len(paths)) as advance:
        for source, target in paths.items():
            try:
                found = dry_file(
                    source, target, how, angle=options.angle, settings=settings, overwrite=options.overwrite
                )
                lines.append(f"{source.name}: {found.line()}")
            except ValueError as error:
                failed[source] = str(error)
            advance(source)
    tell_failed("bsn restore streaks", failed)
    print("\n".join([*lines, f"{len(lines)} of {len(paths)} images written to {options.output}"]))
    return 2 if failed else 0


COMMAND = Command("remove rain streaks without training: only pixels in streaks change", EXAMPLES, add_arguments, run)
