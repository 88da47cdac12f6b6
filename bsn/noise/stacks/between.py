"""Correlation of the noise between frames, apart from what stands still in all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bsn.noise.stacks.blocks import as_blocks, quiet_blocks, second_differences

__all__ = ["FrameCorrelation", "correlation_between"]

_LAGS = 5
_PLATEAU_FROM = 3
_FEWEST_FRAMES = 5
_ERROR = 1.9  # standard error of a correlation, times the root of the number of values, measured on white noise


@dataclass(frozen=True)
class FrameCorrelation:
    """Correlation of the noise from frame to frame.

    Parameters
    ----------
    lags : tuple of float
        C(1), C(2) ...: correlation of the second differences of frames that far apart, picture that stands still included.
    plateau : float, optional
        What stays at all distances: picture and fixed patterns. None for fewer than five frames.
    correlation : float, optional
        rho(1) above the plateau. None where it cannot be told.
    linear : float, optional
        A second opinion, by a straight line through the distances 2 and 3, which slow motion does not deceive.
    error : float
        Standard error of a correlation.
    """

    lags: tuple[float, ...]
    plateau: float | None
    correlation: float | None
    linear: float | None
    error: float

    def correlated(self, limit: float) -> bool | None:
        """Whether the noise of neighbouring frames is correlated: only if both opinions say so.

        Parameters
        ----------
        limit : float
            Correlation that both have to exceed.

        Returns
        -------
        bool or None
            None where it cannot be told.
        """
        if self.correlation is None or self.linear is None or self.error > limit:
            return None
        return self.correlation > limit and self.linear > limit


def correlation_between(frames: np.ndarray) -> FrameCorrelation:
    """Measure on the blocks that hold least besides noise.

    Parameters
    ----------
    frames : ndarray, shape (T, C, H, W)
        Two frames or more.

    Returns
    -------
    FrameCorrelation
    """
    response = second_differences(frames)
    blocks = as_blocks(response)
    intensity = as_blocks(frames[..., 1:-1, 1:-1]).mean((0, 1, 3))
    chosen = quiet_blocks((blocks**2).mean((0, 1, 3)), intensity)
    r = blocks[:, :, chosen]
    energy = float((r**2).mean())
    if energy == 0:
        return FrameCorrelation((), None, None, None, math.inf)
    lags = tuple(float((r[:-lag] * r[lag:]).mean()) / energy for lag in range(1, min(_LAGS, len(frames) - 1) + 1))
    error = _ERROR / math.sqrt(r[1:].size)
    if len(frames) < _FEWEST_FRAMES:
        return FrameCorrelation(lags, None, None, None, error)
    plateau = float(np.median(lags[_PLATEAU_FROM - 1 :]))
    above = (lags[0] - plateau) / max(1 - plateau, 1e-9)
    line = (lags[0] - 2 * lags[1] + lags[2]) / max(1 - max(lags[1], 0.0), 1e-9)
    return FrameCorrelation(lags, plateau, above, line, error)
