"""Picture of measured noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bsn.data import DataError, atomic_output
from bsn.noise.report import NoiseReport

__all__ = ["plot_noise"]


def plot_noise(report: NoiseReport, path: Path) -> None:
    """Draw noise curve and autocorrelation of the set into a picture.

    Parameters
    ----------
    report : NoiseReport
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
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
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
    with atomic_output(path, overwrite=True) as partial:
        figure.savefig(partial, format=path.suffix.lstrip(".") or "png", dpi=120)
