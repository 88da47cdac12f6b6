"""All parts, the most important first."""

from __future__ import annotations

from benchmarks.gpu import networks, operators, profile, restoration, search, tests, throughput, training
from benchmarks.gpu.plan import Part

PARTS: list[Part] = [
    *tests.PARTS,
    *networks.PARTS,
    *operators.PARTS,
    *profile.PARTS,
    *networks.COMPILED,
    *training.PARTS,
    *restoration.PARTS,
    *search.PARTS,
    *throughput.PARTS,
    *training.MORE,
    *tests.LAST,
]
