"""Pixel-shuffle downsampling takes neighbours apart: a grid, and the correlation that is left."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bsn.data import CorrelatedGaussian
from bsn.selfsup import pixel_shuffle_downsample

STRIDES = (1, 2, 3, 5)
SIDE, SHOWN = 9, 3
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb", "#882255", "#44aa99")


def left_correlation(stride: int) -> float:
    """Correlation between neighbours of the sub-images of correlated noise."""
    noise = CorrelatedGaussian(1.0, length=1.2)(np.zeros((1, 480, 480), np.float32), 0).astype(np.float32)
    parts = pixel_shuffle_downsample(torch.from_numpy(noise)[None], stride)
    return float(torch.corrcoef(torch.stack([parts[..., :-1].flatten(), parts[..., 1:].flatten()]))[0, 1])


def draw() -> Figure:
    """Grid above, bars below."""
    index = torch.arange(SHOWN * SHOWN, dtype=torch.float32).reshape(SHOWN, SHOWN).tile(SIDE // SHOWN, SIDE // SHOWN)
    parts = pixel_shuffle_downsample(index[None, None], SHOWN)
    figure = Figure(figsize=(6.4, 7.6))
    above, below = figure.add_gridspec(2, 1, height_ratios=(1.35, 1), hspace=0.35)
    grid, image = figure.add_subplot(above), index.int().numpy()
    for (y, x), part in np.ndenumerate(image):
        chosen = part == 0
        grid.add_patch(
            Rectangle(
                (x, y), 1, 1, fc=COLOURS[part], ec="black" if chosen else "white", lw=3 if chosen else 1, zorder=chosen
            )
        )
    height, width = parts.shape[-2:]
    title = f"stride {SHOWN}: {len(parts)} sub-images; the outlined {height * width} pixels are one of them"
    grid.set(xlim=(-0.1, SIDE + 0.1), ylim=(SIDE + 0.1, -0.1), aspect="equal")
    grid.set_title(title, fontsize=12)
    grid.axis("off")
    bars = figure.add_subplot(below)
    heights = [left_correlation(stride) for stride in STRIDES]
    drawn = bars.bar(range(len(STRIDES)), heights, 0.6, color="#4477aa")
    bars.set_xticks(range(len(STRIDES)), [str(stride) for stride in STRIDES])
    bars.bar_label(drawn, [f"{height:.2f}" for height in heights])
    bars.set(xlabel="stride", ylabel="noise correlation\nof neighbours", ylim=(0, 0.85))
    return figure
