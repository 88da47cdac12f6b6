"""What is said on the command line beats what a file of ``--config`` says."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["config_first"]


def config_first(words: Sequence[str]) -> list[str]:
    """Words of a command line with all ``--config`` in front, so that the parser lets everything else overrule them.

    Parameters
    ----------
    words : sequence of str
        Words of the command line.

    Returns
    -------
    list of str
        The same words. Several files keep their order: the later overrules the earlier. After "--" nothing is moved.
    """
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
    return files + others
