"""The choices of a genotype as numbers, which searches draw, change and compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from restoration.manas.genotype.derive import genotype_of_indices
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.space.modules import MODULES
from restoration.manas.space.shape import Shape

__all__ = ["Choices"]


@dataclass(frozen=True)
class Choices:
    """One module at each place of a shape, and one candidate on each edge.

    Parameters
    ----------
    modules : tuple of int
        0 parallel, 1 fusion, in the order of :meth:`restoration.manas.space.Shape.places`.
    edges : tuple of int
        Numbers of candidates, block by block in the order of :meth:`restoration.manas.space.Shape.blocks`.
    """

    modules: tuple[int, ...]
    edges: tuple[int, ...]

    @classmethod
    def of(cls, genotype: Genotype, names: Sequence[str]) -> Choices:
        """Choices of a genotype.

        Parameters
        ----------
        genotype : Genotype
            Whose choices are counted.
        names : sequence of str
            Candidates by number.

        Returns
        -------
        Choices

        Raises
        ------
        ValueError
            If the genotype has a candidate that is not among the names.
        """
        used = [name for cell in genotype.edges for branch in cell for name in branch]
        missing = sorted(set(used) - set(names))
        if missing:
            raise ValueError(
                f"the genotype has {missing[0]!r}, which is not searched; candidates are {', '.join(names)}"
            )
        numbers = {name: number for number, name in enumerate(names)}
        modules = tuple(MODULES.index(name) for cell in genotype.modules for name in cell)
        return cls(modules, tuple(numbers[name] for name in used))

    def genotype(self, shape: Shape, names: Sequence[str], about: Mapping[str, Any] | None = None) -> Genotype:
        """Genotype of these choices.

        Parameters
        ----------
        shape : Shape
            What is not chosen.
        names : sequence of str
            Candidates by number.
        about : mapping, optional
            Notes that the genotype carries.

        Returns
        -------
        Genotype
        """
        blocks = iter(self.edges[start : start + shape.edges] for start in range(0, len(self.edges), shape.edges))
        edges = [[next(blocks) for _ in range(shape.branches(cell))] for cell in range(shape.cells)]
        return genotype_of_indices(self.modules, edges, shape, names, about)
