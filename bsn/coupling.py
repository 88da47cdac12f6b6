"""How a module couples pixels: the declaration from which a composed network can be judged before it runs."""

from __future__ import annotations

import enum

__all__ = ["Coupling"]


class Coupling(enum.Enum):
    """What the output of a module at a pixel may depend on.

    A module states it in an attribute ``coupling``; :func:`bsn.blindness.judge_structure` reads it.

    Members
    -------
    POINTWISE
        The same pixel only (1x1 convolutions, norms over channels, activations).
    WITHIN_PHASE
        Pixels of the same phase only. Every operator that gets phases as separate images of a batch is of this kind.
    OTHER_PHASES
        Pixels of every phase but its own: the centre-masked head, with the side of its lattice in ``lattice``.
    OUTSIDE_HOLE
        Every pixel outside of a hole around its own, at full resolution: half-plane networks, with the hole in ``hole``.
    OTHER_FRAMES
        Pixels of neighbouring frames only, whose noise is independent: they may be seen whole.
    ACROSS_PHASES
        Anything else; behind the head it ends the blindness (channel attention with a global Gram matrix).
    """

    POINTWISE = "pointwise"
    WITHIN_PHASE = "within phase"
    OTHER_PHASES = "other phases"
    OUTSIDE_HOLE = "outside a hole"
    OTHER_FRAMES = "other frames"
    ACROSS_PHASES = "across phases"
