"""What comes out of a denoiser: images with their deviation, finished rows, and reports on many files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from torch import Tensor

from bsn.data import ImageReader, PlaneIndex
from bsn.data.arrays.pixel_types import from_unit, to_unit, unit_span
from bsn.data.errors import name_some
from bsn.data.files.formats.mosaic import MOSAIC, Mosaic
from bsn.inference.bands import Band
from bsn.inference.explanation import Explanation
from bsn.inference.fitness import ImagePlanes, Remark
from bsn.inference.mending import PlaneReader
from bsn.inference.parts import Part

__all__ = ["ArrayPlanes", "Denoised", "FileReport", "FinishedRows", "joined", "unchanged_rows"]

_STRIP = 256

Kind = TypeVar("Kind", np.ndarray, Tensor)


class Denoised(NamedTuple, Generic[Kind]):
    """A result and how sure it is.

    Parameters
    ----------
    image : ndarray or Tensor
        The denoised image, of the kind, dtype, shape and range of the image that was given.
    deviation : ndarray or Tensor
        Standard deviation of each pixel, float32, of the same shape, in units of the image's own values.
    """

    image: Kind
    deviation: Kind


@dataclass
class FileReport:
    """What became of the files of a run: outputs by input, messages of those that failed, and what else is to be said.

    Parameters
    ----------
    done : dict of Path to Path
        Output by input.
    failed : dict of Path to str
        Message by input.
    remarks : dict of str to dict of Path to str
        What was found at each file, by subject ("values", "channels").
    explanations : dict of Path to list of Explanation
        What the results were chosen from, see :attr:`bsn.inference.Denoiser.explanations`.
    """

    done: dict[Path, Path] = field(default_factory=dict)
    failed: dict[Path, str] = field(default_factory=dict)
    remarks: dict[str, dict[Path, str]] = field(default_factory=dict)
    explanations: dict[Path, list[Explanation]] = field(default_factory=dict)

    def note(self, source: Path, remark: Remark) -> None:
        """Add a remark on a file; the first on each subject counts.

        Parameters
        ----------
        source : Path
            The file that the remark is about.
        remark : Remark
            Subject and text.
        """
        self.remarks.setdefault(remark.about, {}).setdefault(source, remark.text)

    def add(self, other: FileReport) -> None:
        """Take in the report on other files.

        Parameters
        ----------
        other : FileReport
            Report on files that this one does not know.
        """
        self.done |= other.done
        self.failed |= other.failed
        self.explanations |= other.explanations
        for about, found in other.remarks.items():
            self.remarks.setdefault(about, {}).update(found)

    def said(self) -> Iterator[str]:
        """One sentence for each subject, with the names of the files."""
        for about, found in self.remarks.items():
            text = next(iter(found.values()))
            more = f" (the first of {len(found)})" if len(found) > 1 and text != about else ""
            yield f"{name_some([path.name for path in found])}: {text}{more}"


@dataclass(frozen=True)
class FinishedRows:
    """Rows of all channels of a plane, float32 image values.

    Parameters
    ----------
    plane : int
        Number of the plane, from 0.
    rows : slice
        Rows of the plane that are finished.
    image, deviation : ndarray, shape (C, h, W)
        Denoised rows and, if it was asked for, their standard deviation.
    unchanged : bool
        They are those of the noisy image.
    """

    plane: int
    rows: slice
    image: np.ndarray
    deviation: np.ndarray | None
    unchanged: bool = False

    def put_back(self, image: ImagePlanes, strength: float) -> FinishedRows:
        """Put noise back, the same share everywhere.

        Parameters
        ----------
        image : ImagePlanes
            The noisy image.
        strength : float
            Share of what was removed that stays removed; from 1 on, nothing is put back.

        Returns
        -------
        FinishedRows
        """
        if strength >= 1:
            return self
        _, height, width = self.image.shape
        noisy = image.read_unit(self.plane, self.rows.start, 0, height, width)
        return dataclasses.replace(self, image=noisy + np.float32(strength) * (self.image - noisy))

    @classmethod
    def of(cls, plane: int, parts: Sequence[Band], mended: Sequence[PlaneReader]) -> FinishedRows:
        """Join the channels, and give back what was put aside in each.

        Parameters
        ----------
        plane : int
            Number of the plane, from 0.
        parts : sequence of Band
            Bands of the same rows, one per group of channels.
        mended : sequence of PlaneReader
            What was put aside before denoising, one per group of channels.

        Returns
        -------
        FinishedRows
        """
        images, deviations = [], []
        for band, source in zip(parts, mended, strict=True):
            image = band.image.numpy()
            deviation = None if band.deviation is None else band.deviation.numpy()
            source.give_back(band.top, image, deviation)
            images.append(image)
            deviations += [] if deviation is None else [deviation]
        rows = slice(parts[0].top, parts[0].top + images[0].shape[1])
        return cls(plane, rows, np.concatenate(images), np.concatenate(deviations) if deviations else None)

    def pixels(self, reader: ImageReader, dtype: np.dtype[Any]) -> list[np.ndarray]:
        """Image in `dtype`, and deviation in float32 if there is one, both in units of the file that was read.

        Parameters
        ----------
        reader : ImageReader
            Reader of the noisy file, which knows its type and range.
        dtype : numpy.dtype
            Type of the pixels of the result.

        Returns
        -------
        list of ndarray, shape (C, rows, W)
            The image and, if there is one, the deviation.
        """
        value_range = reader.options.value_range
        if self.unchanged and dtype == reader.dtype:
            _, height, width = self.image.shape
            return [reader.read(self.plane, self.rows.start, 0, height, width)]
        masked, unit = self._masked(reader), self.image
        if masked is not None:
            original = reader.read(self.plane, self.rows.start, 0, *self.image.shape[1:])
            unit = np.where(masked, to_unit(original, value_range), unit)
        image = from_unit(unit, dtype, value_range, of=reader.dtype)
        if masked is not None and dtype == reader.dtype:
            image[masked] = original[masked]
        if self.deviation is None:
            return [image]
        return [image, (self.deviation * unit_span(reader.dtype, value_range)).astype(np.float32)]

    def _masked(self, reader: ImageReader) -> np.ndarray | None:
        """Pixels that the file masks, which results have as they were."""
        _, height, width = self.image.shape
        return reader.masked(self.plane, self.rows.start, 0, height, width)


def unchanged_rows(image: ImagePlanes, part: Part | None = None) -> Iterator[FinishedRows]:
    """Rows of an image as they are.

    Parameters
    ----------
    image : ImagePlanes
        Read in strips.
    part : Part, optional
        Which rows of which planes; all where it is left out.

    Yields
    ------
    FinishedRows
    """
    height, width = image.size
    first, last = (0, height) if part is None else part.rows
    for plane in range(image.planes) if part is None else part.planes:
        for top in range(first, last, _STRIP):
            rows = slice(top, min(top + _STRIP, last))
            yield FinishedRows(
                plane, rows, image.read_unit(plane, top, 0, rows.stop - top, width), None, unchanged=True
            )


def joined(rows: Iterable[FinishedRows], like: np.ndarray) -> np.ndarray:
    """Put finished rows together.

    Parameters
    ----------
    rows : iterable of FinishedRows
        All rows of all planes.
    like : ndarray, shape (N, C, H, W)
        Planes of the same shape and type.

    Returns
    -------
    ndarray, shape (N, C, H, W)
    """
    result = np.empty_like(like)
    for finished in rows:
        result[finished.plane, :, finished.rows] = finished.image
    return result


class ArrayPlanes:
    """Planes of an array, read by regions like those of a file.

    Parameters
    ----------
    planes : ndarray, shape (N, C, H, W), float32
        Image values.
    dtype : numpy.dtype
        Type of the array before the conversion.
    stacked : PlaneIndex, optional
        Axes and shape of the array, where the meaning of the axes is known.
    mosaic : Mosaic, optional
        What is known of it, if it is the mosaic of a sensor.
    """

    def __init__(
        self,
        planes: np.ndarray,
        dtype: np.dtype[Any],
        stacked: PlaneIndex | None = None,
        mosaic: Mosaic | None = None,
    ) -> None:
        self._pixels, self.dtype, self.stacked = planes, dtype, stacked
        self.metadata: Mapping[str, Any] = {} if mosaic is None else {MOSAIC: mosaic}
        self.planes, self.channels = planes.shape[:2]
        self.size = (planes.shape[2], planes.shape[3])

    def read_unit(self, plane_index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Region (C, height, width) of a plane.

        Parameters
        ----------
        plane_index : int
            Number of the plane, from 0.
        top, left, height, width : int
            The region in pixels, inside the image.

        Returns
        -------
        ndarray, shape (C, height, width), float32
            Image values; integers are scaled to [0, 1].
        """
        return self._pixels[plane_index, :, top : top + height, left : left + width]
