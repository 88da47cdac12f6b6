"""``bsn restore pack``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bsn.cli.command import Command, take
from bsn.cli.reading import read_options
from restoration.cli.options import add_pair_options

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

EXAMPLES = """examples:
  bsn restore pack --degraded rainy/ --clean clean/ -o pairs.h5
  bsn restore train --degraded pairs.h5 -o run
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
    parser.add_argument("-o", "--output", required=True, help="the HDF5 file to write")
    parser.add_argument("--chunk", type=int, default=128, help="side in pixels of the pieces that are read at once")
    parser.add_argument("--overwrite", action="store_true", help="replace the file if it exists")
    add_pair_options(parser)


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
    from bsn.data import PairSource, pack_pairs
    from restoration.run import PairData

    source = PairSource(take(PairData, options).pairs(), read_options(options))
    path = pack_pairs(source, options.output, chunk=options.chunk, overwrite=options.overwrite)
    groups = len(set(source.groups))
    print(f"{len(source)} pairs of {groups} backgrounds ({source.channels} channels, {source.dtype}) in {path}")
    return 0


COMMAND = Command("put pairs into one HDF5 file for fast random crops", EXAMPLES, add_arguments, run)
