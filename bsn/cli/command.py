"""What a sub-command of ``bsn`` is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

__all__ = ["Command", "flat_dataclass", "take"]


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
    """

    summary: str
    examples: str
    add_arguments: Callable[[ArgumentParser, list[str]], None]
    run: Callable[[Namespace], int]


def flat_dataclass(parser: ArgumentParser, kind: type[Any], **options: Any) -> None:
    """Add the fields of a dataclass as options of their own names."""
    parser.add_class_arguments(kind, **options)


def take(kind: type[Any], namespace: Namespace) -> Any:
    """Dataclass of parsed options."""
    import dataclasses

    return kind(**{field.name: namespace[field.name] for field in dataclasses.fields(kind)})
