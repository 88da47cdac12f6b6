"""Networks by chance, of the same cost as a searched one, so that the worth of a search is a number."""

from __future__ import annotations

import torch

from restoration.manas.genotype.derive import genotype_of_indices
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.search.cost import CostKind, cost_table
from restoration.manas.space.candidates import candidate_names

__all__ = ["random_genotypes"]

_ATTEMPTS = 200_000
_BLOCK = 1000


def random_genotypes(
    reference: Genotype, count: int, *, seed: int = 0, cost: CostKind = "macs", tolerance: float = 0.02
) -> list[Genotype]:
    """Draw genotypes of the shape and about the cost of another, all choices alike.

    Parameters
    ----------
    reference : Genotype
        Not among the results.
    count : int
        Number of genotypes.
    seed : int
        Seed of the choices.
    cost : {"macs", "parameters"}
        Kind of cost that has to agree.
    tolerance : float
        Largest difference in cost, relative to the reference's.

    Returns
    -------
    list of Genotype
        All different.

    Raises
    ------
    ValueError
        If chance finds too few.
    """
    if count < 1 or tolerance < 0:
        raise ValueError(
            f"{count} genotypes within {tolerance}: this cannot be searched; ask for 1 or more, with a tolerance of 0 or more"
        )
    shape, names = reference.shape, candidate_names()
    table = cost_table(shape, cost, names=names)
    target, generator = table.of(reference), torch.Generator().manual_seed(seed)
    found: dict[Genotype, None] = {}
    drawn = 0
    while len(found) < count and drawn < _ATTEMPTS:
        modules = torch.randint(2, (_BLOCK, len(table.modules)), generator=generator)
        edges = torch.randint(len(names), (_BLOCK, len(table.edges)), generator=generator)
        costs = table.fixed + table.modules.T.gather(0, modules).sum(1) + table.edges.T.gather(0, edges).sum(1)
        near = ((costs - target).abs() <= tolerance * target).nonzero()[:, 0].tolist()
        for row in near[: count - len(found)]:
            genotype = _genotype(reference, modules[row].tolist(), edges[row].tolist(), names, seed, float(costs[row]))
            if genotype != reference:
                found[genotype] = None
        drawn += _BLOCK
    if len(found) < count:
        raise ValueError(
            f"of {drawn} random genotypes {len(found)} cost {target:,.0f} {cost} within {tolerance:.1%}; widen the tolerance"
        )
    return list(found)


def _genotype(
    reference: Genotype, modules: list[int], edges: list[int], names: tuple[str, ...], seed: int, cost: float
) -> Genotype:
    shape = reference.shape
    blocks = iter([edges[start : start + shape.edges] for start in range(0, len(edges), shape.edges)])
    per_branch = [[next(blocks) for _ in range(shape.branches(cell))] for cell in range(shape.cells)]
    return genotype_of_indices(modules, per_branch, shape, names, {"random": True, "seed": seed, "cost": cost})
