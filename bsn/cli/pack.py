"""``bsn pack``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bsn.cli.command import Command
from bsn.cli.reading import add_read_options, read_options

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

EXAMPLES = """examples:
  bsn pack noisy/ -o noisy.h5          then: bsn train noisy.h5 -o run
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
    parser.add_argument("images", nargs="+", help="files, folders or patterns")
    parser.add_argument("-o", "--output", required=True, help="the HDF5 file to write")
    parser.add_argument("--chunk", type=int, default=128, help="side in pixels of the pieces that are read at once")
    add_read_options(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")


def run(options: Namespace) -> int:
    """Pack, and say what is in the file.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    int
        Exit code; 0 means success.
    """
    from bsn.data import pack

    how = read_options(options)
    summary = pack(options.images, options.output, how, chunk=options.chunk, overwrite=options.overwrite)
    print(
        f"{summary.images} images of {summary.files} files ({summary.channels} channels, {summary.dtype}) in {summary.path}: "
        f"{summary.pixel_bytes / 1e6:.1f} MB of pixels in {summary.file_bytes / 1e6:.1f} MB"
    )
    return 0


COMMAND = Command("put a folder of images into one HDF5 file for fast random crops", EXAMPLES, add_arguments, run)
