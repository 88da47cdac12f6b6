"""What is said on the command line beats what a file of ``--config`` says."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["config_files", "config_first", "option_value"]


def config_first(words: Sequence[str], more: Sequence[str] = ()) -> list[str]:
    """Words of a command line with all ``--config`` in front, so that the parser lets everything else overrule them.

    Parameters
    ----------
    words : sequence of str
        The command line without the name of the command.
    more : sequence of str
        Words to stand between the files and the others.

    Returns
    -------
    list of str
        The same words. Several files keep their order: the later overrules the earlier. After "--" nothing is moved.
    """
    files, others = _parted(words)
    return [*files, *more, *others]


def config_files(words: Sequence[str]) -> list[str]:
    """Values of all ``--config`` on a command line.

    Parameters
    ----------
    words : sequence of str
        The command line without the name of the command.
    """
    files, _ = _parted(words)
    return [word.removeprefix("--config=") for word in files if word != "--config"]


def option_value(words: Sequence[str], option: str, default: str) -> str:
    """Value of an option on the command line, read before the options are declared.

    Parameters
    ----------
    words : sequence of str
        The command line without the name of the command.
    option : str
        Such as "--output".
    default : str
        What to return where the option is not there.

    Returns
    -------
    str
        The last value, as the parser takes it.
    """
    value = default
    for index, word in enumerate(words):
        if word == "--":
            break
        if word == option and index + 1 < len(words):
            value = words[index + 1]
        elif word.startswith(f"{option}="):
            value = word.partition("=")[2]
    return value


def _parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Words of ``--config``, and the others."""
    files: list[str] = []
    others: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--":
            others += [word, *left]
        elif word == "--config":
            files += [word, *(value for value in [next(left, None)] if value is not None)]
        elif word.startswith("--config="):
            files.append(word)
        else:
            others.append(word)
    return files, others
