"""Small changes of the choices of a network that keep its cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import torch

from restoration.manas.genotype.choices import Choices
from restoration.manas.search.cost import CostTable

__all__ = ["Mutation"]


class Mutation:
    """Changes one edge, or one module and, where the cost asks for it, a second one the other way round.

    Parameters
    ----------
    table : CostTable
        Costs of all choices.
    target : float
        Cost that networks have.
    tolerance : float
        Largest difference from it, relative to it.
    """

    def __init__(self, table: CostTable, target: float, tolerance: float) -> None:
        self.table, self.target, self.tolerance = table, target, tolerance

    def cost(self, choices: Choices) -> float:
        """Cost of a network, in the unit of the table.

        Parameters
        ----------
        choices : Choices
            Modules and candidates of the network.
        """
        return self.table.of_indices(torch.tensor(choices.modules), torch.tensor(choices.edges))

    def allows(self, choices: Choices) -> bool:
        """Whether a network has the cost that is asked for.

        Parameters
        ----------
        choices : Choices
            Modules and candidates of the network.
        """
        return abs(self.cost(choices) - self.target) <= self.tolerance * self.target

    def __call__(self, choices: Choices, generator: np.random.Generator) -> Choices:
        """Draw a changed network.

        Parameters
        ----------
        choices : Choices
            A network of the cost that is asked for.
        generator : numpy.random.Generator
            Source of the draws.

        Returns
        -------
        Choices
            Another network of that cost; the same one where no change keeps the cost.
        """
        places = len(choices.modules) + len(choices.edges)
        kinds: list[Callable[[Choices, np.random.Generator], Choices | None]] = [self._edge, self._module]
        # Each place is as likely to change as any other.
        if generator.random() * places < len(choices.modules):
            kinds.reverse()
        for kind in kinds:
            changed = kind(choices, generator)
            if changed is not None:
                return changed
        return choices

    def _edge(self, choices: Choices, generator: np.random.Generator) -> Choices | None:
        count = len(self.table.names)
        options = [(place, name) for place, old in enumerate(choices.edges) for name in range(count) if name != old]
        for number in generator.permutation(len(options)):
            place, name = options[number]
            edges = (*choices.edges[:place], name, *choices.edges[place + 1 :])
            changed = dataclasses.replace(choices, edges=edges)
            if self.allows(changed):
                return changed
        return None

    def _module(self, choices: Choices, generator: np.random.Generator) -> Choices | None:
        for place in generator.permutation(len(choices.modules)):
            changed = _flipped(choices, int(place))
            if self.allows(changed):
                return changed
            others = [n for n, kind in enumerate(choices.modules) if kind != choices.modules[place]]
            for other in generator.permutation(others):
                swapped = _flipped(changed, int(other))
                if self.allows(swapped):
                    return swapped
        return None


def _flipped(choices: Choices, place: int) -> Choices:
    modules = choices.modules
    return dataclasses.replace(choices, modules=(*modules[:place], 1 - modules[place], *modules[place + 1 :]))
