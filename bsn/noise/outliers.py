"""Outliers: single pixels far from what their surroundings and the noise can explain.

Hot and dead pixels, cosmic rays and point-like stars are not noise of the kind that a denoiser expects: one of them moves the
mean and the spread of a whole image, and a network spreads it over its surroundings. A pixel counts as an outlier if

- it differs from the median of its surroundings by many standard deviations, of the noise at that intensity or of the
  structure around it, whichever is more, in units in which Poisson noise has a constant variance, so that single photons in
  the dark do not count;
- it stands alone, or in a small group of pixels; and
- the pixels around the group do not share its excess. Optics spread the image of a star over several pixels, so a star that is
  sampled as it should be has neighbours with a third of its height or more. An outlier has none.

Edges, texture and clipped areas fail the second or the third condition. Where more than a fiftieth of the pixels stand out
(salt and pepper, single photons), they are noise, and raise its standard deviation.

References: the third condition is the idea of van Dokkum, "Cosmic-Ray Rejection by Laplacian Edge Detection", PASP 113 (2001);
the stabilised units are those of Anscombe's root for Poisson-Gaussian noise (Starck, Murtagh, Bijaoui 1998).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.data import fill_missing
from bsn.noise.local_noise import LocalNoise, measure_local_noise, medians, windows
from bsn.noise.squares import each_channel, over_squares

__all__ = ["OUTLIERS", "OutlierSettings", "find_outliers", "repair_outliers"]


@dataclass(frozen=True)
class OutlierSettings:
    """Constants of the search.

    They follow from the shape of stars and from the tails of noise, and no others were scanned. They were checked on synthetic
    star fields, hot pixels and Poisson noise, and on twelve images of each set of photographs and micrographs, where they name
    at most five pixels of a million (dnd; none in polyu, cc15 and w2s). No score entered.

    Parameters
    ----------
    significance : float
        Least difference from the surroundings, in standard deviations.
    shared : float
        Largest share of the excess that a neighbour of the group may have. A star with a full width of
        1.5 pixels at half maximum has 0.13 or more, wherever its centre lies.
    allowance : float
        Standard deviations by which a neighbour may differ beside that.
    most_pixels : int
        Largest number of pixels of a group, which is one pixel thin: a hot pixel or a track.
    certain : float
        Standard deviations of the excess from which a square of 2 x 2 pixels counts, too. A star of this height that covers
        such a square has neighbours of its own that are significant.
    """

    significance: float = 10.0
    shared: float = 0.1
    allowance: float = 3.0
    most_pixels: int = 6
    certain: float = 100.0


OUTLIERS = OutlierSettings()


def find_outliers(
    planes: np.ndarray,
    *,
    grey_level: float = 0.0,
    noise: list[LocalNoise] | None = None,
    missing: np.ndarray | None = None,
) -> np.ndarray:
    """Find isolated outliers in an image, each channel by itself.

    Parameters
    ----------
    planes : ndarray, shape (C, H, W), float
        Finite values. Of the photographs without noise about one pixel of a million is named, in glints.
    grey_level : float
        Distance of two values of the original dtype (1/255, 1/65535); 0 for floats.
    noise : list of LocalNoise, optional
        One for each channel, of a larger part of the same image, so that its tiles agree; None measures these planes.
    missing : ndarray of bool, shape (C, H, W), optional
        Pixels that were filled from their surroundings. They are no outliers, and no noise is measured on them.

    Returns
    -------
    ndarray of bool, shape (C, H, W)

    Raises
    ------
    ValueError
        For planes of another shape.

    Examples
    --------
    >>> dark = np.random.default_rng(0).normal(100, 5, (1, 64, 64))
    >>> dark[0, 20, 30] = 4000
    >>> [list(map(int, place)) for place in np.argwhere(find_outliers(dark))]
    [[0, 20, 30]]
    """
    if planes.ndim != 3:
        raise ValueError(f"find_outliers: planes of shape {planes.shape}, not (C, H, W); give one image")
    holes = np.zeros(planes.shape, bool) if missing is None else missing
    levels = noise or each_channel(lambda plane, hole: measure_local_noise(plane, grey_level, hole), planes, holes)
    found = each_channel(_in_plane, planes, levels)
    return np.stack(found) & ~holes if found else holes


def _in_plane(plane: np.ndarray, noise: LocalNoise) -> np.ndarray:
    found = np.zeros(plane.shape, bool)
    for sign in (1, -1):
        found |= _on_one_side(plane, noise, sign)
    return found


def _on_one_side(plane: np.ndarray, noise: LocalNoise, sign: int) -> np.ndarray:
    """Outliers above (sign 1) or below (-1) their surroundings."""
    rows, columns = np.nonzero(_standing_out(sign * plane, OUTLIERS.significance * noise.smallest))
    excess, deviation, significance = _against_surroundings(plane, noise, rows, columns, sign)
    significant = significance > OUTLIERS.significance
    kept = (rows[significant], columns[significant])
    return _alone(plane, kept, excess[significant], deviation[significant], sign)


def _standing_out(plane: np.ndarray, least: float) -> np.ndarray:
    """Pixels above everything that is at least 5 x 5 pixels large: a quick look that leaves few places to look at closely."""
    opened = over_squares(over_squares(plane, np.minimum, _THIN), np.maximum, _THIN)
    standing: np.ndarray = plane - opened > least
    return standing


def _against_surroundings(
    plane: np.ndarray, noise: LocalNoise, rows: np.ndarray, columns: np.ndarray, sign: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Excess over the surroundings, their standard deviation, and the significance of the excess, at K places."""
    parts = [np.empty((0, 3))]
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        seen = windows(plane, rows[part], columns[part])
        middle = medians(seen[:, 1:-1, 1:-1])
        excess = plane[rows[part], columns[part]] - middle
        variance = noise.variance(middle)
        limit = OUTLIERS.significance * np.sqrt(variance)[:, None]
        ring = np.clip(seen[:, _RING] - middle[:, None], -limit, limit)  # another outlier there counts a little only
        structure = np.maximum(np.square(ring).mean(1), variance)
        stable = noise.stabilised(middle, excess) * np.sqrt(variance / structure)
        parts.append(np.stack([sign * excess, np.sqrt(structure), sign * stable], 1))
    excess, deviation, significance = np.concatenate(parts).T
    return excess, deviation, significance


