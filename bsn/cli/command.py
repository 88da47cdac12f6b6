"""What a sub-command of ``bsn`` is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser, Namespace

__all__ = ["Command", "flat_dataclass", "option_value", "settings_text", "take"]


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


def option_value(words: list[str], option: str, default: str) -> str:
    """Value of an option on the command line, read before the options are declared."""
    for index, word in enumerate(words):
        if word == option and index + 1 < len(words):
            return words[index + 1]
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return default


def settings_text(options: Namespace) -> str:
    """YAML of parsed options, as ``--config`` reads it."""
    import yaml

    content = options.clone().as_dict()
    content.pop("config", None)
    content.pop("resume", None)
    return yaml.safe_dump(_plain(content), sort_keys=False)


def _plain(value: object) -> object:
    import dataclasses

    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
