"""Options that several actions share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bsn.cli.command import flat_dataclass, take
from bsn.cli.reading import add_read_options

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from restoration.damage import CleanData
    from restoration.run import PairData

__all__ = ["add_pair_options", "add_task_options", "take_images"]


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


def add_task_options(parser: ArgumentParser) -> None:
    """Declare the tasks that make pairs of clean images, the fields of :class:`restoration.damage.CleanData`.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of the sub-command; it is changed in place.
    """
    from restoration.damage import CleanData
    from restoration.damage.kinds import listed_damages

    parser.add_argument(
        "--tasks",
        nargs="+",
        default=None,
        metavar="TASK,TASK",
        help=f"make the degraded images while training, by these kinds of damage on --clean images. {listed_damages()}",
    )
    flat_dataclass(parser, CleanData, skip={"clean", "tasks"})


def take_images(options: Namespace) -> PairData | CleanData:
    """Pairs, or clean images with tasks, as the options name them.

    Parameters
    ----------
    options : Namespace
        Parsed options of :func:`add_pair_options` and :func:`add_task_options`.

    Returns
    -------
    PairData or CleanData

    Raises
    ------
    ValueError
        If neither is named, or both are.
    """
    from restoration.damage import CleanData
    from restoration.run import PairData

    pairs: PairData = take(PairData, options)
    if options.tasks is None:
        if not options.degraded:
            raise ValueError(
                "there is nothing to train on: give --degraded images with their --clean ones, or --tasks that are made on "
                "--clean images"
            )
        return pairs
    idle = [f"--{name}" for name, value in vars(PairData([])).items() if getattr(pairs, name) != value]
    idle = [name for name in idle if name != "--clean"]
    if idle:
        raise ValueError(
            f"--tasks makes the degraded images, so {' and '.join(idle)} has nothing to name; leave one of the two out"
        )
    return CleanData(options.clean or [], tuple(options.tasks), options.mixed, options.untouched)
