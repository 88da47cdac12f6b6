"""What the Wiener filter brings back, on a photograph with correlated noise."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from bsn.data import CorrelatedGaussian
from bsn.data.photographs import photograph
from bsn.evaluation import get_protocol
from bsn.noise import measure_spectrum, wiener_filter

RASTER = True
NOISE = CorrelatedGaussian(0.08, length=1.2)
SMOOTHING = 2.0  # pixels; stands for a network that had to look far and lost what is fine
PART = (slice(None), slice(60, 220), slice(140, 300))


def draw() -> Figure:
    """Truth, noisy, smoothed and filtered detail with their scores."""
    truth = photograph("astronaut.png")
    noisy = NOISE(truth, 0).astype(np.float32)
    smooth = gaussian_filter(noisy, (0, SMOOTHING, SMOOTHING))
    filtered = wiener_filter(torch.from_numpy(noisy)[None], torch.from_numpy(smooth)[None], measure_spectrum([noisy]))
    panels = {"clean": truth, "noisy": noisy, "too smooth": smooth, "Wiener filter": filtered[0].numpy()}
    score = get_protocol("float").score
    figure = Figure(figsize=(6.4, 6.9))
    for axes, (name, image) in zip(figure.subplots(2, 2).flat, panels.items(), strict=True):
        axes.imshow(np.clip(np.moveaxis(image[PART], 0, -1), 0, 1), interpolation="nearest")
        axes.set_title(name if name == "clean" else f"{name}: {score(image, truth).psnr:.1f} dB")
        axes.axis("off")
    figure.tight_layout()
    return figure
