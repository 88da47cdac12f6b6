"""Prediction, noisy pixel and their combination, computed by the function that denoises."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure

from bsn.noise import Prediction, posterior

PREDICTED, DEVIATION = 0.42, 0.06
NOISY, NOISE = 0.60, 0.09


def combined() -> tuple[float, float]:
    """Mean and standard deviation of the posterior of one grey pixel."""
    mean, factor, noisy, variance = (torch.full((1, 1, 1, 1), x) for x in (PREDICTED, DEVIATION, NOISY, NOISE**2))
    found = posterior(Prediction(mean, [[factor[:, 0]]]), noisy, variance)
    return float(found[0]), float(found[1]) ** 0.5


def draw() -> Figure:
    """Three bells over the grey value."""
    mean, width = combined()
    grey = np.linspace(0.15, 1.0, 400)
    figure = Figure(figsize=(6.4, 4.2))
    axes = figure.subplots()
    bells = (
        ("the surroundings say (network)", PREDICTED, DEVIATION, "#4477aa"),
        ("the noisy pixel says (noise model)", NOISY, NOISE, "#ee6677"),
        ("both together (posterior)", mean, width, "#228833"),
    )
    for label, centre, deviation, colour in bells:
        height = np.exp(-0.5 * ((grey - centre) / deviation) ** 2) / deviation
        axes.plot(grey, height, color=colour, lw=2.5, label=label)
        axes.fill_between(grey, height, color=colour, alpha=0.15)
    axes.set(xlabel="clean value of the pixel", yticks=[], xlim=(grey[0], grey[-1]), ylim=(0, 29))
    axes.spines["left"].set_visible(False)
    axes.legend(frameon=False, loc="upper right", fontsize=12)
    return figure
