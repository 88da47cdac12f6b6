"""A masked head, and the four phases that it leads to."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bsn.ops import merge_phases, split_phases

SIDE = 8
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44")


def draw() -> Figure:
    """Image with the footprint of the head; below it the phase images."""
    pixels = torch.arange(SIDE * SIDE, dtype=torch.float32).reshape(1, 1, SIDE, SIDE)
    phases = split_phases(pixels)
    labels = torch.arange(4, dtype=torch.float32).reshape(4, 1, 1, 1).expand_as(phases)
    colours = merge_phases(labels)[0, 0].int().numpy()

    figure = Figure(figsize=(6.4, 8.4))
    above, below = figure.add_gridspec(2, 1, height_ratios=(1.0, 1.0), hspace=0.18)
    whole = figure.add_subplot(above)
    _cells(whole, pixels[0, 0].int().numpy(), colours, "image: a pixel (black) and what the masked head sees")
    row = column = 4
    whole.add_patch(Rectangle((column - 1, row - 1), 3, 3, fill=False, lw=3, ec="black"))
    whole.add_patch(Rectangle((column, row), 1, 1, fc="black"))
    parts = below.subgridspec(2, 2, wspace=0.08, hspace=0.32)
    for index in range(4):
        axes = figure.add_subplot(parts[index // 2, index % 2])
        chosen = phases[index, 0].int().numpy()
        _cells(axes, chosen, np.full(chosen.shape, index), f"phase {index}")
    return figure


def _cells(axes: Axes, numbers: np.ndarray, colours: np.ndarray, title: str) -> None:
    height, width = numbers.shape
    for (y, x), number in np.ndenumerate(numbers):
        axes.add_patch(Rectangle((x, y), 1, 1, fc=COLOURS[colours[y, x]], ec="white", lw=1.5))
        axes.text(x + 0.5, y + 0.5, str(number), ha="center", va="center", color="white", fontsize=11)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal", title=title)
    axes.axis("off")
