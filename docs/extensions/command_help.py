"""Sphinx: the help of a command, as the command prints it when the pages are built."""

from __future__ import annotations

import contextlib
import io
import os
from typing import ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def help_of(words: list[str]) -> str:
    """What ``bsn <words>`` prints, 100 characters wide.

    Raises
    ------
    ValueError
        If the command fails.
    """
    from bsn.cli import main

    printed = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "100"
    try:
        with contextlib.redirect_stdout(printed):
            code = main(words)
    except SystemExit as end:
        code = end.code
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    if code:
        raise ValueError(f"bsn {' '.join(words)} ends with {code}")
    return printed.getvalue()


class CommandHelp(SphinxDirective):
    """Arguments: the words after ``bsn``."""

    required_arguments: ClassVar = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """A literal block with the help."""
        text = help_of(self.arguments[0].split())
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
