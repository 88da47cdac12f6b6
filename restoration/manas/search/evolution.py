"""Regularised evolution (Real et al., AAAI 2019): the oldest of a population dies, whatever its score."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

__all__ = ["EvolutionConfig", "Scored", "evolve"]

T = TypeVar("T", bound=Hashable)

_CYCLES = 20  # per scored individual; a small space has no more that are new


@dataclass(frozen=True)
class EvolutionConfig:
    """How a population is evolved.

    Parameters
    ----------
    population : int
        Individuals that live at a time; so many are drawn at random at first.
    sample : int
        Individuals that are drawn from the population; the best of them has the next child.
    evaluations : int
        Individuals that are scored altogether, the first population included.
    crops : int
        Crops on which an individual is scored, the same for all.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    population: int = 32
    sample: int = 8
    evaluations: int = 200
    crops: int = 32

    def __post_init__(self) -> None:
        rules = {
            "population": (self.population >= 2, "2 or more"),
            "sample": (1 <= self.sample <= self.population, "1 to population"),
            "evaluations": (self.evaluations >= self.population, "population or more"),
            "crops": (self.crops >= 1, "1 or more"),
        }
        for name, (legal, range_) in rules.items():
            if not legal:
                raise ValueError(f"evolution.{name} {getattr(self, name)} is out of range; use {range_}")


@dataclass(frozen=True)
class Scored(Generic[T]):
    """An individual, its score, and the number of its parent in the history; None for the first ones."""

    individual: T
    score: float
    parent: int | None


def evolve(
    first: Sequence[T],
    score: Callable[[T], float],
    mutate: Callable[[T, np.random.Generator], T],
    config: EvolutionConfig,
    seed: int = 0,
) -> list[Scored[T]]:
    """Evolve a population.

    Parameters
    ----------
    first : sequence
        The first population, all different.
    score : callable
        Score of an individual, the higher the better; called once for each.
    mutate : callable
        ``mutate(individual, generator)`` gives a child, which differs from its parent.
    config : EvolutionConfig
        Sizes and the number of evaluations.
    seed : int
        Seed of all draws.

    Returns
    -------
    list of Scored
        All that were scored, in their order. Fewer than asked for where mutations find no new ones.
    """
    generator = np.random.default_rng(seed)
    history: dict[T, int] = {}
    scored: list[Scored[T]] = []

    def add(individual: T, parent: int | None) -> int:
        if individual not in history:
            history[individual] = len(scored)
            scored.append(Scored(individual, score(individual), parent))
        return history[individual]

    alive = deque(add(individual, None) for individual in first)
    for _ in range(_CYCLES * config.evaluations):
        if len(scored) >= config.evaluations:
            break
        drawn = generator.choice(len(alive), min(config.sample, len(alive)), replace=False)
        parent = max((alive[int(place)] for place in drawn), key=lambda number: scored[number].score)
        alive.append(add(mutate(scored[parent].individual, generator), parent))
        alive.popleft()
    return scored
