"""Noise of a set of files: measured on the noisy images, or on what a model takes away."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data import DataError, open_image, read_image
from bsn.data.arrays.planes import to_planes, to_unit
from bsn.data.sources.samples import evenly, middle
from bsn.noise.advice import Advice, advise
from bsn.noise.measurement import NoiseStatistics, flattest_parts, measure_noise

__all__ = ["InspectedFile", "NoiseReport", "correlated_files", "inspect_files"]

_PLANES = 4
_LOOKED_AT = 1024
_STRONG = 0.2
# 1.5 grey levels of 255: what varies less in flat parts is the picture or its rounding as well as noise.
_WEAKEST = 0.006


@dataclass(frozen=True)
class InspectedFile:
    """One file: what it is, and its noise (None if it is too small to be measured)."""

    name: str
    dtype: str
    axes: str
    size: tuple[int, int]
    channels: int
    smallest: float
    largest: float
    statistics: NoiseStatistics | None


@dataclass
class NoiseReport:
    """Files one by one, all together, and what to do."""

    files: list[InspectedFile] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    together: NoiseStatistics | None = None
    advice: Advice | None = None

    def to_json(self) -> str:
        """Everything as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1) + "\n"


def inspect_files(
    paths: Sequence[Path],
    *,
    axes: str | None = None,
    denoiser: Callable[[np.ndarray, str | None], np.ndarray] | None = None,
) -> NoiseReport:
    """Measure the noise of files; bad ones are reported and do not stop the others.

    Parameters
    ----------
    paths : sequence of Path
    axes : str, optional
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
    report = NoiseReport()
    planes: list[np.ndarray] = []
    means: list[np.ndarray] = []
    levels = set()
    for path in paths:
        try:
            image = read_image(path)
            noisy, layout = to_planes(image.pixels, axes or image.axes)
            picture = None if denoiser is None else to_planes(denoiser(image.pixels, layout.axes), layout.axes)[0]
        except ValueError as error:  # DataError is one
            report.failed[str(path)] = str(error)
            continue
        chosen = evenly(len(noisy), _PLANES)
        level = _grey_level(image.pixels.dtype)
        pictures = None if picture is None else list(picture[chosen])
        report.files.append(
            InspectedFile(
                path.name,
                image.pixels.dtype.name,
                layout.axes,
                (noisy.shape[2], noisy.shape[3]),
                noisy.shape[1],
                float(image.pixels.min()),
                float(image.pixels.max()),
                _measure(list(noisy[chosen]), level, pictures),
            )
        )
        if planes and planes[0].shape[0] != noisy.shape[1]:
            continue
        planes += list(noisy[chosen])
        means += pictures or []
        levels.add(level)
    if not report.files:
        raise DataError(f"{len(paths)} files", "none of them can be read as an image", "see `bsn inspect --help`")
    report.together = _measure(planes, max(levels), means or None)
    report.advice = None if report.together is None else advise(report.together)
    return report


def _measure(planes: list[np.ndarray], level: float, pictures: list[np.ndarray] | None) -> NoiseStatistics | None:
    try:
        return measure_noise(planes, grey_level=level, pictures=pictures)
    except DataError:
        return None


def correlated_files(paths: Iterable[Path], axes: str | None = None) -> dict[Path, float]:
    """Files on which a denoiser for white noise will fail: a quick look at the flattest parts of the first plane.

    Parameters
    ----------
    paths : iterable of Path
        Readable images; of large ones the middle is looked at.
    axes : str, optional

    Returns
    -------
    dict
        Correlation of neighbours, of the files where it is strong.

    Notes
    -----
    Of the 54 photographs of Kodak, McMaster and Set12 none is named with white noise of 5, 15 or 30 grey levels and all are
    with noise blurred by 0.7 pixels, as are SIDD's noisy blocks; without any noise six are, for their texture.
    """
    found = {}
    for path in paths:
        with open_image(path, axes=axes) as reader:
            pixels = reader.read(0, *middle(reader.size, _LOOKED_AT))
        seen = flattest_parts([to_unit(pixels)], _grey_level(pixels.dtype))
        if seen.strongest_lag > _STRONG and seen.sigma > _WEAKEST:
            found[path] = seen.strongest_lag
    return found


def _grey_level(dtype: np.dtype[Any]) -> float:
    return 1 / np.iinfo(dtype).max if dtype.kind == "u" else 0.0
