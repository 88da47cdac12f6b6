"""``bsn app``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bsn.cli.command import Command

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

EXAMPLES = """examples:
  bsn app                                  opens a page in the browser: drop images, denoise, train
  bsn app --folder D:/microscope --folder photos/      folders whose images it may open without a copy
  bsn app --no_browser --port 8377         prints the address only
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
    parser.add_argument(
        "--folder",
        action="append",
        default=None,
        help="a folder whose images the page may open, once for each folder; default: the current one",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=str | None,
        default=None,
        help="folder for uploads, results and trainings; default: bsn-app in the first folder",
    )
    parser.add_argument(
        "--port", type=int, default=0, help="where the page listens, on this computer only; 0: a free port"
    )
    parser.add_argument("--browser", type=bool, default=True, help="open the page in the browser")
    parser.add_argument(
        "--upload_limit", type=float, default=2.0, help="largest file that can be dropped, in gigabytes"
    )
    parser.add_argument("--decoded_limit", type=float, default=4.0, help="largest decoded image, in gigabytes")


def run(options: Namespace) -> int:
    """Serve the page until it is interrupted.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.app.settings import check_settings
    from bsn.data.files.formats.extras import need

    need("aiohttp", "aiohttp", "bsn app", extra="app")
    from bsn.app.serving import serve

    settings = check_settings(options.folder or ["."], options.output, options.upload_limit, options.decoded_limit)
    serve(settings, options.port, browser=options.browser, say=lambda line: print(line, flush=True))
    return 0


COMMAND = Command("open a local page for inspecting, denoising and training by mouse", EXAMPLES, add_arguments, run)