def _middle(plane: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Median of the 5 x 5 pixels around places, shape (K,)."""
    return medians(windows(plane, rows, columns, 2))


def _alone(
    plane: np.ndarray, places: tuple[np.ndarray, np.ndarray], excess: np.ndarray, deviation: np.ndarray, sign: int
) -> np.ndarray:
    """Mask of the places that are thin groups of a few pixels whose neighbours do not share their excess."""
    from scipy import ndimage

    candidates = np.zeros(plane.shape, bool)
    if not len(places[0]):
        return candidates
    candidates[places] = True
    groups, count = ndimage.label(candidates, np.ones((3, 3)))
    of_place, numbers = groups[places], np.arange(1, count + 1)
    peak = ndimage.maximum(excess, of_place, numbers)
    spread = ndimage.maximum(deviation, of_place, numbers)
    around = np.where(candidates, 0, ndimage.grey_dilation(groups, (3, 3)))
    rim = np.nonzero(around)
    beside = ndimage.maximum(sign * (plane[rim] - _middle(plane, *rim)), around[rim], numbers)
    size = ndimage.sum(candidates, groups, numbers)
    sharp = beside <= OUTLIERS.shared * peak + OUTLIERS.allowance * spread
    squares = groups[:-1, :-1] * (candidates[:-1, 1:] & candidates[1:, :-1] & candidates[1:, 1:])
    thin = (size <= OUTLIERS.most_pixels) & ~np.isin(numbers, squares)
    block = (size <= 4) & (peak > OUTLIERS.certain * spread)
    mask: np.ndarray = np.concatenate([[False], sharp & (thin | block)])[groups]
    return mask


def repair_outliers(planes: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Replace pixels by what is around them.

    Parameters
    ----------
    planes : ndarray, shape (C, H, W), float
        Planes of an image.
    mask : ndarray of bool, shape (C, H, W)
        Pixels to replace, see :func:`find_outliers`.

    Returns
    -------
    ndarray, shape (C, H, W)
        A copy where something is replaced, else `planes` itself. The values are those of :func:`bsn.data.fill_missing`.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if planes.shape != mask.shape:
        raise ValueError(f"repair_outliers: planes of shape {planes.shape} and a mask of {mask.shape}; give equal ones")
    if not mask.any():
        return planes
    filled, _ = fill_missing(np.where(mask, np.nan, planes))
    return np.where(mask, filled, planes)


_AT_ONCE = 1 << 17  # places whose surroundings are held in memory together
_THIN = 5  # side of squares that no outlier fills, in pixels
_RING = np.ones((7, 7), bool)
_RING[2:5, 2:5] = False
