"""What one output pixel depends on, measured by automatic differentiation."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import nn

from bsn.blindness import receptive_field
from bsn.models import create

RASTER = True
SIDE = 48


def draw() -> Figure:
    """Gradients of the centre pixel of three blind networks and of one that sees itself."""
    torch.manual_seed(0)
    networks = {
        "tbsn-small": create("tbsn-small", channels=1),
        "convolutions only": create("phase-unet-tiny", channels=1),
        "dbsnl": create("dbsnl", channels=1),
        "plain convolution: not blind": nn.Conv2d(1, 1, 5, padding=2),
    }
    figure = Figure(figsize=(6.4, 6.9))
    for axes, (name, network) in zip(figure.subplots(2, 2).flat, networks.items(), strict=True):
        field = receptive_field(network.eval(), (1, SIDE, SIDE), draws=1)
        axes.imshow(field.picture().permute(1, 2, 0).numpy(), interpolation="nearest")
        axes.set_title(name)
        axes.axis("off")
    figure.tight_layout()
    return figure
