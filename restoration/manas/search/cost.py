"""What a choice costs: parameters, or multiplications per pixel, counted on the modules themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bsn.engine import generators_restored
from restoration.manas.genotype.derive import genotype_of_indices
from restoration.manas.genotype.genotype import Genotype
from restoration.manas.network.network import MANAS
from restoration.manas.space.candidates import PUBLISHED_ORDER, make_candidate
from restoration.manas.space.modules import MODULES, make_module
from restoration.manas.space.shape import Shape

__all__ = ["CostKind", "CostTable", "cost_table", "genotype_cost"]

CostKind = Literal["parameters", "macs"]

# Side of the image on which work is counted: what is done once per image is then spread over a training crop.
_SIDE = 64


@torch.no_grad()
def _measure(module: nn.Module, inputs: Callable[[], object], kind: CostKind) -> float:
    """Parameters of a module, or its work per pixel of an image."""
    if kind == "parameters":
        return float(sum(p.numel() for p in module.parameters()))
    with FlopCounterMode(display=False) as counter:
        module.eval()(inputs())
    return counter.get_total_flops() / 2 / _SIDE**2


@functools.cache
def _candidate_cost(name: str, channels: int, scale: int, kind: CostKind) -> float:
    side = max(_SIDE >> scale, 1)
    return _measure(make_candidate(name, channels), lambda: torch.zeros(1, channels, side, side), kind)


@functools.cache
def _module_cost(name: str, widths: tuple[int, ...], kind: CostKind) -> float:
    sides = [max(_SIDE >> scale, 1) for scale in range(len(widths))]
    branches = [torch.zeros(1, width, side, side) for width, side in zip(widths, sides, strict=True)]
    return _measure(make_module(name, widths), lambda: branches, kind)


@dataclass(frozen=True)
class CostTable:
    """Costs of all choices of a shape.

    Parameters
    ----------
    modules : Tensor, shape (modules, 2)
        Costs of parallel and fusion at each place.
    edges : Tensor, shape (blocks * edges, candidates)
        Costs of the candidates on every edge.
    fixed : float
        Cost of everything that is not searched.
    names : tuple of str
        Candidates by column.
    kind : {"parameters", "macs"}
        What is counted.
    """

    modules: Tensor
    edges: Tensor
    fixed: float
    names: tuple[str, ...]
    kind: CostKind

    def expected(self, modules: Tensor, edges: Tensor) -> Tensor:
        """Expected cost of a network drawn with these probabilities, of the shapes of the tables.

        Parameters
        ----------
        modules : Tensor, shape (modules, 2)
            Probabilities of parallel and fusion; each row adds up to 1.
        edges : Tensor, shape (blocks * edges, candidates)
            Probabilities of the candidates; each row adds up to 1.

        Returns
        -------
        Tensor, shape ()
            Cost in the unit of :attr:`kind`.
        """
        return self.fixed + (self.modules.to(modules) * modules).sum() + (self.edges.to(edges) * edges).sum()

    def relative(self, modules: Tensor, edges: Tensor) -> Tensor:
        """Expected cost between 0, the cheapest network, and 1, the dearest.

        Parameters
        ----------
        modules, edges : Tensor
            Probabilities, as in :meth:`expected`.

        Returns
        -------
        Tensor, shape ()
        """
        low = self.modules.min(1).values.sum() + self.edges.min(1).values.sum() + self.fixed
        high = self.modules.max(1).values.sum() + self.edges.max(1).values.sum() + self.fixed
        return (self.expected(modules, edges) - float(low)) / float(high - low)

    def of(self, genotype: Genotype) -> float:
        """Cost of a genotype of this shape.

        Parameters
        ----------
        genotype : Genotype
            Genotype of the shape of this table.

        Returns
        -------
        float
            Cost in the unit of :attr:`kind`.
        """
        modules = [MODULES.index(name) for cell in genotype.modules for name in cell]
        edges = [self.names.index(name) for cell in genotype.edges for branch in cell for name in branch]
        return self.of_indices(torch.tensor(modules), torch.tensor(edges))

    def of_indices(self, modules: Tensor, edges: Tensor) -> float:
        """Cost of choices by number, a number per row of the tables.

        Parameters
        ----------
        modules : Tensor of int, shape (modules,)
            Column of the choice in each row.
        edges : Tensor of int, shape (blocks * edges,)
            Column of the candidate in each row.

        Returns
        -------
        float
            Cost in the unit of :attr:`kind`.
        """
        picked = self.modules.gather(1, modules[:, None]).sum() + self.edges.gather(1, edges[:, None]).sum()
        return self.fixed + float(picked)


def cost_table(
    shape: Shape, kind: CostKind = "macs", *, channels: int = 3, names: tuple[str, ...] = PUBLISHED_ORDER
) -> CostTable:
    """Count the cost of every choice, on modules of its own; torch's random numbers stay as they were.

    Parameters
    ----------
    shape : Shape
        Cells, branches and blocks of the network.
    kind : {"parameters", "macs"}
        Numbers, or multiply-accumulate operations per pixel of the image (of convolutions and linear layers).
    channels : int
        Channels of the image.
    names : tuple of str
        Candidates.
    """
    with generators_restored():
        return _count(shape, kind, channels, names)


def _count(shape: Shape, kind: CostKind, channels: int, names: tuple[str, ...]) -> CostTable:
    modules = [
        [_module_cost(name, shape.widths[: shape.branches(cell)], kind) for name in MODULES]
        for cell, _ in shape.places()
    ]
    edges = [
        [_candidate_cost(name, shape.widths[branch] // shape.nodes, branch, kind) for name in names]
        for _, branch in shape.blocks()
        for _ in range(shape.edges)
    ]
    table = CostTable(torch.tensor(modules).double(), torch.tensor(edges).double(), 0.0, names, kind)
    plain = genotype_of_indices(
        [0] * len(modules), [[[0] * shape.edges] * shape.branches(cell) for cell in range(shape.cells)], shape
    )
    whole = _measure(MANAS(plain, channels=channels), lambda: torch.zeros(1, channels, _SIDE, _SIDE), kind)
    fixed = whole - float(table.modules[:, 0].sum())
    return CostTable(table.modules, table.edges, fixed, names, kind)


def genotype_cost(genotype: Genotype, kind: CostKind = "macs", *, channels: int = 3) -> float:
    """Cost of the network of a genotype, see :func:`cost_table`.

    Parameters
    ----------
    genotype : Genotype
        Genotype of any shape.
    kind : {"macs", "parameters"}
        What is counted.
    channels : int
        Channels of the image.

    Returns
    -------
    float
        Multiply-accumulate operations per pixel of the image, or the number of parameters.
    """
    used = [name for cell in genotype.edges for branch in cell for name in branch]
    names = tuple(dict.fromkeys((*PUBLISHED_ORDER, *used)))
    return cost_table(genotype.shape, kind, channels=channels, names=names).of(genotype)
