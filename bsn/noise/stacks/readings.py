"""All that is measured on one stack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.data import DataError, fill_missing
from bsn.noise.stacks.between import FrameCorrelation, correlation_between
from bsn.noise.stacks.blocks import SIDE
from bsn.noise.stacks.faults import (
    EqualPixels,
    equal_pixels,
    fixed_pattern,
    frame_energies,
    line_noise,
    mean_changes,
    row_parity,
)
from bsn.noise.stacks.motion import moving_share, shift_per_frame
from bsn.noise.stacks.within import FrameNoise, noise_within

__all__ = ["StackReadings", "measure_stack"]

_WORTH_LAGS = 3


@dataclass(frozen=True)
class StackReadings:
    """Noise of a stack, in image values.

    Parameters
    ----------
    frames : int
        Frames that were looked at.
    between : FrameCorrelation
        Correlation of the noise from frame to frame.
    within : FrameNoise
        Strength and correlation of the noise inside frames.
    pattern : float
        Share of a pattern that all frames have in the variance of the noise.
    equal : EqualPixels
        Pixels that do not change to the next frame.
    rows, columns : float
        Noise of whole lines: 1 without.
    parity : float
        Even against odd rows: 1 where they are alike.
    energies : float
        Noise of the noisiest frame over that of the quietest.
    drift, flicker : float
        Change of the mean over the stack, and from frame to frame, relative to the mean.
    worth : tuple of float
        s(1), s(2), s(3): share of the variance of the picture that a frame so far away tells, in [0, 1].
    shift : float
        Pixels by which the whole picture shifts from frame to frame.
    moving : float
        Share of the picture that changes from frame to frame, whether it shifts or objects move.
    """

    frames: int
    between: FrameCorrelation
    within: FrameNoise
    pattern: float
    equal: EqualPixels
    rows: float
    columns: float
    parity: float
    energies: float
    drift: float
    flicker: float
    worth: tuple[float, ...]
    shift: float = 0.0
    moving: float = 0.0


def measure_stack(frames: np.ndarray, *, grey_level: float = 0.0) -> StackReadings:
    """Measure a stack.

    Parameters
    ----------
    frames : ndarray, shape (T, C, H, W), float
        Two frames or more that follow each other, of 32 x 32 pixels or more. Missing values are not finite.
    grey_level : float
        Distance of two values of the file; 0 for floats.

    Returns
    -------
    StackReadings

    Raises
    ------
    DataError
        For fewer frames or smaller ones.

    Notes
    -----
    What the estimators are and where they fail: static texture is told from correlated noise by what is left three and more
    frames apart, and by a straight line, since texture that moves slowly looks correlated to the first way alone.
    """
    if frames.ndim != 4 or len(frames) < 2 or min(frames.shape[-2:]) < 2 * SIDE:
        raise DataError(
            f"a stack of shape {frames.shape}",
            "its frames cannot be compared",
            f"give two frames or more of {2 * SIDE} x {2 * SIDE} pixels or more, as (T, C, H, W)",
        )
    frames = np.stack([fill_missing(frame)[0] for frame in frames]).astype(np.float64)
    within = noise_within(frames)
    return StackReadings(
        len(frames),
        correlation_between(frames),
        within,
        fixed_pattern(frames, within.sigma),
        equal_pixels(frames, within.sigma, grey_level),
        *line_noise(frames),
        row_parity(frames),
        frame_energies(frames),
        *mean_changes(frames),
        _worth(frames, within.sigma),
        shift_per_frame(frames, within.sigma),
        moving_share(frames),
    )


def _worth(frames: np.ndarray, sigma: float) -> tuple[float, ...]:
    signal = float(frames.var((1, 2, 3)).mean()) - sigma**2
    found = []
    for lag in range(1, min(_WORTH_LAGS, len(frames) - 1) + 1):
        change = frames[lag:] - frames[:-lag]
        new = float(change.var((1, 2, 3)).mean()) / 2 - sigma**2
        found.append(float(np.clip(1 - new / signal, 0, 1)) if signal > 0 else 1.0)
    return tuple(found)
