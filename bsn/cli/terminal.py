"""What a command says: tables, notes, and names of files in a form that terminals and markup take."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO

__all__ = ["Column", "note", "print_table", "progress_bar", "speaking"]

_WIDE = 240  # characters
OURS = ("bsn", "distill", "restoration")

Column = str | tuple[str, str]  # a heading, or a heading and "left" for words


def note(who: str, text: str) -> None:
    """Print a remark to standard error, on one line.

    Parameters
    ----------
    who : str
        The command, such as "bsn train".
    text : str
        The remark; line breaks become spaces.
    """
    print(f"{who}: note: {' '.join(text.split())}", file=sys.stderr)


def print_table(title: str, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to standard output; brackets in names stay what they are.

    Parameters
    ----------
    title : str
        Heading above the table.
    columns : sequence of str, or of (str, "left")
        Headings; numbers stand on the right, words on the left.
    rows : iterable of sequences of str
        Cells, as many as columns.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title))
    for column in columns:
        if isinstance(column, str):
            table.add_column(Text(column), justify="right")
        else:
            table.add_column(Text(column[0]), justify="left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    # A file or a pipe has no edge at which names would have to be folded.
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)


@contextlib.contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[object], None]]:
    """Show on standard error how many images are done; it is gone at the end.

    Parameters
    ----------
    what : str
        What is done with them, such as "scoring".
    total : int
        Number of images.

    Yields
    ------
    callable
        To be called after each image; its argument does not matter.
    """
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda _: progress.advance(bar)


@contextlib.contextmanager
def speaking(who: str) -> Iterator[None]:
    """While a command runs: names print on any terminal, our warnings are notes, those of libraries are not shown.

    ``BSN_DEBUG=1`` shows the warnings of libraries. Everything is undone at the end.

    Parameters
    ----------
    who : str
        The command, such as "bsn train".
    """
    quiet = logging.NullHandler()  # without any handler, Python prints warnings that libraries log
    root = logging.getLogger()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_any_letter(sys.stdout))
        stack.enter_context(_any_letter(sys.stderr))
        if not os.environ.get("BSN_DEBUG"):
            root.addHandler(quiet)
            stack.callback(root.removeHandler, quiet)
            stack.enter_context(_warnings_as_notes(who))
        yield


@contextlib.contextmanager
def _any_letter(stream: IO[str]) -> Iterator[None]:
    """Print letters that the terminal's encoding lacks as their codes, instead of failing."""
    reconfigure, before = getattr(stream, "reconfigure", None), getattr(stream, "errors", None)
    if reconfigure is None or before is None:
        yield
        return
    reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # closed meanwhile
            reconfigure(errors=before)


@contextlib.contextmanager
def _warnings_as_notes(who: str) -> Iterator[None]:
    said: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: object = None,
        line: object = None,
    ) -> None:
        text = str(message)
        if category.__module__.split(".")[0] in OURS and text not in said:
            said.add(text)
            note(who, text)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        yield
