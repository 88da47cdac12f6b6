"""What a running search tells of its architecture: numbers, a table, a picture."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from bsn.data import atomic_output, writing
from restoration.manas.genotype.drawing import draw_genotype
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.search.cost import CostTable
from restoration.manas.search.losses import mean_entropy
from restoration.manas.search.supernet import Architecture

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["architecture_numbers", "architecture_table", "print_table", "say", "write_picture", "write_table"]


@torch.no_grad()
def architecture_numbers(architecture: Architecture, costs: CostTable) -> dict[str, float]:
    """Entropies, expected cost, and the mean of the largest probabilities.

    Parameters
    ----------
    architecture : Architecture
        Logits of the running search.
    costs : CostTable
        Costs of the choices.
    """
    modules, edges = architecture.probabilities()
    return {
        "module_entropy": float(mean_entropy(architecture.alpha)),
        "edge_entropy": float(mean_entropy(architecture.beta)),
        f"expected_{costs.kind}": float(costs.expected(modules, edges)),
        "module_confidence": float(modules.max(1).values.mean()),
        "edge_confidence": float(edges.max(1).values.mean()),
    }


@torch.no_grad()
def architecture_table(architecture: Architecture, title: str) -> Table:
    """Table of the leading choices and their probabilities: a row per cell and per attention block.

    Parameters
    ----------
    architecture : Architecture
        Logits of the running search.
    title : str
        Heading of the table.
    """
    from rich.table import Table

    shape, names = architecture.shape, architecture.names
    modules, edges = (p.cpu() for p in architecture.probabilities())
    table = Table(title=title)
    for column in ("cell", "modules (share of parallel)", "branch", *shape.edge_names()):
        table.add_column(column)
    rows = iter(edges.split(shape.edges))
    shares = {place: float(row[0]) for place, row in zip(shape.places(), modules, strict=True)}
    for cell in range(shape.cells):
        chosen = " ".join(f"{'P' if p >= 0.5 else 'F'} {p:.2f}" for (s, _), p in shares.items() if s == cell)
        for branch in range(shape.branches(cell)):
            best = [(names[int(row.argmax())], float(row.max())) for row in next(rows)]
            first = (str(cell + 1), chosen) if branch == 0 else ("", "")
            table.add_row(*first, f"1/{2**branch}", *(f"{name} {p:.2f}" for name, p in best))
    return table


def print_table(table: Table) -> None:
    """Show a table on the terminal, above a progress bar if there is one; nothing where there is no terminal.

    Parameters
    ----------
    table : rich.table.Table
        The table to show.
    """
    from rich.console import Console

    if sys.stderr.isatty():
        Console(file=sys.stderr, force_terminal=True).print(table)


def write_picture(genotype: Genotype, path: Path) -> None:
    """Write the drawing of a genotype, atomically.

    Parameters
    ----------
    genotype : Genotype
        What is drawn.
    path : Path
        SVG file; an existing one is replaced.
    """
    with atomic_output(path, overwrite=True) as partial, writing(path):
        partial.write_text(draw_genotype(genotype), encoding="utf-8")


def say(text: str) -> None:
    """Tell the user of a search where it stands, beside what its trainings say.

    Parameters
    ----------
    text : str
        One line.
    """
    print(text, file=sys.stderr, flush=True)


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file whole or not at all; an existing one is replaced.

    Parameters
    ----------
    path : Path
        The file.
    header : sequence of str
        Names of the columns.
    rows : iterable of sequence
        Their values.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
    with atomic_output(path, overwrite=True) as partial, writing(path):
        partial.write_text(text.getvalue(), encoding="utf-8")
