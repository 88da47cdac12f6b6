"""One judgement of a set of noisy images, from one sample of it, for whoever asks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bsn.data import DataError, ImageSource
from bsn.data.arrays.pixel_types import grey_level
from bsn.data.sources.samples import evenly, middle
from bsn.noise.advice import Advice, advise
from bsn.noise.correlation_map import NoiseCorrelation, measure_correlation_map
from bsn.noise.hole_advice import choose_hole
from bsn.noise.measurement import NoiseStatistics, measure_noise

__all__ = ["SAMPLE", "Judgement", "SampleSettings", "grey_level_of", "judge_noise", "map_of", "sample_of"]


@dataclass(frozen=True)
class SampleSettings:
    """How much of a set is looked at: 4 million pixels, which tell the noise level to a hundredth.

    Parameters
    ----------
    images : int
        Largest number of images, which are spread evenly over the set.
    side : int
        Largest side of the middle part of each that is looked at, in pixels.
    """

    images: int = 16
    side: int = 512


SAMPLE = SampleSettings()


@dataclass(frozen=True)
class Judgement:
    """What is known of the noise of a set, and what follows.

    Parameters
    ----------
    statistics : NoiseStatistics, optional
        None where the images are too small to be measured.
    advice : Advice
        Where nothing was measured, that for independent noise of unknown strength.
    correlation : NoiseCorrelation, optional
        In all directions; None where the noise of neighbours is independent, or could not be measured.
    """

    statistics: NoiseStatistics | None
    advice: Advice
    correlation: NoiseCorrelation | None = None


def sample_of(source: ImageSource) -> list[np.ndarray]:
    """The middle of some images, on which all are judged.

    Parameters
    ----------
    source : ImageSource
        Noisy images.

    Returns
    -------
    list of ndarray, shape (C, H, W), float32
        At most 16, of at most 512 x 512 pixels. Missing values are not finite.
    """
    chosen = evenly(len(source), SAMPLE.images)
    return [source.crop(index, *middle(source.size(index), SAMPLE.side)) for index in chosen]


def grey_level_of(source: ImageSource) -> float:
    """Distance of two values of the files of a source, in its own values; 0 for floats.

    Parameters
    ----------
    source : ImageSource
        Noisy images.

    Returns
    -------
    float
    """
    options = getattr(source, "options", None)
    return grey_level(source.dtype, None if options is None else options.value_range)


def judge_noise(source: ImageSource, picture_of: Callable[[np.ndarray], np.ndarray] | None = None) -> Judgement:
    """Measure the noise of a set on a sample of it, and say what follows.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    picture_of : callable, optional
        Gives the denoised version of an image (C, H, W). It is taken off first, so that texture is not mistaken for noise.

    Returns
    -------
    Judgement
    """
    sample, level = sample_of(source), grey_level_of(source)
    pictures = None if picture_of is None else [picture_of(image) for image in sample]
    try:
        statistics = measure_noise(sample, grey_level=level, pictures=pictures)
    except DataError:
        unknown = ("the images are too small to be measured; their noise is taken to be independent",)
        return Judgement(None, Advice(True, 1, 1, "none", reasons=unknown))
    advice = advise(statistics)
    if advice.stride == 1:
        return Judgement(statistics, advice)
    correlation = map_of(source, picture_of)
    hole = choose_hole(correlation)
    # A map that shows nothing where neighbours are alike knows less than they do.
    return Judgement(
        statistics,
        advise(statistics, hole if hole.train.size > 1 or hole.train.shape != "pixel" else None),
        correlation,
    )


def map_of(
    source: ImageSource, picture_of: Callable[[np.ndarray], np.ndarray] | None = None
) -> NoiseCorrelation | None:
    """Measure the correlation of the noise in all directions, on the sample by which a set is judged.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    picture_of : callable, optional
        Gives the denoised version of an image (C, H, W), which is taken off first.

    Returns
    -------
    NoiseCorrelation or None
        None where the images are too small, or hold no noise.
    """
    images = iter(sample_of(source))
    with contextlib.suppress(DataError):
        if picture_of is None:
            return measure_correlation_map(images, grey_level_of(source))
        return measure_correlation_map(image - picture_of(image) for image in images)
    return None
