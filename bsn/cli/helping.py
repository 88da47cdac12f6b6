"""The help of a command: the options that most users need, or all of them after ``--help advanced``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from bsn.cli.switches import is_switch, switch_names

if TYPE_CHECKING:
    from argparse import Action

    from jsonargparse import ArgumentParser

__all__ = ["asked_help", "help_format", "help_text"]

_ROLE = re.compile(r":\w+:`~?([^`]*)`")

_APPENDING = re.compile(r", --\S+\+ .*")  # the parser's second name of options that take lists


def help_format() -> type:
    """Class of the parser's formatter."""
    from jsonargparse import DefaultHelpFormatter

    class HelpFormat(DefaultHelpFormatter, argparse.RawDescriptionHelpFormatter):
        """Shows switches by their names, and of types and defaults what a reader needs; keeps the lines of examples."""

        def _format_action_invocation(self, action: Action) -> str:
            if action.option_strings and is_switch(action):
                return ", ".join(switch_names(action))
            text: str = super()._format_action_invocation(action)
            return _APPENDING.sub("", text)

        def _get_help_string(self, action: Action) -> str:
            text = _plain(action.help or "", action.default)
            default = _shown_default(action)
            return text if default is None else f"{text} (default: {default})".lstrip()

    return HelpFormat


def asked_help(words: Sequence[str]) -> Literal["short", "advanced"] | None:
    """Which help the words of a command line ask for.

    Parameters
    ----------
    words : sequence of str
        After the name of the command.
    """
    for index, word in enumerate(words):
        if word == "--":
            return None
        if word in ("-h", "--help"):
            return "advanced" if list(words[index + 1 : index + 2]) == ["advanced"] else "short"
    return None


def help_text(parser: ArgumentParser, shown: Collection[str] | None = None) -> str:
    """Help of a parser, which is of no use for parsing afterwards.

    Parameters
    ----------
    parser : ArgumentParser
        With all options declared.
    shown : collection of str, optional
        Names of the options to show; the others are counted only. Default: all.

    Returns
    -------
    str
    """
    options = [action for action in parser._actions if action.help != argparse.SUPPRESS]
    hidden = [] if shown is None else [action for action in options if action.dest not in shown]
    for action in options:
        action.metavar = _metavar(action)
    parser.usage = _usage(parser.prog, options)
    for action in hidden:
        action.help = argparse.SUPPRESS
    if hidden:
        more = f"{parser.prog} --help advanced shows {len(hidden)} more options."
        parser.epilog = f"{more}\n\n{parser.epilog or ''}"
    return str(parser.format_help())


def _usage(prog: str, options: list[Action]) -> str:
    """One line with what must be given."""
    words = [prog]
    for action in options:
        if action.option_strings and action.required:
            words += [action.option_strings[0], _operands(action, action.dest.upper())]
        elif not action.option_strings:
            words.append(_operands(action, action.dest))
    return " ".join([*words, "[options]"]).replace("%", "%%")


def _operands(action: Action, name: str) -> str:
    name = action.metavar if isinstance(action.metavar, str) else name
    if action.choices is not None:
        name = f"{{{','.join(map(str, action.choices))}}}"
    return f"{name} ..." if action.nargs in ("+", "*") else name


def _metavar(action: Action) -> str | tuple[str, ...] | None:
    """Placeholder of the value: N for a whole number, X for a number, the choices, or the option's name."""
    hint = getattr(action, "_typehint", action.type)
    if not action.option_strings or action.nargs == 0 or hint is None or isinstance(action.metavar, tuple):
        return action.metavar
    return _value(hint) or action.metavar or action.dest.rpartition(".")[2].upper()


def _value(hint: Any) -> str | None:
    simple = {int: "N", float: "X", str: None}
    if hint in simple:
        return simple[hint]
    parts = get_args(hint)
    if get_origin(hint) is Literal:
        return str(parts[0]) if len(parts) == 1 else f"{{{','.join(map(str, parts))}}}"
    if get_origin(hint) in (list, tuple):
        items = [_value(part) or "TEXT" for part in parts if part is not Ellipsis]
        return f"[{','.join(items)}]" if len(items) > 1 else f"[{items[0]},...]"
    values = [_value(part) for part in parts if part is not NoneType]
    return "|".join(filter(None, values)) if values and None not in values else None


def _plain(text: str, default: object) -> str:
    """Text of a docstring without its markup."""
    text = _ROLE.sub(r"\1", text).replace("`", "")
    return re.sub(r"\bNone\b", "null", text.replace("None:", "Default:") if default is None else text)


def _shown_default(action: Action) -> str | None:
    default: Any = action.default
    if not action.option_strings or default is None or default is False or default == argparse.SUPPRESS:
        return None
    if isinstance(default, list | tuple):
        return f"[{', '.join(map(str, default))}]" if default else None
    return "on" if default is True else str(default)
