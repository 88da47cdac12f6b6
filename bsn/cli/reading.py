"""Options of all commands that read images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

    from bsn.data import ReadOptions

__all__ = ["add_read_options", "read_keywords", "read_options"]


def add_read_options(parser: ArgumentParser) -> None:
    """Declare ``--axes``, ``--key``, ``--nan`` and ``--range``.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of a sub-command; it is changed in place.
    """
    parser.add_argument(
        "--axes", type=str | None, default=None, help="axes of the images, such as YX, YXC, ZYX; default: guessed"
    )
    parser.add_argument(
        "--key",
        type=str | None,
        default=None,
        help="which image of files that hold several: data set, variable, series",
    )
    parser.add_argument(
        "--nan",
        choices=["refuse", "keep"],
        default="refuse",
        help="pixels that are NaN or infinite: refuse them, or keep them as missing",
    )
    parser.add_argument(
        "--range",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        default=None,
        help="values that stand for 0 and 1, such as 0 4095 for 12 bits in 16; default: those of the pixel type",
    )


def read_options(options: Namespace) -> ReadOptions:
    """Parsed options of :func:`add_read_options`.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    ReadOptions

    Raises
    ------
    DataError
        For a range whose ends are in the wrong order.
    """
    from bsn.data import ReadOptions

    limits = None if options.range is None else (options.range[0], options.range[1])
    return ReadOptions(options.axes, options.key, options.nan, limits)


def said_read_options(options: Namespace) -> str:
    """Write the options of :func:`add_read_options` that are not the defaults, for a command that is shown to the user.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    str
        Such as `` --nan keep``; empty where all are the defaults.
    """
    import shlex

    said = [f"--{name} {shlex.quote(options[name])}" for name in ("axes", "key") if options[name]]
    said += ["--nan keep"] if options.nan == "keep" else []
    said += [] if options.range is None else ["--range " + " ".join(f"{value:.12g}" for value in options.range)]
    return "".join(f" {word}" for word in said)


def read_keywords(options: Namespace) -> dict[str, Any]:
    """Parsed options of :func:`add_read_options`, as trainings take them.

    Parameters
    ----------
    options : Namespace
        The parsed options.

    Returns
    -------
    dict of str to Any
        ``axes``, ``key``, ``nan`` and ``value_range``.

    Raises
    ------
    DataError
        For a range whose ends are in the wrong order.
    """
    import dataclasses

    how = read_options(options)
    return {field.name: getattr(how, field.name) for field in dataclasses.fields(how)}
