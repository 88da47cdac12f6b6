"""A plane of an image, and of its result, as people look at them: in the units of the image, on one range of grey."""

import dataclasses
import functools
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsn.data.arrays.pixel_types import unit_span
from bsn.data.errors import DataError
from bsn.data.files.formats.developing import develop, developable
from bsn.data.files.formats.mosaic import Mosaic
from bsn.data.files.options import ReadOptions
from bsn.data.files.regions import open_image
from bsn.data.sources.samples import middle

_DEVELOPED_BITS, _HIGHEST = 16, 65535.0
_STRIP = 1 << 24  # pixels that are read together
_SHARE = 0.001  # of the pixels at either end may be shown as black or white


@dataclass(frozen=True, eq=False)
class Shown:
    """A plane, or the middle part of a large one, before and after.

    Parameters
    ----------
    noisy : ndarray, shape (C, H, W), float32
        Image values: [0, 1] for integer images.
    denoised : ndarray, shape (C, H, W), float32, or None
        The same part of the result, on the same scale whatever its pixel type; None where there is no result.
    plane, planes : int
        Number of the plane, and how many the file has.
    size : tuple of int
        Rows and columns of the whole plane.
    top, left : int
        First row and column of the part.
    factor : int
        Side of the squares of pixels that became one by their mean; 1 where every pixel is shown.
    eight_bits : bool
        Whether the pixels have eight bits and no stated range, or are those of a developed raw photograph, so that black and
        white are known.
    units : float
        Values of the file per image value.
    """

    noisy: np.ndarray
    denoised: np.ndarray | None
    plane: int
    planes: int
    size: tuple[int, int]
    top: int
    left: int
    factor: int
    eight_bits: bool
    units: float

    @property
    def whole(self) -> bool:
        """Whether all of the plane is shown, reduced or not."""
        return self.factor > 1 or self.noisy.shape[-2:] == self.size

    @property
    def display_range(self) -> tuple[float, float]:
        """Values shown as black and white: those of the type for 8 bits, otherwise nearly all values of the result."""
        if self.eight_bits:
            return 0.0, 1.0
        image = self.noisy if self.denoised is None else self.denoised
        finite = image[np.isfinite(image)]
        if not finite.size:
            return 0.0, 1.0
        low, high = (float(value) for value in np.quantile(finite, (_SHARE, 1 - _SHARE)))
        return low, high if high > low else low + 1.0


