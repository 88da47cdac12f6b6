"""Presets at a size that tests can afford."""

from __future__ import annotations

import torch

from bsn.models import create

SMALL = {
    "tbsn": {"widths": (8, 16, 32), "blocks": (1, 1, 1), "refinement_blocks": 1, "head_dim": 4},
    "dbsnl": {"width": 8, "modules": 2},
    "ddsa": {"width": 8, "blocks": (1, 1), "heads": (1, 2), "refinement_blocks": 1},
    "drt": {"width": 8, "layers": 1, "recursions": 2},
    "elf": {"width": 8, "branch_blocks": 1},
    "elf-head": {"width": 8, "branch_blocks": 1},
    "elf-lw": {"width": 8, "branch_blocks": 1},
    "elf-wide": {"width": 8, "branch_blocks": 1},
}


def small(name, **options):
    """A preset with all its options, but narrow."""
    return create(name, **{**SMALL.get(name, {}), **options})


def randomise(network, seed=0, spread=0.2):
    """Move the weights away from their initial values, zero starts included."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            size = spread / max(parameter[0].numel(), 1) ** 0.5 if parameter.ndim > 1 else spread
            parameter.add_(size * torch.randn(parameter.shape, generator=generator))
    return network
