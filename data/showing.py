"""A plane of an image, and of its result, as people look at them: in the units of the image, on one range of grey."""

import dataclasses
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bsn.data.arrays.pixel_types import unit_span
from bsn.data.errors import DataError
from bsn.data.files.formats.developing import develop
from bsn.data.files.formats.mosaic import Mosaic, mosaic_in
from bsn.data.files.options import ReadOptions
from bsn.data.files.regions import open_image
from bsn.data.sources.samples import middle

_DEVELOPED_BITS, _HIGHEST = 16, 65535.0
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
    whole : bool
        Whether all of the plane is shown.
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
    whole: bool
    eight_bits: bool
    units: float

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


def read_shown(
    source: str | Path,
    result: str | Path | None,
    options: ReadOptions | None = None,
    *,
    most: int,
    plane: int | None = None,
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
        Largest side in pixels; of larger planes the middle is read.
    plane : int, optional
        Number of the plane; the middle one by default.

    Returns
    -------
    Shown
        Mosaics are developed, and so are their results.

    Raises
    ------
    DataError
        A file cannot be read, the two differ in size, or there is no such plane.
    """
    chosen = options or ReadOptions()
    with open_image(source, chosen) as before:
        facts = mosaic_in(before.metadata)
        if facts is not None and (facts.levels is not None or before.dtype == np.uint16):
            return _developed(facts, before.read_plane(0), result, most)
        number = before.planes // 2 if plane is None else plane
        box = middle(before.size, most)
        noisy = before.read_unit(number, *box)
        limits = chosen.value_range
        span = unit_span(before.dtype, limits)
        eight_bits = before.dtype == np.uint8 and limits is None
        denoised = None
        if result is not None:
            with open_image(result, dataclasses.replace(chosen, axes=before.axes)) as after:
                # In the units of the source, whatever the type of the result.
                pixels = np.asarray(after.read(number, *box), np.float64)
            denoised = ((pixels - (limits[0] if limits else 0)) / span).astype(np.float32)
        return Shown(noisy, denoised, number, before.planes, box[2:] == before.size, eight_bits, span)


def _developed(facts: Mosaic, planes: np.ndarray, result: str | Path | None, most: int) -> Shown:
    """A mosaic and its result as pictures: nobody looks at half-size planes."""
    before = develop(facts, planes, _DEVELOPED_BITS, str(facts.path))
    pictures = [before]
    if result is not None:
        with open_image(result) as after:
            found = mosaic_in(after.metadata)
            pixels = after.read_plane(0)
        if found is None:
            pictures.append(np.moveaxis(pixels, 0, -1).astype(np.float64) * (_HIGHEST / unit_span(pixels.dtype)))
        else:
            pictures.append(develop(found, pixels, _DEVELOPED_BITS, str(result)))
        if pictures[1].shape != before.shape:
            shapes = " and ".join(" x ".join(map(str, picture.shape)) for picture in pictures)
            raise DataError(f"{facts.path} and {result}", f"their pictures have {shapes} values", "name its own result")
    top, left, height, width = middle((before.shape[0], before.shape[1]), most)
    parts = [
        np.moveaxis(picture[top : top + height, left : left + width], -1, 0).astype(np.float32) / np.float32(_HIGHEST)
        for picture in pictures
    ]
    whole = (height, width) == before.shape[:2]
    return Shown(parts[0], parts[1] if result is not None else None, 0, 1, whole, facts.levels is not None, _HIGHEST)


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
