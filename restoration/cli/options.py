"""Options that several actions share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bsn.cli.command import flat_dataclass
from bsn.cli.reading import add_read_options

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

__all__ = ["add_pair_options"]


def add_pair_options(parser: ArgumentParser, *, required: bool = True) -> None:
    """Declare where the pairs lie, the fields of :class:`restoration.run.PairData`, and how they are read.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    required : bool
        Whether the user must name the pairs.
    """
    from restoration.run import PairData

    parser.add_argument(
        "--degraded",
        nargs="+",
        required=required,
        default=None if required else [],
        help="degraded images: files, folders or patterns; the root of a set with a --layout; or a file of bsn restore pack",
    )
    parser.add_argument("--clean", nargs="+", default=None, help="clean images, where the layout does not find them")
    flat_dataclass(parser, PairData, skip={"degraded", "clean"})
    add_read_options(parser)
