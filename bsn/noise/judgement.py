"""One judgement of a set of noisy images, from one sample of it, for whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bsn.data import DataError, ImageSource
from bsn.data.arrays.pixel_types import grey_level
from bsn.data.sources.samples import evenly, middle
from bsn.noise.advice import Advice, advise
from bsn.noise.measurement import NoiseStatistics, measure_noise

__all__ = ["SAMPLE", "Judgement", "SampleSettings", "grey_level_of", "judge_noise", "sample_of"]


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
    """

    statistics: NoiseStatistics | None
    advice: Advice


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
    return Judgement(statistics, advise(statistics))
