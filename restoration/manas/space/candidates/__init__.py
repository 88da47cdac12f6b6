"""The attention operators that an edge can choose: one file each, found by name.

A further one is a module of one argument, its number of channels, under :func:`register_candidate`; genotypes call it by name.
"""

from restoration.manas.space.candidates.cbam import CBAM
from restoration.manas.space.candidates.dilated import DilatedGate
from restoration.manas.space.candidates.registry import (
    PUBLISHED_ORDER,
    Candidate,
    candidate,
    candidate_names,
    make_candidate,
    register_candidate,
)
from restoration.manas.space.candidates.separable import SeparableGate
from restoration.manas.space.candidates.skip import Skip
from restoration.manas.space.candidates.spatial_dilated import SpatialDilatedGate
from restoration.manas.space.candidates.spatial_separable import SpatialSeparableGate
from restoration.manas.space.candidates.squeeze import SqueezeGate
from restoration.manas.space.candidates.squeeze_both import SqueezeBothGate
from restoration.manas.space.candidates.zero import Zero

__all__ = [
    "CBAM",
    "PUBLISHED_ORDER",
    "Candidate",
    "DilatedGate",
    "SeparableGate",
    "Skip",
    "SpatialDilatedGate",
    "SpatialSeparableGate",
    "SqueezeBothGate",
    "SqueezeGate",
    "Zero",
    "candidate",
    "candidate_names",
    "make_candidate",
    "register_candidate",
]
