"""Networks by chance, of one cost: the start of a search, and what a searched network is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from restoration.manas.genotype.choices import Choices
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.search.config import SearchConfig
from restoration.manas.search.cost import CostKind, cost_table
from restoration.manas.space.candidates import candidate_names
from restoration.manas.space.shape import Shape

__all__ = ["draw_genotypes", "draw_of_config", "random_genotypes", "uniform_cost", "wanted_cost"]

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
    target = cost_table(reference.shape, cost, names=candidate_names()).of(reference)
    return draw_genotypes(
        reference.shape, count, target, seed=seed, cost=cost, tolerance=tolerance, without=[reference]
    )


def draw_genotypes(
    shape: Shape,
    count: int,
    target: float,
    *,
    seed: int = 0,
    cost: CostKind = "macs",
    tolerance: float = 0.02,
    names: tuple[str, ...] | None = None,
    channels: int = 3,
    without: Sequence[Genotype] = (),
) -> list[Genotype]:
    """Draw genotypes of about one cost, all choices alike.

    Parameters
    ----------
    shape : Shape
        What all of them have in common.
    count : int
        Number of genotypes.
    target : float
        Cost in the unit of `cost`, see :func:`uniform_cost`.
    seed : int
        Seed of the choices.
    cost : {"macs", "parameters"}
        Kind of cost.
    tolerance : float
        Largest difference from the target, relative to it.
    names : tuple of str, optional
        Candidates to draw from; all by default.
    channels : int
        Channels of the images.
    without : sequence of Genotype
        Not among the results.

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
    names = names or candidate_names()
    table, generator = cost_table(shape, cost, channels=channels, names=names), torch.Generator().manual_seed(seed)
    found: dict[Genotype, None] = {}
    drawn = 0
    while len(found) < count and drawn < _ATTEMPTS:
        modules = torch.randint(2, (_BLOCK, len(table.modules)), generator=generator)
        edges = torch.randint(len(names), (_BLOCK, len(table.edges)), generator=generator)
        costs = table.fixed + table.modules.T.gather(0, modules).sum(1) + table.edges.T.gather(0, edges).sum(1)
        near = ((costs - target).abs() <= tolerance * target).nonzero()[:, 0].tolist()
        for row in near[: count - len(found)]:
            choices = Choices(tuple(modules[row].tolist()), tuple(edges[row].tolist()))
            genotype = choices.genotype(shape, names, {"random": True, "seed": seed, "cost": float(costs[row])})
            if genotype not in without:
                found[genotype] = None
        drawn += _BLOCK
    if len(found) < count:
        raise ValueError(
            f"of {drawn} random genotypes {len(found)} cost {target:,.0f} {cost} within {tolerance:.1%}; widen the tolerance"
        )
    return list(found)


def uniform_cost(
    shape: Shape, cost: CostKind = "macs", *, names: tuple[str, ...] | None = None, channels: int = 3
) -> float:
    """Mean cost of the genotypes of a shape.

    Parameters
    ----------
    shape : Shape
        What all of them have in common.
    cost : {"macs", "parameters"}
        What is counted.
    names : tuple of str, optional
        Candidates; all by default.
    channels : int
        Channels of the images.

    Returns
    -------
    float
        Multiply-accumulate operations per pixel of the image, or the number of parameters.
    """
    table = cost_table(shape, cost, channels=channels, names=names or candidate_names())
    return table.fixed + float(table.modules.mean(1).sum() + table.edges.mean(1).sum())


def wanted_cost(config: SearchConfig, channels: int) -> float:
    """Cost of the networks that a search looks at: the one that was asked for, or the mean of all.

    Parameters
    ----------
    config : SearchConfig
        Settings of the search.
    channels : int
        Channels of the images.

    Returns
    -------
    float
        In the unit of the setting `cost`.
    """
    return config.target or uniform_cost(config.shape, config.cost, names=config.names, channels=channels)


def draw_of_config(config: SearchConfig, count: int, channels: int, seed: int) -> list[Genotype]:
    """Draw networks of the cost that a search looks at.

    Parameters
    ----------
    config : SearchConfig
        Settings of the search.
    count : int
        Number of genotypes.
    channels : int
        Channels of the images.
    seed : int
        Seed of the choices.

    Returns
    -------
    list of Genotype
        All different.

    Raises
    ------
    ValueError
        If chance finds too few.
    """
    return draw_genotypes(
        config.shape,
        count,
        wanted_cost(config, channels),
        seed=seed,
        cost=config.cost,
        tolerance=config.tolerance,
        names=config.names,
        channels=channels,
    )
