"""Sphinx: tables and numbers of ``benchmarks/results``, made when the pages are built.

Directive ``results-table`` with the name of a table of :mod:`benchmarks.tables`; role ``result`` for one number,
``{result}`synthetic_gaussian_bm3d:scores/kodak24/BM3D/psnr:.2f` ``.
"""

from __future__ import annotations

from typing import ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from benchmarks.tables import AWAITED, TABLES
from benchmarks.tables.stored import value

_LONGEST = 40  # characters of a cell that stays on one line


class ResultsTable(SphinxDirective):
    """A table with its commands and machines folded away below it."""

    required_arguments: ClassVar = 1

    def run(self) -> list[nodes.Node]:
        """Nodes of the table."""
        name = self.arguments[0]
        if name in AWAITED:
            text = f"Not measured yet; `{AWAITED[name]}` brings these numbers."
            return self.parse_text_to_nodes(text)
        if name not in TABLES:
            raise self.error(f"there is no table {name!r} in benchmarks.tables")
        table = TABLES[name]()
        text = table.markdown()
        if table.sources:
            text += f"\n\n:::{{dropdown}} Command, machine and versions\n{table.provenance()}\n:::\n"
        else:
            text += f"\n\nThe documentation's build counted these (`python -m benchmarks.tables {name}`).\n"
        wordy = any(len(cell) > _LONGEST for row in table.rows for cell in row[1:-1])
        frame = nodes.container(classes=["results-table", "wordy"] if wordy else ["results-table"])
        frame += self.parse_text_to_nodes(text)
        return [frame]


class Result(SphinxRole):
    """One stored number: file, path of keys, format; an optional factor stands before the format as ``1e3*``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Text of the number."""
        name, path, form = self.text.split(":", 2)
        factor, star, form = form.rpartition("*")
        number = value(name, path) * (float(factor) if star else 1)
        return [nodes.Text(format(number, form))], []


def setup(app: Sphinx) -> dict[str, bool]:
    """Register directive and role."""
    app.add_directive("results-table", ResultsTable)
    app.add_role("result", Result())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