@dataclass(frozen=True)
class _View:
    """Which part of a plane is shown, or all of it reduced."""

    most: int
    around: tuple[int, int] | None
    reduced: bool

    def factor(self, size: tuple[int, int]) -> int:
        return -(-max(size) // self.most) if self.reduced else 1

    def corner(self, size: tuple[int, int]) -> tuple[int, int]:
        return self.box(size)[:2]

    def box(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """All of a plane that is reduced; else at most a side, around a pixel as far as the plane reaches."""
        if self.factor(size) > 1:
            return 0, 0, *size
        box = middle(size, self.most)
        if self.around is None:
            return box
        top, left = (
            max(0, min(centre - side // 2, whole - side))
            for centre, side, whole in zip(self.around, box[2:], size, strict=True)
        )
        return top, left, *box[2:]

    def of(self, read: Callable[..., np.ndarray], size: tuple[int, int]) -> np.ndarray:
        """What is shown; where it is reduced, read in strips so that no more of it is in memory than is shown."""
        top, left, height, width = self.box(size)
        factor = self.factor(size)
        if factor == 1:
            return read(top, left, height, width)
        rows, columns = height // factor, width // factor
        strips = []
        step = max(1, _STRIP // (factor * factor * columns))
        for row in range(0, rows, step):
            count = min(step, rows - row)
            strip = read(row * factor, 0, count * factor, columns * factor)
            strips.append(strip.reshape(len(strip), count, factor, columns, factor).mean((2, 4), dtype=np.float32))
        return np.concatenate(strips, 1)


def read_shown(
    source: str | Path,
    result: str | Path | None,
    options: ReadOptions | None = None,
    *,
    most: int,
    plane: int | None = None,
    around: tuple[int, int] | None = None,
    reduced: bool = False,
) -> Shown:
    """Read a plane of a file and of its result.

    Parameters
    ----------
    source : str or Path
        The noisy file.
    result : str, Path or None
        Its result; None where there is none yet.
    options : ReadOptions, optional
        How the source is read.
    most : int
        Largest side in pixels; of larger planes a part is read, or all of it is reduced.
    plane : int, optional
        Number of the plane; the middle one by default.
    around : tuple of int, optional
        Row and column in the middle of the part; those of the plane by default.
    reduced : bool
        Show all of a plane that is larger, by means over squares of pixels; rows and columns beyond the last whole square are
        left out.

    Returns
    -------
    Shown
        Mosaics are developed, and so are their results.

    Raises
    ------
    DataError
        A file cannot be read, the two differ in size, or there is no such plane.
    """
    chosen, view = options or ReadOptions(), _View(most, around, reduced)
    with open_image(source, chosen) as before:
        facts = developable(before.metadata, before.dtype)
        if facts is not None:
            return _developed(facts, before.read_plane(0), result, view)
        number = before.planes // 2 if plane is None else plane
        noisy = view.of(functools.partial(before.read_unit, number), before.size)
        limits = chosen.value_range
        span = unit_span(before.dtype, limits)
        eight_bits = before.dtype == np.uint8 and limits is None
        denoised = None
        if result is not None:
            low = limits[0] if limits else 0.0
            with open_image(result, dataclasses.replace(chosen, axes=before.axes)) as after:

                def in_units_of_source(*part: int) -> np.ndarray:
                    """Of the source, whatever the type of the result."""
                    pixels = np.asarray(after.read(number, *part), np.float64)
                    return ((pixels - low) / span).astype(np.float32)

                denoised = view.of(in_units_of_source, before.size)
        place = (before.size, *view.corner(before.size), view.factor(before.size))
        return Shown(noisy, denoised, number, before.planes, *place, eight_bits, span)


def _developed(facts: Mosaic, planes: np.ndarray, result: str | Path | None, view: _View) -> Shown:
    """A mosaic and its result as pictures: nobody looks at half-size planes."""
    before = develop(facts, planes, _DEVELOPED_BITS, str(facts.path))
    pictures = [before]
    if result is not None:
        with open_image(result) as after:
            found = developable(after.metadata, after.dtype)
            pixels = after.read_plane(0)
        if found is None:
            pictures.append(np.moveaxis(pixels, 0, -1).astype(np.float64) * (_HIGHEST / unit_span(pixels.dtype)))
        else:
            pictures.append(develop(found, pixels, _DEVELOPED_BITS, str(result)))
        if pictures[1].shape != before.shape:
            shapes = " and ".join(" x ".join(map(str, picture.shape)) for picture in pictures)
            raise DataError(f"{facts.path} and {result}", f"their pictures have {shapes} values", "name its own result")
    size = (before.shape[0], before.shape[1])
    parts = [view.of(functools.partial(_part_of_picture, picture), size) for picture in pictures]
    place = (size, *view.corner(size), view.factor(size))
    return Shown(parts[0], parts[1] if result is not None else None, 0, 1, *place, facts.levels is not None, _HIGHEST)


def _part_of_picture(picture: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    part = picture[top : top + height, left : left + width]
    return np.moveaxis(part, -1, 0).astype(np.float32) / np.float32(_HIGHEST)


def encode_png(image: NDArray[np.floating]) -> bytes:
    """PNG of a picture.

    Parameters
    ----------
    image : ndarray, shape (C, H, W) with C 1 or 3, or (H, W), float, range [0, 1]
        Values outside are clipped. Of other numbers of channels the first is shown.

    Returns
    -------
    bytes
    """
    from PIL import Image

    pixels = np.asarray(image, np.float64)
    if pixels.ndim == 3:
        pixels = np.moveaxis(pixels, 0, -1) if pixels.shape[0] == 3 else pixels[0]
    stored = io.BytesIO()
    Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)).save(stored, "PNG")
    return stored.getvalue()
