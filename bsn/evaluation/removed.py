"""What a denoiser removed: noise alone, or picture as well? Judged without a clean image.

A good denoiser removes less where the picture has structure, since it cannot tell the two apart there. What it removes at
edges and in textures is then not stronger than in flat places of the same brightness, which hold nothing but noise. Where it
is stronger, picture went with the noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["REMOVED", "Removed", "RemovedSettings", "examine_removed"]


@dataclass(frozen=True)
class RemovedSettings:
    """Constants of the comparison.

    Chosen on photographs of Kodak, McMaster and Set12 with white noise of 10, 25 and 50 grey levels. Taking away the very noise
    gives 0.91 to 1.04 at structure and up to 1.18 in the hardest part; the network ``photo-tiny`` 0.5 to 1.1 and up to 1.5, but
    for one picture of fine texture (1.4 and 1.8); a Gaussian blur of one pixel 1.2 and 1.3 (strong noise) to 18 and 15.

    Parameters
    ----------
    side : int
        Side of the blocks in pixels that are compared.
    smoothing : float
        Standard deviation, in pixels, of the Gaussian by which the removed part is smoothed first: noise becomes weaker,
        edges do not.
    flat : float
        Share of the blocks of each brightness that count as flat.
    structured : float
        Share of all blocks, those of the steepest slopes, that count as structured.
    bins : int
        Largest number of levels of brightness.
    fewest : int
        Blocks of a level, at least.
    usable : float
        Share of the pixels of a block that must not lie at an end of the range, where noise is cut off.
    part : int
        Side, in blocks, of the parts among which the hardest is searched for.
    most, most_there : float
        Energy removed in structured blocks, and in the hardest part, relative to flat blocks, from which picture is said to
        be removed.
    """

    side: int = 12
    smoothing: float = 0.7
    flat: float = 0.3
    structured: float = 0.1
    bins: int = 8
    fewest: int = 40
    usable: float = 0.6
    part: int = 4
    most: float = 1.2
    most_there: float = 1.6


REMOVED = RemovedSettings()


@dataclass(frozen=True)
class Removed:
    """What was removed from one image.

    Parameters
    ----------
    std : float
        Standard deviation of all that was removed, in image values.
    structured : float
        Mean square of what was removed at structure, smoothed, relative to flat places of the same brightness: 1 for noise,
        less where the denoiser is careful, more where it takes picture away. NaN where the image is too small or too flat to
        tell.
    place : tuple of int
        Row and column of the middle of the part where what was removed looks most like picture.
    there : float
        The same as `structured`, for this part.
    """

    std: float
    structured: float
    place: tuple[int, int]
    there: float

    @property
    def looks_like_picture(self) -> bool:
        """Whether more was removed at structure, or in one part, than noise explains."""
        return self.structured > REMOVED.most or self.there > REMOVED.most_there


def examine_removed(noisy: NDArray[np.floating], denoised: NDArray[np.floating]) -> Removed:
    """Compare what was removed at structure with what was removed in flat places.

    Parameters
    ----------
    noisy, denoised : ndarray, shape (C, H, W), float
        The image before and after. Pixels that are not finite are missing and count as unchanged.

    Returns
    -------
    Removed
    """
    present = np.isfinite(noisy) & np.isfinite(denoised)
    before, after = (np.where(present, image, 0).astype(np.float64) for image in (noisy, denoised))
    difference = before - after
    energy, brightness, slope, inner = _blocks(difference, after, _usable(before, present))
    relative = _relative(energy, brightness, slope, inner)
    steep = inner & (slope >= np.quantile(slope[inner], 1 - REMOVED.structured)) if inner.any() else inner
    structured = float(np.mean(relative[steep])) if steep.any() and np.isfinite(relative[steep]).all() else float("nan")
    place, there = _hardest(np.where(inner, relative, np.nan), noisy)
    return Removed(float(difference[present].std()) if present.any() else 0.0, structured, place, there)


def _usable(noisy: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels that are there and not at an end of the range, where noise is cut off, shape (H, W)."""
    low, high = noisy.min(), noisy.max()
    usable: NDArray[np.bool_] = (present & (noisy > low) & (noisy < high)).all(0)
    return usable


def _blocks(
    difference: NDArray[np.float64], after: NDArray[np.float64], usable: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Energy of what was removed, brightness and slope of the result, and whether it counts, of each block."""
    from scipy.ndimage import gaussian_filter1d

    smooth = gaussian_filter1d(gaussian_filter1d(difference, REMOVED.smoothing, axis=-1), REMOVED.smoothing, axis=-2)
    rows, columns = (
        np.gradient(after, axis=axis) if after.shape[axis] > 1 else np.zeros_like(after) for axis in (-2, -1)
    )
    inner = _mean_of_blocks(usable.astype(np.float64)) >= REMOVED.usable
    return (
        _mean_of_blocks((smooth**2).mean(0)),
        _mean_of_blocks(after.mean(0)),
        _mean_of_blocks((rows**2 + columns**2).mean(0)),
        inner,
    )


def _mean_of_blocks(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of whole blocks; of an image smaller than a block, that of all."""
    side = min(REMOVED.side, *plane.shape)
    height, width = (size // side for size in plane.shape)
    cut = plane[: height * side, : width * side]
    means: NDArray[np.float64] = cut.reshape(height, side, width, side).mean((1, 3))
    return means


def _relative(
    energy: NDArray[np.float64], brightness: NDArray[np.float64], slope: NDArray[np.float64], inner: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Energy of each block over that of flat blocks of the same brightness; NaN where there are too few of these."""
    count = int(inner.sum())
    bins = min(REMOVED.bins, count // REMOVED.fewest)
    if bins < 1:
        return np.full_like(energy, np.nan)
    ends = np.quantile(brightness[inner], np.linspace(0, 1, bins + 1))
    level = np.clip(np.searchsorted(ends, brightness, side="right") - 1, 0, bins - 1)
    middles, allowed = [], []
    for index in range(bins):
        members = inner & (level == index)
        if members.any():
            flat = members & (slope <= np.quantile(slope[members], REMOVED.flat))
            middles.append(brightness[flat].mean())
            allowed.append(energy[flat].mean())
    expected = np.interp(brightness, middles, allowed)
    return np.divide(energy, expected, out=np.full_like(energy, np.nan), where=expected > 0)


def _hardest(relative: NDArray[np.float64], image: NDArray[np.floating]) -> tuple[tuple[int, int], float]:
    """Middle of the part with the largest mean of what is removed relative to noise, and that mean."""
    height, width = image.shape[-2:]
    if not np.isfinite(relative).any():
        return (height // 2, width // 2), float("nan")
    side, part = min(REMOVED.side, height, width), min(REMOVED.part, *relative.shape)
    # Blocks that do not count are taken as noise.
    parts = np.lib.stride_tricks.sliding_window_view(np.nan_to_num(relative, nan=1.0), (part, part))
    means = parts.mean((2, 3))
    row, column = np.unravel_index(int(means.argmax()), means.shape)
    reach = part * side // 2
    return (int(row) * side + reach, int(column) * side + reach), float(means.max())
