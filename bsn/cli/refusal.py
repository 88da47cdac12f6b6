"""What the options' parser refuses, in the words of the command line."""

from __future__ import annotations

import re

__all__ = ["refusal_text"]

REFUSED = re.compile(r'Parser key "(?P<key>[^"]+)": (?P<reason>.*) (?:Got|Given) value: (?P<value>.*)')
ONE_TYPE = re.compile(r"Expected an? (?P<type>.+)\.")
SUBTYPES = re.compile(r"Subtypes: \[(?P<types>.*?)\] Errors:")
TYPE = re.compile(r"<class '([^']+)'>|(?:typing\.)?Literal\[([^\]]*)\]|([\w.]+\[[^\]]*\])")
NAMES = {
    "int": ["a whole number"],
    "float": ["a number"],
    "bool": ["true", "false"],
    "list[int]": ["a list such as '[1, 2]'"],
}


def refusal_text(message: str) -> str:
    """The parser's message about an option's value, shortened.

    Parameters
    ----------
    message : str
        Text of jsonargparse's ``ArgumentError``.

    Returns
    -------
    str
        Such as "--tile foo: give a whole number or null"; messages of another form as they are, on one line.
    """
    text = " ".join(message.split())
    refused = REFUSED.fullmatch(text)
    found = refused and (SUBTYPES.search(refused["reason"]) or ONE_TYPE.fullmatch(refused["reason"]))
    if not refused or not found:
        return text
    return f"--{refused['key']} {refused['value']}: give {_wanted(found[1])}"


def _wanted(types: str) -> str:
    words = []
    for name, choices, other in TYPE.findall(types):
        if choices:
            words += [word.strip(" '\"") for word in choices.split(",")]
        elif name != "NoneType":
            words += NAMES.get(name or other, [name or other])
    if "NoneType" in types:
        words.append("null")
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else types
