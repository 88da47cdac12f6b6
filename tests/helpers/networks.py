"""Presets at a size that tests can afford."""

from __future__ import annotations

import dataclasses

import torch

from bsn.blindness import move_weights as randomise
from bsn.models import create, presets

__all__ = ["narrow_presets", "randomise", "small"]

SMALL = {
    "tbsn": {"widths": (8, 16, 32), "blocks": (1, 1, 1), "refinement_blocks": 1, "head_dim": 4},
    "phase-unet-tiny": {"widths": (8, 12, 16, 16), "blocks": (1, 1, 1, 1)},
    "phase-unet-small": {"widths": (12, 16, 16, 16), "blocks": (1, 1, 1, 2)},
    "phase-unet-large": {"widths": (8, 16, 32, 32), "blocks": (1, 1, 1, 1)},
    "tbsn-small": {"widths": (8, 16, 32), "blocks": (1, 1, 1), "refinement_blocks": 1},
    "at-bsn": {"width": 4, "levels": 2, "hole": "square:3"},
    "tm-bsn": {"width": 4, "groups": 1, "blocks": 1, "hole": "diamond:5"},
    "halfplane": {"width": 4, "levels": 2, "hole": "square:5"},
    "halfplane-diamond": {"width": 4, "levels": 2, "hole": "diamond:3"},
    "halfplane-cells": {"widths": (4, 6), "hole": "square:5"},
    "halfplane-cells-diamond": {"widths": (4, 6), "hole": "diamond:3"},
    "halfplane-attention": {"width": 4, "levels": 2, "attention_heads": 2, "window": 4, "hole": "square:3"},
    "nbsn": {"width": 8},
    "nbsn-tm": {"width": 8},
    "dbsnl": {"width": 8, "modules": 2},
    "ddsa": {"width": 8, "blocks": (1, 1), "heads": (1, 2), "refinement_blocks": 1},
    "drt": {"width": 8, "layers": 1, "recursions": 2},
    "elf": {"width": 8, "branch_blocks": 1},
    "elf-head": {"width": 8, "branch_blocks": 1},
    "elf-lw": {"width": 8, "branch_blocks": 1},
    "elf-wide": {"width": 8, "branch_blocks": 1},
    "unet": {"width": 8},
    "base": {"widths": (8, 12), "blocks": (2, 2)},
    "light": {"widths": (8, 12), "blocks": (2, 2)},
    "tiny": {"widths": (8, 12), "blocks": (1, 1)},
}


def small(name, **options):
    """A preset with all its options, but narrow; the same weights each time."""
    torch.manual_seed(1)
    return create(name, **{**SMALL.get(name, {}), **options})


def narrow_presets(monkeypatch, *names):
    """Let these presets be narrow wherever they are asked for by name, until the end of the test."""
    for name in names:
        preset = presets()[name]
        config = dataclasses.replace(preset.config, **SMALL[name])
        monkeypatch.setitem(presets(), name, dataclasses.replace(preset, config=config))
