"""Holes of half-plane networks, measured by automatic differentiation."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure

from bsn.blindness import receptive_field
from bsn.hole import Hole
from bsn.models import create

RASTER = True
SIDE = 32
HOLES = ("pixel:1", "square:5", "diamond:9", "rows:3")


def draw() -> Figure:
    """The gradient of the centre pixel: straight half-planes with three holes, diagonal ones with a diamond."""
    torch.manual_seed(0)
    straight, diagonal = (create(name, channels=1).eval() for name in ("halfplane", "halfplane-diamond"))
    figure = Figure(figsize=(6.4, 6.9))
    for axes, name in zip(figure.subplots(2, 2).flat, HOLES, strict=True):
        network = diagonal if name.startswith("diamond") else straight
        network.hole = Hole.parse(name)
        field = receptive_field(network, (1, SIDE, SIDE), draws=3)
        axes.imshow(field.picture().permute(1, 2, 0).numpy(), interpolation="nearest")
        axes.set_title(name)
        axes.axis("off")
    figure.tight_layout()
    return figure
