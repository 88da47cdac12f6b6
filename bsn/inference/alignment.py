"""Averages of a frame with its neighbours, each moved to where the frame has the same picture.

Neighbouring frames show nearly the same picture with other noise. What denoised versions of them tell of the motion brings the
noisy pixels of each neighbour to their places, by whole pixels, so that their noise stays white. An average with weights by how
well they fit has the same picture and less noise, which is an easier task for a denoiser. Matched averages over frames are an
idea of Maggioni et al., "Video denoising, deblocking, and enhancement through separable 4-D nonlocal spatiotemporal
transforms", IEEE TIP 21 (2012). The weights follow from the mean squared error of an average of frames that differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = [
    "ALIGNMENT",
    "AlignmentSettings",
    "PilotFrame",
    "aligned",
    "aligned_average",
    "displacements",
    "without_spikes",
]


@dataclass(frozen=True)
class AlignmentSettings:
    """How neighbours are moved and weighed.

    Chosen on three clips of seven frames, in which parts of free photographs move by 0 to 3 pixels a frame, with noise of 30
    and 12 of 255. Tried: windows of 9 to 21, margins of 0.015 to 0.1, trust of 0.5 to 8, surroundings of 5 and 9, reaches of
    5 and 7.

    Parameters
    ----------
    reach : int
        Largest displacement that is looked for, in pixels along rows and columns.
    window : int
        Side of the square whose picture is compared, in pixels.
    margin : float
        How much better than no displacement another one must be, in noise variances, so that noise does not move what stands
        still. A hundredth of it is added for each pixel of displacement.
    trust : float
        Weight of the squared difference between the denoised frames against the noise variance. Below 1, since a part of that
        difference is what the denoiser left in them.
    surroundings : int
        Side of the square over which that difference is averaged.
    noise_window : int
        Side of the square over which the noise variance is taken, from what the denoiser removed.
    spike : float
        Pixels that differ from the denoised frame by more standard deviations than this are left out of averages.
    """

    reach: int = 7
    window: int = 21
    margin: float = 0.05
    trust: float = 0.5
    surroundings: int = 5
    noise_window: int = 31
    spike: float = 5.0


ALIGNMENT = AlignmentSettings()


class PilotFrame(NamedTuple):
    """A noisy frame and a first denoised version of it.

    Attributes
    ----------
    noisy, denoised : ndarray, shape (C, H, W), float32
        Image values; missing pixels are not finite in `noisy`, and filled in `denoised`.
    """

    noisy: np.ndarray
    denoised: np.ndarray

    def noise_variance(self, settings: AlignmentSettings = ALIGNMENT) -> np.ndarray:
        """Noise variance around each pixel, from what the denoiser removed.

        Parameters
        ----------
        settings : AlignmentSettings
            Over what surroundings.

        Returns
        -------
        ndarray, shape (H, W), positive
        """
        from scipy.ndimage import uniform_filter

        removed = self.noisy - self.denoised
        squared = np.where(np.isfinite(removed), np.square(removed), 0).mean(0)
        return np.maximum(uniform_filter(squared, settings.noise_window, mode="mirror"), 1e-12)


def displacements(
    frame: np.ndarray, other: np.ndarray, noise: float, settings: AlignmentSettings = ALIGNMENT
) -> tuple[np.ndarray, np.ndarray]:
    """Where another frame shows the picture around each pixel of a frame.

    Parameters
    ----------
    frame, other : ndarray, shape (C, H, W), float32
        Denoised frames, finite.
    noise : float
        Variance of the noise that they had.
    settings : AlignmentSettings
        How far and over what surroundings the other frame is searched.

    Returns
    -------
    rows, columns : ndarray of int, shape (H, W)
        ``other`` at (y + rows, x + columns) is ``frame`` at (y, x); mirrored beyond the border.
    """
    from scipy.ndimage import uniform_filter

    reach, (height, width) = settings.reach, frame.shape[1:]
    padded = np.pad(other, ((0, 0), (reach, reach), (reach, reach)), mode="symmetric")

    def difference(dy: int, dx: int) -> np.ndarray:
        moved = padded[:, reach + dy : reach + dy + height, reach + dx : reach + dx + width]
        error: np.ndarray = uniform_filter(np.square(frame - moved).mean(0), settings.window, mode="mirror")
        return error

    best = difference(0, 0) - settings.margin * noise
    rows, columns = np.zeros((height, width), int), np.zeros((height, width), int)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if dy == 0 == dx:
                continue
            error = difference(dy, dx) + settings.margin * noise * (abs(dy) + abs(dx)) / 100
            better = error < best
            best[better], rows[better], columns[better] = error[better], dy, dx
    return rows, columns


def aligned(own: PilotFrame, other: PilotFrame, noise: float, settings: AlignmentSettings = ALIGNMENT) -> PilotFrame:
    """Move another frame to where a frame has the same picture.

    Parameters
    ----------
    own, other : PilotFrame
        The frame, and the one that is moved.
    noise : float
        Variance of the noise.
    settings : AlignmentSettings
        How far and over what surroundings the other frame is searched.

    Returns
    -------
    PilotFrame
        The other frame, noisy and denoised, moved by whole pixels.
    """
    rows, columns = displacements(own.denoised, other.denoised, noise, settings)
    return PilotFrame(*(_moved(image, rows, columns) for image in other))


def without_spikes(frame: PilotFrame, variance: np.ndarray, settings: AlignmentSettings = ALIGNMENT) -> np.ndarray:
    """Tell the pixels of a frame that are there and fit its denoised version.

    Parameters
    ----------
    frame : PilotFrame
        The frame.
    variance : ndarray, shape (H, W)
        Variance of the noise.
    settings : AlignmentSettings
        How far a pixel may be from the denoised one.

    Returns
    -------
    ndarray of bool, shape (C, H, W)
    """
    seen = np.isfinite(frame.noisy)
    difference = np.where(seen, frame.noisy - frame.denoised, 0)
    return seen & (np.square(difference) < settings.spike**2 * variance)


def aligned_average(
    own: PilotFrame, neighbours: Iterable[PilotFrame], settings: AlignmentSettings = ALIGNMENT
) -> np.ndarray:
    """Average of a noisy frame and its neighbours, moved to their places and weighed by how well they fit.

    A neighbour that differs by d from the frame, whose noise has the variance v, has the weight v / (v + c d^2), and the frame
    itself has 1.

    Parameters
    ----------
    own : PilotFrame
        The frame.
    neighbours : iterable of PilotFrame
        Other frames of its size.
    settings : AlignmentSettings
        How neighbours are moved and weighed.

    Returns
    -------
    ndarray, shape (C, H, W), float32
        Pixels of the frame that are missing, and spikes of it, stay as they are.
    """
    from scipy.ndimage import uniform_filter

    variance = own.noise_variance(settings)
    plain = without_spikes(own, variance, settings)
    total = np.where(np.isfinite(own.noisy), own.noisy, 0).astype(np.float64)
    weight = np.ones(own.noisy.shape)
    for other in neighbours:
        moved = aligned(own, other, float(variance.mean()), settings)
        misfit = uniform_filter(np.square(own.denoised - moved.denoised).mean(0), settings.surroundings, mode="mirror")
        seen = without_spikes(moved, variance, settings)
        share = np.where(seen, variance / (variance + settings.trust * misfit), 0)
        total += share * np.where(seen, moved.noisy, 0)
        weight += share
    return np.where(plain, total / weight, own.noisy).astype(np.float32)


def _moved(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Pixels of an image at the places that the displacements name, mirrored beyond the border."""
    height, width = rows.shape
    y, x = np.mgrid[:height, :width]
    return image[:, _mirrored(y + rows, height), _mirrored(x + columns, width)]


def _mirrored(index: np.ndarray, size: int) -> np.ndarray:
    folded = np.mod(index, 2 * size)
    return np.where(folded < size, folded, 2 * size - 1 - folded)
