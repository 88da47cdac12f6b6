"""Switches of the command line: ``--name`` turns one on, ``--no_name`` turns it off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from argparse import Action

    from jsonargparse import ArgumentParser

__all__ = ["is_switch", "switch_names", "switch_words"]

_VALUES = {"true": "true", "yes": "true", "false": "false", "no": "false", "null": "null"}


def is_switch(action: Action) -> bool:
    """Whether an option is on, off or left to the program.

    Parameters
    ----------
    action : Action
        An option of a parser.
    """
    hint = getattr(action, "_typehint", None)
    return hint is bool or set(get_args(hint)) == {bool, type(None)} or _is_flag(action)


def switch_names(action: Action) -> list[str]:
    """Words that set a switch.

    Parameters
    ----------
    action : Action
        An option for which :func:`is_switch` holds.

    Returns
    -------
    list of str
        Only the name where the switch is off by default, name and negation otherwise.
    """
    names = list(action.option_strings)
    return names if action.default is False else [*names, _negation(names[-1])]


def switch_words(parser: ArgumentParser, words: Sequence[str]) -> list[str]:
    """Words of a command line with a value after the name of each switch, as the parser expects it.

    Parameters
    ----------
    parser : ArgumentParser
        With all options declared.
    words : sequence of str
        ``--name``, ``--no_name``, and the older ``--name true``, ``--name false`` and ``--name null``.

    Returns
    -------
    list of str
        The same words with ``--name=true`` and the like. Nothing changes after ``--``.
    """
    switches = {name: action for action in parser._actions if is_switch(action) for name in action.option_strings}
    negations = {_negation(name): name for name in switches if name.startswith("--")}
    result: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            return [*result, word, *left]
        name, _, given = word.partition("=")
        value = _VALUES.get(given.lower()) if given else "true"
        positive = name if name in switches else negations.get(name)
        if positive is None or value is None:
            result.append(word)
            continue
        if name in switches and not given and left and left[0].lower() in _VALUES:
            value = _VALUES[left.pop(0).lower()]
        if name not in switches:
            value = "false" if value == "true" else "true"
        result += _spelt(switches[positive], positive, value)
    return result


def _spelt(action: Action, name: str, value: str) -> list[str]:
    if not _is_flag(action):
        return [f"{name}={value}"]
    # A flag takes no value; off is said by settings of its own, which overrule those of a file.
    return [name] if value == "true" else ["--config", f"{{{action.dest}: false}}"]


def _is_flag(action: Action) -> bool:
    return action.nargs == 0 and action.default is False


def _negation(name: str) -> str:
    """The word ``--group.no_name`` for ``--group.name``."""
    group, dot, last = name.removeprefix("--").rpartition(".")
    return f"--{group}{dot}no_{last}"
