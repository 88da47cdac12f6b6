"""A table of results as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.tables.stored import command, machine, note


@dataclass(frozen=True)
class Table:
    """Rows of text and the result files that they come from.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequence of str
        As long as the header, each.
    sources : sequence of str
        Names of result files, in the order in which a reader meets their numbers.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    sources: Sequence[str]

    def __post_init__(self) -> None:
        """Refuse rows of another length, which Markdown would cut silently."""
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"a row of {len(row)} cells under a header of {len(self.header)}: {row}")

    def markdown(self) -> str:
        """The table alone."""
        lines = [_line(self.header), "|" + "---|" * len(self.header), *map(_line, self.rows)]
        return "\n".join(lines)

    def provenance(self) -> str:
        """Commands and machines, one list entry for each result file."""
        entries = []
        for name in self.sources:
            text = f"- `{command(name)}`<br>{machine(name)}; `benchmarks/results/{name}.json`"
            entries.append(text + (f"<br>Note: {note(name)}." if note(name) else ""))
        return "\n".join(entries)


def decibels(number: float) -> str:
    """A PSNR or a difference of two."""
    return f"{number:.2f} dB"


def bold(text: str) -> str:
    """Emphasis for the rows that a reader should find first."""
    return f"**{text}**"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
