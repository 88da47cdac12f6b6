"""Noise of a set of files, one by one and judged together, in bounded memory."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data import DataError, ImageReader, ImageSource, ReadOptions, fill_missing, open_image, open_source
from bsn.data.arrays.pixel_types import grey_level
from bsn.data.errors import refuse_several
from bsn.data.files.formats.mosaic import mosaic_in
from bsn.data.files.formats.packed import is_packed
from bsn.data.sources.samples import evenly, middle
from bsn.hole import Hole
from bsn.noise.advice import Advice
from bsn.noise.correlation_map import NoiseCorrelation
from bsn.noise.judgement import SAMPLE, grey_level_of, judge_noise, map_of
from bsn.noise.measurement import NoiseStatistics, measure_usable, usable
from bsn.noise.sensor import FoundSensor, find_sensor
from bsn.noise.stacks import MeasuredStack, judge_stacks

__all__ = ["REPORT", "InspectedFile", "NoiseReport", "Place", "ReportSettings", "inspect_files"]

#: Denoises an array with those axes.
DenoiseArray = Callable[[np.ndarray, str | None], np.ndarray]
#: Denoises an image (C, H, W).
DenoiseImage = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class ReportSettings:
    """How much of a file is looked at.

    Parameters
    ----------
    planes : int
        Largest number of planes of a stack that are read.
    side : int
        Largest side of the middle part of a plane that is looked at, in pixels.
    named : int
        Outliers of a file whose places are kept.
    cache : int
        Bytes of the files that are kept in memory.
    strip : int
        Bytes that are read together to find the range of a file.
    """

    planes: int = 4
    side: int = 1024
    named: int = 100
    cache: int = 1 << 28
    strip: int = 1 << 24


REPORT = ReportSettings()


@dataclass(frozen=True)
class Place:
    """A pixel of a file: number of the plane, row and column, counted from 0."""

    plane: int
    row: int
    column: int


@dataclass(frozen=True)
class InspectedFile:
    """One file: what it is, and its noise.

    Parameters
    ----------
    name, dtype, axes : str
        Name of the file, type of its pixels, and one letter per axis.
    size : tuple of int
        Rows and columns of a plane.
    channels : int
        Number of channels.
    smallest, largest : float
        Pixel values, as stored.
    statistics : NoiseStatistics, optional
        Statistics of the middle of a few planes; None where these are too small to be measured.
    outliers : int
        Pixels there in which a channel has an outlier, see :mod:`bsn.noise.outliers`.
    places : tuple of Place
        Where they are, at most the first hundred.
    sensor : FoundSensor, optional
        Noise of a mosaic, measured and as its file tells it; None for other images.
    """

    name: str
    dtype: str
    axes: str
    size: tuple[int, int]
    channels: int
    smallest: float
    largest: float
    statistics: NoiseStatistics | None
    outliers: int = 0
    places: tuple[Place, ...] = ()
    sensor: FoundSensor | None = None


@dataclass
class NoiseReport:
    """Files one by one, all together, and what to do.

    Parameters
    ----------
    files : list of InspectedFile
        What was found in each file.
    failed : dict
        Message by path, of files that are left out.
    together : NoiseStatistics, optional
        Statistics of the sample of all files by which training judges them; None where they are too small to be
        measured.
    advice : Advice, optional
        Judgement of the measurement; None where there is none.
    source : ImageSource, optional
        The files that were judged together.
    correlation : NoiseCorrelation, optional
        Correlation of the noise of the sample in all directions; None where it could not be measured.
    stacks : list of MeasuredStack
        Some of the stacks that the files hold along T or Z.
    """

    files: list[InspectedFile] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    together: NoiseStatistics | None = None
    advice: Advice | None = None
    source: ImageSource | None = None
    correlation: NoiseCorrelation | None = None
    stacks: list[MeasuredStack] = field(default_factory=list)

    def to_json(self) -> str:
        """Everything but the source as JSON; holes are words such as "square:5", and maps are lists of rows."""
        content = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "source"}
        return json.dumps(content, indent=1, default=_plain) + "\n"


def _plain(value: Any) -> Any:
    """A part of a report as values of JSON."""
    if isinstance(value, Hole):
        return str(value)
    if isinstance(value, np.ndarray):
        return value.round(4).tolist()
    return {part.name: getattr(value, part.name) for part in dataclasses.fields(value)}


def inspect_files(
    paths: Sequence[Path], options: ReadOptions | None = None, *, denoiser: DenoiseArray | None = None
) -> NoiseReport:
    """Measure the noise of files; bad ones are reported and do not stop the others.

    Parameters
    ----------
    paths : sequence of Path
        Image files.
    options : ReadOptions, optional
        How they are read.
    denoiser : callable, optional
        ``denoiser(pixels, axes)`` gives the picture (a :class:`bsn.inference.Denoiser`, for one). It is taken off first, so
        that texture is not mistaken for noise.

    Returns
    -------
    NoiseReport

    Raises
    ------
    DataError
        If no file can be read.
    """
    report, options = NoiseReport(), options or ReadOptions()
    picture_of = None if denoiser is None else functools.partial(_picture, denoiser)
    packed = len(paths) == 1 and options.key is None and is_packed(paths[0])
    inspect = _inspect_packed if packed else _inspect_each
    report.source = inspect(paths, options, report, picture_of)
    judgement = judge_noise(report.source, picture_of)
    report.together = judgement.statistics
    report.correlation = judgement.correlation or map_of(report.source, picture_of)
    report.advice = None if judgement.statistics is None else judgement.advice
    report.stacks = judge_stacks(report.source)
    return report


def _inspect_packed(
    paths: Sequence[Path], options: ReadOptions, report: NoiseReport, picture_of: DenoiseImage | None
) -> ImageSource:
    source = open_source(paths[0], options, cache_bytes=REPORT.cache)
    for index in evenly(len(source), SAMPLE.images):
        box = middle(source.size(index), REPORT.side)
        image = source.crop(index, *box)
        noise = _noise_of([image], [0], box, grey_level_of(source), picture_of)
        low, high = _ends(source.native(index, *box))
        kind = (source.dtype.name, "CYX", source.size(index), source.channels)
        report.files.append(InspectedFile(source.name(index), *kind, low, high, *noise))
    return source


def _inspect_each(
    paths: Sequence[Path], options: ReadOptions, report: NoiseReport, picture_of: DenoiseImage | None
) -> ImageSource:
    read: list[Path] = []
    failures: list[tuple[str, DataError]] = []
    for path in paths:
        try:
            with open_image(path, options) as reader:
                report.files.append(_inspect(path.name, reader, picture_of))
        except ValueError as error:  # DataError is one
            report.failed[str(path)] = str(error)
            failures += [(path.name, error)] if isinstance(error, DataError) else []
        else:
            read.append(path)
    if not read:
        refuse_several(failures, len(paths), "files")
        raise DataError(f"{len(paths)} files", "none of them can be read as an image", "see `bsn inspect --help`")
    return _of_one_kind(read, options, report)


def _of_one_kind(paths: Sequence[Path], options: ReadOptions, report: NoiseReport) -> ImageSource:
    """The files that are like the first one, as training takes them; the others are reported."""
    first = report.files[0]
    alike = []
    for path, file in zip(paths, report.files, strict=True):
        if (file.channels, file.dtype) == (first.channels, first.dtype):
            alike.append(path)
        else:
            report.failed[str(path)] = (
                f"{file.channels} channels of {file.dtype} beside {first.channels} of {first.dtype}: a model takes one kind "
                "of images, so this file is measured, but not judged with the others"
            )
    return open_source(alike, options, cache_bytes=REPORT.cache)


def _picture(denoiser: DenoiseArray, image: np.ndarray) -> np.ndarray:
    """Denoised version of an image (C, H, W) that may have missing values."""
    filled, _ = fill_missing(image)
    return denoiser(filled[0], "YX")[None] if len(filled) == 1 else denoiser(filled, "CYX")


def _inspect(name: str, reader: ImageReader, picture_of: DenoiseImage | None) -> InspectedFile:
    chosen, box = evenly(reader.planes, REPORT.planes), middle(reader.size, REPORT.side)
    images = [reader.read_unit(plane, *box) for plane in chosen]
    noise = _noise_of(images, chosen, box, _grey_level(reader), picture_of)
    ends = np.array([_ends(strip) for strip in _strips(reader)])
    kind = (reader.dtype.name, reader.axes, reader.size, reader.channels)
    return InspectedFile(
        name,
        *kind,
        float(np.fmin.reduce(ends, axis=None)),
        float(np.fmax.reduce(ends, axis=None)),
        *noise,
        sensor=_sensor(reader, images[0]),
    )


def _sensor(reader: ImageReader, planes: np.ndarray) -> FoundSensor | None:
    facts = mosaic_in(reader.metadata)
    return None if facts is None or not np.isfinite(planes).all() else find_sensor(planes, facts)


def _noise_of(
    images: Sequence[np.ndarray],
    planes: Sequence[int],
    box: tuple[int, int, int, int],
    level: float,
    picture_of: DenoiseImage | None,
) -> tuple[NoiseStatistics | None, int, tuple[Place, ...]]:
    """Statistics of parts of planes, how many outliers they have, and where the first of these are."""
    seen = [usable(image, level) for image in images]
    pictures = None if picture_of is None else [picture_of(image) for image in images]
    places = [
        Place(plane, int(row) + box[0], int(column) + box[1])
        for plane, image in zip(planes, seen, strict=True)
        for row, column in np.argwhere(image.outliers.any(0))
    ]
    try:
        found = measure_usable(seen, grey_level=level, pictures=pictures)
    except DataError:
        found = None
    return found, len(places), tuple(places[: REPORT.named])


def _grey_level(reader: ImageReader) -> float:
    return grey_level(reader.dtype, reader.options.value_range)


def _ends(pixels: np.ndarray) -> tuple[float, float]:
    """Smallest and largest finite value; NaN where there is none."""
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    return (float(finite.min()), float(finite.max())) if finite.size else (float("nan"), float("nan"))


def _strips(reader: ImageReader) -> Iterator[np.ndarray]:
    height, width = reader.size
    rows = max(1, REPORT.strip // (reader.channels * width * reader.dtype.itemsize))
    for plane in range(reader.planes):
        for top in range(0, height, rows):
            yield reader.read(plane, top, 0, min(rows, height - top), width)
