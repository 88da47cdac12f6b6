"""Training images without outliers and missing pixels: the network sees their surroundings, and learns nothing from them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from typing_extensions import override

from bsn.data import ImageSource, fill_missing, read_target
from bsn.data.sources.wrapped_source import WrappedSource
from bsn.inference.measuring import measured_places
from bsn.inference.mending import MARGIN
from bsn.models import OutlierTreatment
from bsn.noise.judgement import grey_level_of
from bsn.noise.local_noise import LocalNoise, measure_local_noise
from bsn.noise.outliers import find_outliers, repair_outliers

__all__ = ["MendedSource"]

_BLOCK = 512  # side of the parts that are searched at once
_NOTHING = (np.empty(0, np.int64), np.empty(0, np.float32))
_MOST_HELD = 1 << 24  # mended pixels that are remembered


class MendedSource(WrappedSource):
    """A source whose outliers and missing pixels show what is around them.

    Where there are none, the pixels are those of the source to the bit. A part of an image is searched when a crop first needs
    it, and only what was found there is remembered.

    Parameters
    ----------
    source : ImageSource
        Noisy images; missing pixels are NaN or infinite. Their targets, if they have some, may have missing pixels, too.
    outliers : {"keep", "repair", "ignore"}
        "ignore" looks for missing pixels only. The others are the same here: what a denoiser makes of outliers differs.
    """

    def __init__(self, source: ImageSource, outliers: OutlierTreatment = "keep") -> None:
        super().__init__(source)
        self._grey_level = grey_level_of(source)
        self._searched = outliers != "ignore"
        options = getattr(source, "options", None)
        self._missing = source.dtype.kind == "f" and (options is None or options.nan == "keep")
        self._noise: dict[int, list[LocalNoise]] = {}
        # Of each block: flat places in (C, h, w) and the values that the network sees there.
        self._mended: dict[tuple[int, int, int], tuple[np.ndarray, np.ndarray]] = {}
        self._held = 0

    @override
    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region."""
        pixels = self._source.crop(index, top, left, height, width)
        for (channels, rows, columns), values in self._found(index, top, left, height, width):
            pixels[channels, rows, columns] = values
        return pixels

    @override
    def target(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray | None:
        """Read a region of the target, see :class:`bsn.data.PairedSource`."""
        target = read_target(self._source, index, top, left, height, width)
        return fill_missing(target)[0] if target is not None and self._missing else target

    @override
    def counted(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Tell which pixels of a region are neither missing nor outliers."""
        mask = np.ones((height, width), bool)
        if self._missing:
            target = read_target(self._source, index, top, left, height, width)
            if target is not None:
                mask = np.isfinite(target).reshape(-1, height, width).all(0)
        for (_, rows, columns), _ in self._found(index, top, left, height, width):
            mask[rows, columns] = False
        return mask

    def _found(
        self, index: int, top: int, left: int, height: int, width: int
    ) -> Iterator[tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]]:
        """Channels, rows and columns of the mended pixels of a region, counted in the region, and their values."""
        for row in range(top // _BLOCK, (top + height - 1) // _BLOCK + 1):
            for column in range(left // _BLOCK, (left + width - 1) // _BLOCK + 1):
                places, values = self._block(index, row, column)
                if not places.size:
                    continue
                channels, rows, columns = np.unravel_index(places, (self.channels, _BLOCK, _BLOCK))
                rows, columns = rows + row * _BLOCK - top, columns + column * _BLOCK - left
                inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
                yield (channels[inside], rows[inside], columns[inside]), values[inside]

    def _block(self, index: int, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
        key = (index, row, column)
        found = self._mended.get(key)
        if found is None:
            found = self._mended[key] = self._search(index, row * _BLOCK, column * _BLOCK)
            self._held += len(found[0])
            while self._held > _MOST_HELD and len(self._mended) > 1:
                self._held -= len(self._mended.pop(next(iter(self._mended)))[0])
        return found

    def _search(self, index: int, top: int, left: int) -> tuple[np.ndarray, np.ndarray]:
        """Search a block, with what is around it, and the noise of the whole image, so that blocks agree."""
        if not self._searched and not self._missing:
            return _NOTHING
        rows, columns = self._source.size(index)
        first = (max(top - MARGIN, 0), max(left - MARGIN, 0))
        last = (min(top + _BLOCK + MARGIN, rows), min(left + _BLOCK + MARGIN, columns))
        seen = self._source.crop(index, *first, last[0] - first[0], last[1] - first[1])
        filled, missing = fill_missing(seen)
        found = np.zeros_like(missing)
        if self._searched:
            found = find_outliers(filled, noise=self._noise_of(index), missing=missing)
        aside = missing | found
        if not aside.any():
            return _NOTHING
        mended = repair_outliers(filled, found)
        inside = (
            slice(None),
            slice(top - first[0], top - first[0] + _BLOCK),
            slice(left - first[1], left - first[1] + _BLOCK),
        )
        places = np.nonzero(aside[inside])
        return np.ravel_multi_index(places, (self.channels, _BLOCK, _BLOCK)), mended[inside][places]

    def _noise_of(self, index: int) -> list[LocalNoise]:
        if index not in self._noise:
            parts = [fill_missing(self._source.crop(index, *place)) for place in measured_places(self.size(index))]
            planes, missing = (np.concatenate(part, 1) for part in zip(*parts, strict=True))
            known = zip(planes, missing, strict=True)
            self._noise[index] = [measure_local_noise(plane, self._grey_level, holes) for plane, holes in known]
        return self._noise[index]
