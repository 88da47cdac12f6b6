"""What a sub-command of ``bsn`` is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bsn.cli.precedence import option_value
from bsn.cli.recipes import Recipes

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

__all__ = ["Command", "Recipes", "flat_dataclass", "stored_defaults", "take"]


@dataclass(frozen=True)
class Command:
    """A sub-command, found through the entry-point group ``bsn.commands``.

    Parameters
    ----------
    summary : str
        One line for ``bsn --help``.
    examples : str
        Shown under the options.
    add_arguments : callable
        ``add_arguments(parser, argv)`` declares the options; `argv` are the words of the command line, for options that
        change the defaults of others.
    run : callable
        Gets the parsed options and returns the exit code.
    basic : str
        Names of the options that ``--help`` shows, separated by spaces; ``--help advanced`` shows all. Empty: all.
    action : callable
        The command that the first word of the command line asks for, where a command has several; None for the command
        itself. Its help and its recipes are taken from it.
    recipes : Recipes, optional
        Named settings behind ``--recipe``.
    """

    summary: str
    examples: str
    add_arguments: Callable[[ArgumentParser, list[str]], None]
    run: Callable[[Namespace], int]
    basic: str = ""
    action: Callable[[list[str]], Command | None] = field(default=lambda words: None)
    recipes: Recipes | None = None


def flat_dataclass(parser: ArgumentParser, kind: type[Any], **options: Any) -> None:
    """Add the fields of a dataclass as options of their own names.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of a sub-command; it is changed in place.
    kind : dataclass type
        Its fields become options, with their defaults and help texts.
    **options : Any
        Further arguments of jsonargparse's ``add_class_arguments``.
    """
    parser.add_class_arguments(kind, **options)


def take(kind: type[Any], namespace: Namespace) -> Any:
    """Build a dataclass from parsed options.

    Parameters
    ----------
    kind : dataclass type
        Dataclass whose fields are options of the same names. Fields without an option keep their defaults.
    namespace : Namespace
        The parsed options.

    Returns
    -------
    dataclass
        Instance of `kind`.
    """
    import dataclasses

    return kind(**{field.name: namespace[field.name] for field in dataclasses.fields(kind) if field.name in namespace})


def stored_defaults(words: list[str]) -> dict[str, Any]:
    """Settings of the run that ``--resume`` goes on with, as defaults of the options; empty for a new run.

    Parameters
    ----------
    words : list of str
        Words of the command line.

    Returns
    -------
    dict of str to Any
    """
    if "--resume" not in words:
        return {}
    from pathlib import Path

    from bsn.engine import RunFolder, RunSettings

    output = option_value(words, "--output", "", short="-o")
    stored = RunSettings.of_run(RunFolder(Path(output))).settled if output else {}
    defaults: dict[str, Any] = {}
    for name, value in stored.items():
        grouped = name in ("inference", "validate")
        defaults |= {f"{name}.{key}": item for key, item in value.items()} if grouped else {name: value}
    # Where the run lies is said on the command line; the folder may have been moved.
    defaults.pop("output", None)
    return defaults
