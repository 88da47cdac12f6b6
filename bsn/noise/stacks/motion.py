"""How a picture moves from frame to frame."""

from __future__ import annotations

import numpy as np

from bsn.data.sources.samples import evenly
from bsn.noise.stacks.blocks import SIDE, as_blocks

__all__ = ["moving_share", "shift_per_frame"]

_LAG, _PAIRS = 3, 6
_BLUR, _WIDE = 1.5, 6.0  # pixels: structures between these are followed
_MOVES = 1.5
_PICTURE = 4.0  # times the variance of blurred noise, below which there is nothing to follow


def shift_per_frame(frames: np.ndarray, sigma: float) -> float:
    """Distance by which the whole picture shifts from frame to frame, by the maximum of the cross-correlation.

    Parameters
    ----------
    frames : ndarray, shape (T, C, H, W)
        Two frames or more.
    sigma : float
        Standard deviation of their noise.

    Returns
    -------
    float
        In pixels; the median of several pairs. 0 where there is hardly any picture.
    """
    from scipy.ndimage import gaussian_filter

    lag = min(_LAG, len(frames) - 1)
    height, width = frames.shape[-2:]
    window = np.hanning(height)[:, None] * np.hanning(width)  # or the edges, which stand still, would be followed

    def structures(frame: np.ndarray) -> np.ndarray:
        found: np.ndarray = gaussian_filter(frame, _BLUR) - gaussian_filter(frame, _WIDE)
        return found * window

    grey, found = frames.mean(1), []
    noise = sigma**2 / frames.shape[1] / (4 * np.pi * _BLUR**2) * float((window**2).mean())
    for first in evenly(len(grey) - lag, _PAIRS):
        pair = [structures(grey[t]) for t in (first, first + lag)]
        if min(float((part**2).mean()) for part in pair) <= _PICTURE * noise or not pair[0].any():
            continue
        found.append(_distance(*pair) / lag)
    return float(np.median(found)) if found else 0.0


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    """Distance of the maximum of the cross-correlation from the middle, by a parabola through it along each axis."""
    product = np.fft.rfft2(first) * np.conj(np.fft.rfft2(second))
    correlation = np.fft.irfft2(product, first.shape)
    peak = np.unravel_index(int(correlation.argmax()), correlation.shape)
    squares = 0.0
    for axis, at in enumerate(peak):
        line = np.take(np.moveaxis(correlation, axis, 0), [at - 1, at, at + 1], 0, mode="wrap")
        before, top, after = (float(part[peak[1 - axis]]) for part in line)
        bend = before - 2 * top + after
        beside = (before - after) / (2 * bend) if bend else 0.0
        length = correlation.shape[axis]
        squares += ((int(at) + length // 2) % length - length // 2 + beside) ** 2
    return float(np.sqrt(squares))


def moving_share(frames: np.ndarray) -> float:
    """Share of the picture in which something changes from frame to frame, be it a few objects or all of it.

    Parameters
    ----------
    frames : ndarray, shape (T, C, H, W)
        Two frames or more, of several blocks of 16 x 16 pixels.

    Returns
    -------
    float
        In [0, 1]: share of the blocks whose coarse structure changes by more than in the quietest tenth of them.
    """
    cells = SIDE // 4
    change = as_blocks(np.diff(frames, axis=0))
    coarse = change.reshape(*change.shape[:-1], cells, 4, cells, 4).mean((-3, -1))
    energy = coarse.var((-2, -1)).mean((0, 1))
    floor = float(np.quantile(energy, 0.1))
    return float((energy > _MOVES * floor).mean()) if floor else float((energy > 0).mean())
