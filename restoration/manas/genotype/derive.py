"""From the numbers of a search to a genotype."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor

from restoration.manas.genotype.genotype import Genotype
from restoration.manas.space.candidates import PUBLISHED_ORDER
from restoration.manas.space.modules import MODULES
from restoration.manas.space.shape import Shape

__all__ = ["DeriveMode", "derive", "genotype_of_indices"]

DeriveMode = Literal["per_branch", "shared"]


def derive(
    alpha: Tensor,
    beta: Tensor,
    shape: Shape,
    *,
    mode: DeriveMode = "per_branch",
    exclude_none: bool = False,
    names: Sequence[str] = PUBLISHED_ORDER,
    about: Mapping[str, Any] | None = None,
) -> Genotype:
    """Take the likeliest choice of every row; of equal ones the first.

    Parameters
    ----------
    alpha : Tensor, shape (modules, 2)
        Logits of parallel and fusion.
    beta : Tensor, shape (blocks * edges, candidates)
        Logits of the candidates on every edge.
    shape : Shape
        Cells, branches and blocks of the network.
    mode : {"per_branch", "shared"}
        Every attention block its own rows, as they were searched; or the rows of block s for all branches of cell s, as the
        published program reads them (most rows are then never read, and most cells get another block's).
    exclude_none : bool
        Never choose "none".
    names : sequence of str
        Candidates in the order of the columns.
    about : mapping, optional
        Notes that the genotype carries.

    Returns
    -------
    Genotype

    Raises
    ------
    ValueError
        If the numbers of rows or columns do not fit the shape.
    """
    rows = sum(1 for _ in shape.places()), sum(1 for _ in shape.blocks()) * shape.edges
    if alpha.shape != (rows[0], len(MODULES)) or beta.shape != (rows[1], len(names)):
        raise ValueError(
            f"architecture parameters of {tuple(alpha.shape)} and {tuple(beta.shape)} do not fit the shape, which has "
            f"({rows[0]}, {len(MODULES)}) and ({rows[1]}, {len(names)})"
        )
    scores = beta.detach().clone()
    if exclude_none and "none" in names:
        scores[:, list(names).index("none")] = float("-inf")
    chosen = [_first_largest(row) for row in scores]
    e = shape.edges
    per_block = [chosen[start : start + e] for start in range(0, len(chosen), e)]
    if mode == "shared":
        edges = [[per_block[cell]] * shape.branches(cell) for cell in range(shape.cells)]
    else:
        blocks = iter(per_block)
        edges = [[next(blocks) for _ in range(shape.branches(cell))] for cell in range(shape.cells)]
    return genotype_of_indices([_first_largest(row) for row in alpha.detach()], edges, shape, names, about)


def _first_largest(row: Tensor) -> int:
    values = row.tolist()
    return values.index(max(values))


def genotype_of_indices(
    modules: Sequence[int],
    edges: Sequence[Sequence[Sequence[int]]],
    shape: Shape,
    names: Sequence[str] = PUBLISHED_ORDER,
    about: Mapping[str, Any] | None = None,
) -> Genotype:
    """Genotype of numbers of modules and candidates.

    Parameters
    ----------
    modules : sequence of int
        0 parallel, 1 fusion, for all cells in a row.
    edges : sequence
        Per cell, per branch, the number of the candidate on each edge.
    shape : Shape
        Cells, branches and blocks of the network.
    names : sequence of str
        Candidates by number.
    about : mapping, optional
        Notes that the genotype carries.
    """
    numbers = iter(modules)
    return Genotype(
        modules=tuple(tuple(MODULES[next(numbers)] for _ in range(count)) for count in shape.modules[1:]),
        edges=tuple(tuple(tuple(names[index] for index in branch) for branch in cell) for cell in edges),
        widths=shape.widths,
        stem_blocks=shape.modules[0],
        nodes=shape.nodes,
        stem=shape.stem,
        about=dict(about or {}),
    )
