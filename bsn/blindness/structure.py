"""Judge a network from what its modules declare, before it runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from bsn.coupling import Coupling
from bsn.hole import Hole

__all__ = ["Declaration", "StructureJudgement", "declarations", "judge_structure"]

_POINTWISE = (
    nn.Identity,
    nn.Dropout,
    nn.ReLU,
    nn.ReLU6,
    nn.GELU,
    nn.SiLU,
    nn.ELU,
    nn.LeakyReLU,
    nn.PReLU,
    nn.Sigmoid,
    nn.Tanh,
    nn.Softplus,
    nn.Hardtanh,
    nn.Linear,
)
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_BATCH_STATISTICS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.SyncBatchNorm)


@dataclass(frozen=True)
class Declaration:
    """How one module couples pixels.

    Parameters
    ----------
    module : str
        Name as in ``named_modules()``.
    kind : str
        Its class.
    coupling : Coupling
        Pixels that the module couples.
    lattice : int, optional
        Side of the blind lattice of a module that declares ``OTHER_PHASES``.
    stated : bool
        True if the module says so itself; False if it follows from a known torch class, or nothing better is known.
    """

    module: str
    kind: str
    coupling: Coupling
    lattice: int | None = None
    stated: bool = True


@dataclass(frozen=True)
class StructureJudgement:
    """What follows from the declarations.

    Parameters
    ----------
    blind : bool
        True if a head hides the centre and nothing behind it leaves the phase.
    lattice : int, optional
        Least common multiple of the heads' lattices.
    problem : Declaration, optional
        The first module that ends the blindness; None where no head was found.
    reason : str
        Why the judgement is what it is, in a sentence.
    trusted : tuple of str
        Modules with a forward of their own that say nothing about it. Declarations cannot judge the code between
        modules (a skip connection from the input, say): that takes a measurement.
    """

    blind: bool
    lattice: int | None
    problem: Declaration | None
    reason: str
    trusted: tuple[str, ...]


def declarations(network: nn.Module) -> Iterator[Declaration]:
    """Declarations in the order of registration; a module that declares itself answers for its children.

    Parameters
    ----------
    network : nn.Module
        Network whose modules are asked.

    Yields
    ------
    Declaration
    """
    yield from _walk(network, "", _head_lattice(network))


def _walk(module: nn.Module, name: str, lattice: int) -> Iterator[Declaration]:
    stated = getattr(module, "coupling", None)
    kind = type(module).__name__
    if isinstance(stated, Coupling):
        yield Declaration(name, kind, stated, getattr(module, "lattice", None), True)
        return
    children = list(module.named_children())
    # Parameters of its own beside those of its children: its forward does more than to call them.
    if not children or any(True for _ in module.parameters(recurse=False)):
        if not isinstance(module, _CONTAINERS):
            yield Declaration(name, kind, _known_coupling(module, lattice), None, False)
        return
    for child, inner in children:
        yield from _walk(inner, f"{name}.{child}" if name else child, lattice)


def _head_lattice(network: nn.Module) -> int:
    heads = [m for m in network.modules() if getattr(m, "coupling", None) is Coupling.OTHER_PHASES]
    return math.lcm(*(int(getattr(m, "lattice", 1)) for m in heads)) if heads else 0


def _known_coupling(module: nn.Module, lattice: int) -> Coupling:
    """Coupling of a torch module at full resolution; of unknown ones the worst is assumed."""
    if isinstance(module, _POINTWISE):
        return Coupling.POINTWISE
    if isinstance(module, _BATCH_STATISTICS):
        return Coupling.ACROSS_PHASES if module.training or not module.track_running_stats else Coupling.POINTWISE
    if isinstance(module, nn.Conv2d):
        if module.kernel_size == (1, 1) and module.stride == (1, 1) and module.padding in ((0, 0), "valid"):
            return Coupling.POINTWISE
        dilated = lattice > 0 and all(d % lattice == 0 for d in module.dilation) and module.padding_mode == "zeros"
        if dilated and module.stride == (1, 1) and all(k % 2 for k in module.kernel_size):
            return Coupling.WITHIN_PHASE
    return Coupling.ACROSS_PHASES


def _stated_hole(module: nn.Module) -> Hole | None:
    """The hole of a module that declares to see nothing inside it."""
    hole = getattr(module, "hole", None)
    if getattr(module, "coupling", None) is Coupling.OUTSIDE_HOLE and isinstance(hole, Hole) and hole.shape != "none":
        return hole
    return None


def judge_structure(network: nn.Module) -> StructureJudgement:
    """Judge a network by its declarations.

    Parameters
    ----------
    network : nn.Module
        Its modules state a :class:`bsn.coupling.Coupling` in an attribute ``coupling``. Of torch's own modules the coupling
        at full resolution is known (a dilated convolution stays within its phase, an ordinary 3 x 3 one does not); modules
        that say nothing are assumed to mix everything.

    Returns
    -------
    StructureJudgement

    Examples
    --------
    >>> judge_structure(nn.Conv2d(1, 1, 3)).reason
    'the network itself (Conv2d) mixes phases, or does not say that it does not'
    """
    trusted = tuple(
        name
        for name, module in network.named_modules()
        if not isinstance(getattr(module, "coupling", None), Coupling)
        and not isinstance(module, _CONTAINERS)
        and any(True for _ in module.children())
    )
    lattices: list[int] = []
    holes = [hole for module in network.modules() if (hole := _stated_hole(module)) is not None]
    for entry in declarations(network):
        if entry.coupling is Coupling.OTHER_PHASES:
            lattices.append(entry.lattice or 1)
        elif entry.coupling is Coupling.ACROSS_PHASES or (holes and entry.coupling is Coupling.WITHIN_PHASE):
            said = "declares that it mixes phases" if entry.stated else "mixes phases, or does not say that it does not"
            name = entry.module or "the network itself"
            return StructureJudgement(False, None, entry, f"{name} ({entry.kind}) {said}", trusted)
    if holes and not lattices:
        reason = f"four half-planes outside the hole {holes[0]}, joined pixel by pixel"
        return StructureJudgement(True, None, None, reason, trusted)
    if not lattices:
        return StructureJudgement(False, None, None, "no module declares that it hides a pixel from itself", trusted)
    lattice = math.lcm(*lattices)
    return StructureJudgement(
        True, lattice, None, f"a masked head, and nothing behind it leaves the lattice of side {lattice}", trusted
    )
