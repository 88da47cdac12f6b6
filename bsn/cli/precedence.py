"""What is said on the command line beats what a file of ``--config`` says."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["action_first", "config_files", "config_first", "option_value"]


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
    inline = [value for value in _values(files) if value.startswith("{")]  # settings that an option stands for
    named = [word for value in _values(files) if value not in inline for word in ("--config", value)]
    unfinished = files[-1:] if files and files[-1] == "--config" else []
    return [*named, *more, *(word for value in inline for word in ("--config", value)), *unfinished, *others]


def action_first(words: Sequence[str]) -> list[str]:
    """Words of a command line with all leading ``--config`` behind the first other word, which may name an action.

    Parameters
    ----------
    words : sequence of str
        The command line without the name of the command.

    Returns
    -------
    list of str
        The same words.
    """
    files, others = _parted(words)
    if not others or not files or others[0].startswith("-") or words[0] == others[0]:
        return list(words)
    return [others[0], *files, *others[1:]]


def config_files(words: Sequence[str]) -> list[str]:
    """Values of all ``--config`` on a command line.

    Parameters
    ----------
    words : sequence of str
        The command line without the name of the command.
    """
    return _values(_parted(words)[0])


def option_value(words: Sequence[str], option: str, default: str, *, short: str = "") -> str:
    """Value of an option on the command line, read before the options are declared.

    Parameters
    ----------
    words : sequence of str
        The command line without the name of the command.
    option : str
        Such as "--output".
    default : str
        What to return where the option is not there.
    short : str
        Its other name of one letter, such as "-o"; the value may be glued to it.

    Returns
    -------
    str
        The last value, as the parser takes it.
    """
    value = default
    for index, word in enumerate(words):
        if word == "--":
            break
        if word in (option, short or option) and index + 1 < len(words):
            value = words[index + 1]
        elif word.startswith(f"{option}="):
            value = word.partition("=")[2]
        elif short and word.startswith(short) and len(word) > len(short):
            value = word.removeprefix(short).removeprefix("=")
    return value


def _values(files: Sequence[str]) -> list[str]:
    return [word.removeprefix("--config=") for word in files if word != "--config"]


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
