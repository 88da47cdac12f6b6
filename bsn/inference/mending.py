"""The first and the last stage: what is missing or stands out is put aside before the network, and given back after it.

A network spreads a missing pixel, or a single pixel far from everything around it, over its surroundings, and it moves what is
measured of the noise. So the network sees the surroundings in its place. A missing pixel is missing in the result; an
outlier (hot pixel, cosmic ray, point-like star) is given back as it was, or stays repaired.

Bright spots of several pixels, such as stars, are part of the picture. But a network for photographs has never seen a picture
that is nothing but a dark sky and a few spots of full brightness: its error grows everywhere around them. For such networks
what a spot has beyond a limit is cut off before and added after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bsn.data import fill_missing
from bsn.inference.measuring import measured_places
from bsn.inference.position_noise import position_uniform
from bsn.models import OutlierTreatment
from bsn.noise.local_noise import LocalNoise, measure_local_noise, medians
from bsn.noise.outliers import find_outliers, repair_outliers
from bsn.noise.squares import each_channel, over_squares

__all__ = ["MARGIN", "MendedPlane", "PlaneReader"]

MARGIN = 16
"""Pixels around a region that are looked at, too: the search for outliers reaches no farther."""


@dataclass(frozen=True)
class SpotSettings:
    """When a bright spot is cut off; chosen on synthetic star fields, which no table of results scores.

    Parameters
    ----------
    deviations : float
        Height over the surroundings, in standard deviations of the noise, that is left. Tried from 5 to 40: up to 20 the error
        far from the stars is what it is without them.
    spreads : float
        The same in robust standard deviations of the plane: photographs, whose spread is large, are left alone.
    surroundings : int
        Side of the square whose median is the surroundings; spots that fill half of it are picture.
    """

    deviations: float = 10.0
    spreads: float = 5.0
    surroundings: int = 15


SPOTS = SpotSettings()

Pixels = Callable[[int, int, int, int], np.ndarray]
_FILL = 0x4E614E  # names the random image of the noise in holes
_AT_ONCE = 1 << 14  # places whose surroundings are held in memory together
_ENOUGH = 1 << 16  # values of a plane whose spread is measured
_NEARLY = 1 - 1e-6  # no number farther out than five standard deviations


def _released(top: int, left: int, height: int, width: int) -> np.ndarray:
    raise AssertionError("the pixels of this plane were let go of")


class PlaneReader(Protocol):
    """Regions as networks take them, and what is given back after them: a plane, or one with its neighbours."""

    def __call__(self, top: int, left: int, height: int, width: int) -> Tensor: ...  # noqa: D102

    def give_back(self, top: int, image: np.ndarray, deviation: np.ndarray | None) -> None:
        """Put what was put aside into finished rows, see :meth:`MendedPlane.give_back`.

        Parameters
        ----------
        top : int
            First row.
        image, deviation : ndarray, shape (C, h, W)
            Changed in place.
        """
        ...


class MendedPlane:
    """A plane as networks can take it, see the module.

    Parameters
    ----------
    pixels : callable
        ``pixels(top, left, height, width)`` gives a region, shape (C, h, w), float32, image values; NaN and infinite where
        missing.
    size : tuple of int
        (H, W) of the plane.
    device : torch.device
        Where the network computes.
    outliers : {"keep", "repair", "ignore"}
        "ignore" does not look for them.
    grey_level : float
        Distance of two values of the image's dtype, in image values; 0 for floats.
    spots : bool
        Cut bright spots off, and add them again.
    noisy_fill : bool
        Give what is filled into broad holes the noise of the image. A network that sees its pixel judges by the surroundings
        how strong the noise is, and would leave it beside a smooth hole. A blind network needs no such guess.
    """

    def __init__(
        self,
        pixels: Pixels,
        size: tuple[int, int],
        device: torch.device,
        outliers: OutlierTreatment,
        grey_level: float,
        *,
        spots: bool = False,
        noisy_fill: bool = False,
    ) -> None:
        self.size, self._pixels, self._device, self._outliers = size, pixels, device, outliers
        self._aside: list[tuple[np.ndarray, np.ndarray]] = []  # places (K, 3) as channel, row, column; values (K,)
        self._cut: list[tuple[np.ndarray, np.ndarray]] = []
        self._spots = spots and outliers != "ignore"
        self._spread: list[float] = []
        self._grey_level, self._noisy_fill = grey_level, noisy_fill
        self._noise = [] if outliers == "ignore" else self._measured()

    def __call__(self, top: int, left: int, height: int, width: int) -> Tensor:
        """Read a region without what is put aside, shape (1, C, h, w), on the device."""
        first_row, first_column = max(top - MARGIN, 0), max(left - MARGIN, 0)
        last_row, last_column = min(top + height + MARGIN, self.size[0]), min(left + width + MARGIN, self.size[1])
        seen = self._pixels(first_row, first_column, last_row - first_row, last_column - first_column)
        mended, aside = self._mend(seen, first_row, first_column)
        rows, columns = slice(top - first_row, None), slice(left - first_column, None)
        inside = (slice(None), rows, columns)
        aside, original = aside[inside][:, :height, :width], seen[inside][:, :height, :width]
        if aside.any():
            self._aside.append((np.add(np.argwhere(aside), (0, top, left)), original[aside]))
        region = np.ascontiguousarray(mended[inside][:, :height, :width])
        if self._spots:
            region = self._without_spots(mended, inside, region, (0, top, left))
        return torch.from_numpy(region)[None].to(self._device)

    def missing(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Tell which pixels of a region are missing, see :class:`bsn.inference.measuring.HasMissing`.

        Parameters
        ----------
        top, left : int
            First row and column of the region.
        height, width : int
            Size of the region.

        Returns
        -------
        ndarray of bool, shape (C, height, width)
        """
        holes: np.ndarray = ~np.isfinite(self._pixels(top, left, height, width))
        return holes

    def give_back(self, top: int, image: np.ndarray, deviation: np.ndarray | None) -> None:
        """Put what was put aside into finished rows, in place.

        Parameters
        ----------
        top : int
            First row. Bands come from top to bottom.
        image, deviation : ndarray, shape (C, h, W)
            The result is what it was at these pixels; its deviation is NaN where pixels are missing.
        """
        bottom, later = top + image.shape[1], []
        self._cut = self._add_spots(top, image)
        for places, values in self._aside:
            due = (places[:, 1] >= top) & (places[:, 1] < bottom)
            channels, rows, columns = np.subtract(places[due], (0, top, 0)).T
            missing = ~np.isfinite(values[due])
            given = np.ones_like(missing) if self._outliers == "keep" else missing
            at = (channels[given], rows[given], columns[given])
            image[at] = np.where(missing, np.nan, values[due])[given]
            if deviation is not None:
                deviation[channels[missing], rows[missing], columns[missing]] = np.nan
            rest = places[:, 1] >= bottom
            if rest.any():
                later.append((places[rest], values[rest]))
        self._aside = later

    def release(self) -> None:
        """Let go of the pixels, once all of them were read; what was put aside is kept."""
        self._pixels = _released

    def _without_spots(
        self, mended: np.ndarray, inside: tuple[slice, ...], region: np.ndarray, origin: tuple[int, int, int]
    ) -> np.ndarray:
        """Cut off what stands out of a region; `mended` shows its surroundings, too."""
        lowest = [SPOTS.spreads * spread for spread in self._spread]
        if all(float(np.ptp(channel)) <= least for channel, least in zip(mended, lowest, strict=True)):
            return region
        height, width = region.shape[1:]
        whole = each_channel(_over_surroundings, mended, self._noise, lowest)
        excess = np.stack([channel[inside[1:]][:height, :width] for channel in whole])
        found = excess > 0
        if found.any():
            self._cut.append((np.add(np.argwhere(found), origin), excess[found]))
        return region - excess

    def _add_spots(self, top: int, image: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Add what was cut off to finished rows; gives what is left for later rows."""
        later, whole = [], np.zeros_like(image)
        for places, excess in self._cut:
            due = (places[:, 1] >= top) & (places[:, 1] < top + image.shape[1])
            channels, rows, columns = np.subtract(places[due], (0, top, 0)).T
            whole[channels, rows, columns] = excess[due]  # regions overlap and agree
            rest = places[:, 1] >= top + image.shape[1]
            if rest.any():
                later.append((places[rest], excess[rest]))
        image += whole
        return later

    def _mend(self, seen: np.ndarray, top: int, left: int) -> tuple[np.ndarray, np.ndarray]:
        """Pixels of a region without what is put aside, and the mask of that."""
        filled, missing = fill_missing(seen)
        if self._noisy_fill and missing.any():
            filled = self._with_noise(filled, missing, top, left)
        if self._outliers == "ignore":
            return filled, missing
        found = find_outliers(filled, noise=self._noise, missing=missing)
        return repair_outliers(filled, found), missing | found

    def _with_noise(self, filled: np.ndarray, missing: np.ndarray, top: int, left: int) -> np.ndarray:
        """Add noise where holes are broader than two pixels; the same to a pixel in whatever region it is seen."""
        from scipy.ndimage import binary_opening

        self._noise = self._noise or self._measured()
        uniform = position_uniform((_FILL,), len(filled), top, left, *filled.shape[1:])[0]
        normal = (2**0.5 * torch.erfinv((2 * uniform - 1).clamp(-_NEARLY, _NEARLY))).numpy()
        noisy = filled.copy()
        for plane, holes, noise, drawn in zip(noisy, missing, self._noise, normal, strict=True):
            broad = binary_opening(holes, np.ones((3, 3)))
            plane[broad] += np.sqrt(noise.variance(plane[broad])) * drawn[broad]
        return noisy

    def _measured(self) -> list[LocalNoise]:
        """Noise of each channel, of the whole plane, so that tiles agree on what stands out."""
        parts = [fill_missing(self._pixels(*place)) for place in measured_places(self.size)]
        planes, missing = (np.concatenate(part, 1) for part in zip(*parts, strict=True))
        if self._spots:
            self._spread = each_channel(lambda plane, holes: _spread(plane[~holes]), planes, missing)
        return each_channel(lambda plane, holes: measure_local_noise(plane, self._grey_level, holes), planes, missing)


def _over_surroundings(plane: np.ndarray, noise: LocalNoise, lowest: float) -> np.ndarray:
    """What stands out of the median of the surroundings by more than the noise and `lowest`, float32, same shape."""
    side = SPOTS.surroundings
    excess = np.zeros(plane.shape, np.float32)
    # The median is not below the least of the surroundings, so few places of most images need it.
    rows, columns = np.nonzero(plane - over_squares(plane, np.minimum, side) > lowest)
    squares = np.lib.stride_tricks.sliding_window_view(np.pad(plane, side // 2, mode="edge"), (side, side))
    for start in range(0, len(rows), _AT_ONCE):
        at = rows[start : start + _AT_ONCE], columns[start : start + _AT_ONCE]
        middle = medians(squares[at])
        height = np.maximum(SPOTS.deviations * np.sqrt(noise.variance_of_light(middle)), lowest)
        excess[at] = np.maximum(plane[at] - middle - height, 0)
    return excess


def _spread(values: np.ndarray) -> float:
    """Robust standard deviation, of as many values as are needed to be right to a hundredth; 0 where there are none."""
    values = values[:: values.size // _ENOUGH | 1]  # an odd step meets all columns
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) if values.size else 0.0
