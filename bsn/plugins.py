"""Modules of entry points, and whether another program's file hides one of our packages.

``distill`` and ``restoration`` are names that others use, too: a script ``distill.py`` beside the user's own, a folder, another
project. Python then finds theirs first.
"""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

__all__ = ["HiddenPackageWarning", "import_group", "load", "loadable", "what_hides"]


class HiddenPackageWarning(UserWarning):
    """A file of somebody else has the name of one of our packages, so that the package cannot be imported."""


def what_hides(module: str) -> str | None:
    """File that hides one of our top-level packages; nothing is imported to find out.

    Parameters
    ----------
    module : str
        Dotted name, such as "restoration.cli".

    Returns
    -------
    str or None
        Path of the foreign file or folder; None if the package is ours, or none of ours has that name.
    """
    top = module.partition(".")[0]
    ours = Path(__file__).resolve().parents[1] / top / "__init__.py"
    if not ours.is_file():
        return None
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # a module without a specification, made by hand
        return f"the module {top!r} in memory"
    if spec is None:
        return None
    if spec.origin is not None and spec.origin != "namespace":
        return None if Path(spec.origin).resolve() == ours else spec.origin
    return next(iter(spec.submodule_search_locations or []), None)


def load(point: EntryPoint) -> object:
    """Object of an entry point.

    Parameters
    ----------
    point : EntryPoint
        Entry point of an installed package.

    Raises
    ------
    ValueError
        If its package is hidden, or fails when it is imported; the message names the file.
    """
    top, hidden = point.value.partition(".")[0], what_hides(point.value)
    if hidden is not None:
        raise ValueError(
            f"{hidden} hides the package {top!r} of Blindspot; rename that file, or work in another folder"
        )
    try:
        return point.load()
    except Exception as error:  # code of others may raise anything
        raise ValueError(
            f"{point.value} cannot be imported for {point.name!r} ({type(error).__name__}: {error}); install its package again"
        ) from error


def loadable(group: str) -> Iterator[tuple[EntryPoint, object | ValueError]]:
    """Entry points of a group with their objects, or with the reason why there is none.

    Parameters
    ----------
    group : str
        "bsn.commands", "bsn.networks", "bsn.losses" or "bsn.students".
    """
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            yield point, load(point)
        except ValueError as error:
            yield point, error


@functools.cache
def import_group(group: str) -> tuple[str, ...]:
    """Import the modules of a group, once, so that they register what they bring.

    Parameters
    ----------
    group : str
        "bsn.networks" or "bsn.losses".

    Returns
    -------
    tuple of str
        Why modules could not be imported, one line each.

    Warns
    -----
    HiddenPackageWarning
        For each that could not; the others are registered.
    """
    failed = tuple(str(found) for _, found in loadable(group) if isinstance(found, ValueError))
    for reason in failed:
        warnings.warn(reason, HiddenPackageWarning, stacklevel=3)
    return failed
