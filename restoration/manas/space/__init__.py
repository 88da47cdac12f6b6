"""The search space: everything a network of MANAS can be made of."""

from restoration.manas.space.attention import AttentionBlock, ChosenEdge, MixedEdge
from restoration.manas.space.body import MultiScaleBody
from restoration.manas.space.layers import Bottleneck, Stem, Transition
from restoration.manas.space.modules import MODULES, FusionModule, MixedModule, ParallelModule, make_module
from restoration.manas.space.shape import Shape

__all__ = [
    "MODULES",
    "AttentionBlock",
    "Bottleneck",
    "ChosenEdge",
    "FusionModule",
    "MixedEdge",
    "MixedModule",
    "MultiScaleBody",
    "ParallelModule",
    "Shape",
    "Stem",
    "Transition",
    "make_module",
]
