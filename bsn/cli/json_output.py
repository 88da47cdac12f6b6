"""``--json``: the result as one JSON document on standard output, and nothing else there."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bsn.cli.precedence import option_value

if TYPE_CHECKING:
    from jsonargparse import ArgumentParser

__all__ = ["add_json_option", "print_json"]


def add_json_option(parser: ArgumentParser, words: Sequence[str], command: str) -> None:
    """Declare ``--json``.

    Parameters
    ----------
    parser : ArgumentParser
        Parser of a sub-command; it is changed in place.
    words : sequence of str
        Words of the command line. The name of a file after ``--json``, as older versions took it, is refused.
    command : str
        The command, such as "bsn inspect".

    Raises
    ------
    ValueError
        If a file is named.
    """
    named = option_value(words, "--json", "")
    if named.endswith(".json"):
        raise ValueError(f"--json {named}: the numbers go to standard output; write {command} ... --json > {named}")
    parser.add_argument("--json", action="store_true", help="print the result as JSON, and nothing else")


def print_json(content: Any) -> None:
    """Print a document that every reader of JSON takes.

    Parameters
    ----------
    content : mapping, sequence, text, number or None
        What was found. Numbers that JSON does not know, infinite ones and NaN, become null.
    """
    print(json.dumps(_finite(content), indent=1, allow_nan=False))


def _finite(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(key): _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
