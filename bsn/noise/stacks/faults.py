"""What spoils neighbouring frames besides correlated noise: fixed patterns, copies, lines, fields, unequal frames."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bsn.noise.stacks.blocks import SIDE, as_blocks, plane_removed, second_differences

__all__ = ["EqualPixels", "equal_pixels", "fixed_pattern", "frame_energies", "line_noise", "mean_changes", "row_parity"]

_FLATTEST = 0.1
_CELL = 4
_ROUNDED = 0.28  # share of equal pixels of two frames with rounded Gaussian noise, times its sigma in levels


@dataclass(frozen=True)
class EqualPixels:
    """Share of pixels that are the same in the next frame.

    Parameters
    ----------
    median, largest : float
        Over the pairs of frames. Pixels at the ends of the range do not count.
    expected : float
        For rounded noise; 0 for floats.
    """

    median: float
    largest: float
    expected: float


def equal_pixels(frames: np.ndarray, sigma: float, grey_level: float) -> EqualPixels:
    """Count pixels that do not change.

    Parameters
    ----------
    frames : ndarray, shape (T, C, H, W)
        Two frames or more.
    sigma : float
        Standard deviation of the noise, in the units of the frames.
    grey_level : float
        Distance of two values of the file; 0 for floats.

    Returns
    -------
    EqualPixels
    """
    inside = (frames > frames.min()) & (frames < frames.max())
    same = (frames[1:] == frames[:-1]) & inside[1:]
    counts = np.maximum(inside[1:].sum((1, 2, 3)), 1)
    shares = same.sum((1, 2, 3)) / counts
    expected = 0.0 if not grey_level else 1.0 if not sigma else min(1.0, _ROUNDED * grey_level / sigma)
    return EqualPixels(float(np.median(shares)), float(shares.max()), expected)


def fixed_pattern(frames: np.ndarray, sigma: float) -> float:
    """Share of a pattern that all frames have in the variance of noise and pattern.

    Pixels of their own are looked for where the picture is flattest, by the second differences that both halves of the frames
    share, which smooth texture hardly has; rows and columns of their own by the same differences of the means of whole lines.

    Parameters
    ----------
    frames : ndarray, shape (T, C, H, W)
        Two frames or more.
    sigma : float
        Standard deviation of the noise that differs from frame to frame.

    Returns
    -------
    float
        In [0, 1]; the finest texture that stands still counts, too, where there is no flat place.
    """
    halves = [frames[first::2].mean(0) for first in (0, 1)]
    even, odd = (as_blocks(second_differences(half)) for half in halves)
    flattest = _flattest(sum(halves)[..., 1:-1, 1:-1])
    pixels = max(float((even * odd)[:, flattest].mean()), 0.0)
    lines = sum(max(_shared_steps(*(half.mean(axis) for half in halves)), 0.0) for axis in (-1, -2))
    variance = pixels + lines
    total = variance + sigma**2
    return variance / total if total else 0.0


def _flattest(frame: np.ndarray) -> np.ndarray:
    """Numbers of the blocks with the least picture, by means of 4 x 4 pixels, in which single pixels hardly count."""
    blocks = plane_removed(as_blocks(frame))
    cells = SIDE // _CELL
    coarse = blocks.reshape(*blocks.shape[:-1], cells, _CELL, cells, _CELL).mean((-3, -1))
    energy = (coarse**2).mean((0, -2, -1))
    return np.argsort(energy, kind="stable")[: max(1, round(_FLATTEST * len(energy)))]


def _shared_steps(even: np.ndarray, odd: np.ndarray) -> float:
    """Variance of what the means of lines, shape (C, N), have in common from line to line; edges do not count."""
    first, second = (line[:, :-2] - 2 * line[:, 1:-1] + line[:, 2:] for line in (even, odd))
    product = first * second / 6
    return float(product[product <= np.quantile(product, 0.9)].mean()) if product.size else 0.0


def line_noise(frames: np.ndarray) -> tuple[float, float]:
    """Offsets that whole rows, or columns, have in each frame.

    Parameters
    ----------
    frames : ndarray, shape (T, C, H, W)
        Two frames or more.

    Returns
    -------
    rows, columns : float
        Variance of the differences of neighbouring lines, relative to that of white noise: 1 without line noise.
    """
    change = np.diff(frames, axis=0)
    variance = float(change.var())
    if variance == 0:
        return 1.0, 1.0
    found = []
    for axis in (-1, -2):
        steps = np.diff(change.mean(axis), axis=-1)
        # The median, so that a few edges that move do not count for lines.
        spread = float(np.median(steps**2)) / 0.455
        found.append(spread * change.shape[axis] / 2 / variance)
    return found[0], found[1]


def row_parity(frames: np.ndarray) -> float:
    """Energy of the second differences in even rows by that in odd rows, or the inverse: far from 1 for interlaced video.

    Parameters
    ----------
    frames : ndarray, shape (T, C, H, W)
        Frames.

    Returns
    -------
    float
        1 or more; infinite where every other row holds none.
    """
    r = second_differences(frames)
    even, odd = (float((r[:, :, first::2] ** 2).mean()) for first in (0, 1))
    small, large = sorted((even, odd))
    return 1.0 if not large else math.inf if not small else large / small


def frame_energies(frames: np.ndarray) -> float:
    """Energy of the second differences of a frame, largest over smallest: resampled or registered frames differ.

    Parameters
    ----------
    frames : ndarray, shape (T, C, H, W)
        Frames.

    Returns
    -------
    float
        1 or more.
    """
    energies = (second_differences(frames) ** 2).mean((1, 2, 3))
    largest = float(energies.max())
    return 1.0 if not largest else math.inf if not energies.min() else largest / float(energies.min())


def mean_changes(frames: np.ndarray) -> tuple[float, float]:
    """How the brightness of frames changes.

    Parameters
    ----------
    frames : ndarray, shape (T, C, H, W)
        Two frames or more.

    Returns
    -------
    drift : float
        From the first to the last frame along a straight line, relative to the mean.
    flicker : float
        Standard deviation from that line, relative to the mean.
    """
    means = frames.mean((1, 2, 3))
    level = abs(float(means.mean()))
    if level == 0 or len(means) < 2:
        return 0.0, 0.0
    time = np.linspace(-0.5, 0.5, len(means))
    slope = float((time * means).sum() / (time**2).sum())
    left = means - means.mean() - slope * time
    return slope / level, float(np.sqrt((left**2).sum() / max(len(means) - 2, 1))) / level
