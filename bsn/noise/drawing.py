"""Picture of measured noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data import DataError, atomic_output
from bsn.noise.correlation_map import REACH, NoiseCorrelation
from bsn.noise.hole_advice import HoleAdvice
from bsn.noise.report import InspectedFile, NoiseReport

__all__ = ["plot_noise"]

_NAMED = 6


def plot_noise(report: NoiseReport, path: Path) -> None:
    """Draw noise curve and correlation of the set into a picture, and where its outliers are if there are any.

    The correlation is drawn along rows and columns, and in all directions with the holes that it asks for.

    Parameters
    ----------
    report : NoiseReport
        What :func:`bsn.noise.inspect_files` found.
    path : Path
        PNG, PDF or SVG.

    Raises
    ------
    DataError
        If nothing was measured, or the file cannot be written.
    """
    if report.together is None:
        raise DataError("images too small to be measured", "there is nothing to draw", "give larger images")
    from matplotlib.figure import Figure

    found = report.together
    marked = [entry for entry in report.files if entry.places]
    count = 2 + (report.correlation is not None) + bool(marked)
    figure = Figure(figsize=(5 * count, 4), layout="constrained")
    left, right, *rest = figure.subplots(1, count)
    intensity = np.array([p.intensity for p in found.curve])
    left.scatter(intensity, [p.variance for p in found.curve], s=12, alpha=0.5, label="flattest blocks")
    line = np.linspace(intensity.min(), intensity.max(), 50)
    left.plot(line, np.maximum(found.gain * line + found.constant, 0), "k", label="gain * intensity + constant")
    left.set(xlabel="intensity", ylabel="variance of the noise", title=f"sigma {found.sigma:.3g}")
    left.legend()
    lags = np.arange(len(found.lags_x) + 1)
    right.plot(lags, [1, *found.lags_x], "o-", label="along rows (x)")
    right.plot(lags, [1, *found.lags_y], "s-", label="along columns (y)")
    right.axhline(0, color="grey", linewidth=0.8)
    right.set(xlabel="distance in pixels", ylabel="correlation", title="correlation of the noise", ylim=(-0.3, 1.05))
    right.legend()
    if report.correlation is not None:
        _draw_map(figure, rest[0], report.correlation, None if report.advice is None else report.advice.hole)
    if marked:
        _draw_places(rest[-1], marked)
    with atomic_output(path, overwrite=True) as partial:
        figure.savefig(partial, format=path.suffix.lstrip(".") or "png", dpi=120)


def _draw_map(figure: Any, axes: Any, correlation: NoiseCorrelation, advice: HoleAdvice | None) -> None:
    """Correlation over the distance in both directions, and the edges of the holes."""
    edge = REACH + 0.5
    shown = axes.imshow(correlation.values, cmap="RdBu_r", vmin=-1, vmax=1, extent=(-edge, edge, edge, -edge))
    figure.colorbar(shown, ax=axes, label="correlation")
    holes = [] if advice is None else [("training", advice.train, "-"), ("denoising", advice.use, "--")]
    for name, hole, style in holes:
        # Each pixel is drawn as many, so that the contour follows the edges of the pixels.
        mask = np.kron(hole.mask(REACH).numpy(), np.ones((8, 8)))
        places = (np.arange(len(mask)) + 0.5) / 8 - edge
        axes.contour(places, places, mask, levels=[0.5], colors="black", linestyles=style)
        axes.plot([], [], "k" + style, label=f"{name}: {hole}")
    axes.set(xlabel="columns apart", ylabel="rows apart", title="correlation in all directions")
    if holes:
        axes.legend(fontsize="small", loc="upper right")


def _draw_places(axes: Any, files: Sequence[InspectedFile]) -> None:
    """Mark the outliers of files, each file in a colour of its own; only the first few are named."""
    for index, entry in enumerate(files):
        label = f"{entry.name}: {entry.outliers}" if index < _NAMED else None
        axes.scatter([p.column for p in entry.places], [p.row for p in entry.places], s=14, marker="x", label=label)
    height, width = (max(entry.size[axis] for entry in files) for axis in (0, 1))
    count = sum(entry.outliers for entry in files)
    axes.set(
        xlim=(0, width), ylim=(height, 0), xlabel="column", ylabel="row", title=f"outliers: {count}", aspect="equal"
    )
    axes.legend(fontsize="small")
