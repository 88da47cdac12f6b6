"""The values of the images that a model was trained on, and whether other images are like them.

A network knows one scale of values. Images on another scale, such as floats from 0 to 255 for a network of [0, 1], or 12 bits
stored in 16, come back with their noise or without their picture, and nothing else tells it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from bsn.data.arrays.pixel_types import unit_span
from bsn.noise import ValueScale

__all__ = ["COMPARISON", "Comparison", "Mismatch", "TrainingValues"]

_MOST_PER_IMAGE = 1 << 16
_PERCENTILES = (1.0, 99.0)


@dataclass(frozen=True)
class Comparison:
    """Limits of the comparison of an image with the training images, in ranges between the 1st and the 99th percentile.

    They follow from what images of one scale do: exposures differ by factors of a few, a stretched copy or another number of
    bits by more. A network that was trained for minutes on images of one exposure lost the picture of copies with a quarter of
    the light. No table of results depends on them.

    Parameters
    ----------
    wider : float
        Factor: a range this many times that of the training causes a remark.
    narrower : float
        Fraction: an image that fills at most this part of the training range, at its dark end, causes a remark.
    narrower_other_type : float
        The same for images of another pixel type, whose scale is less certain: 14 bits in 16 are a quarter, 12 a sixteenth.
    aside : float
        An image the middle of whose range lies beyond the training range by more than this part of it causes a remark.
    refused : float
        Another scale altogether, where one is of integers, which have an agreed range, and the other of floats.
    """

    wider: float = 4.0
    narrower: float = 1 / 12
    narrower_other_type: float = 1 / 3
    aside: float = 0.05
    refused: float = 20.0


COMPARISON = Comparison()


class Mismatch(NamedTuple):
    """Why an image does not fit a model.

    Parameters
    ----------
    refuse : bool
        Whether a result cannot be right, or is doubtful.
    why : str
        Half a sentence, after the name of the image.
    remedy : str
        What the user can do.
    """

    refuse: bool
    why: str
    remedy: str


@dataclass(frozen=True)
class TrainingValues:
    """Values of a set of images, in image values: [0, 1] for integers unless a range was stated, floats as they are.

    Parameters
    ----------
    dtype : str
        Pixel type of the images, such as "uint8"; empty where it is not known.
    low, high : float
        1st and 99th percentile.
    minimum, maximum : float
        Smallest and largest value.
    mean, spread : float
        Mean and standard deviation.

    Raises
    ------
    ValueError
        If the percentiles are in the wrong order.
    """

    dtype: str
    low: float
    high: float
    minimum: float
    maximum: float
    mean: float
    spread: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"values from {self.low} to {self.high} are not a range; give the smaller one first")

    @classmethod
    def of(cls, images: Iterable[np.ndarray], dtype: Any) -> TrainingValues | None:
        """Measure images.

        Parameters
        ----------
        images : iterable of ndarray, float, any shape
            Image values. Of large ones evenly spread pixels are looked at; NaN and infinite pixels do not count.
        dtype : numpy.dtype or what numpy takes for one
            Pixel type before the conversion.

        Returns
        -------
        TrainingValues or None
            None where there are no finite pixels.

        Examples
        --------
        >>> TrainingValues.of([np.linspace(0, 1, 101)], np.uint8).high
        0.99
        """
        parts = []
        for image in images:
            flat = np.asarray(image).reshape(-1)
            part = flat[:: max(1, -(-flat.size // _MOST_PER_IMAGE))].astype(np.float64)
            parts.append(part[np.isfinite(part)])
        values = np.concatenate(parts) if parts else np.empty(0)
        if not values.size:
            return None
        low, high = (float(value) for value in np.percentile(values, _PERCENTILES))
        extremes = float(values.min()), float(values.max())
        return cls(np.dtype(dtype).name, low, high, *extremes, float(values.mean()), float(values.std()))

    @classmethod
    def implied(cls, scale: ValueScale) -> TrainingValues | None:
        """Guess the values from a network's scale, for files that do not store them.

        Parameters
        ----------
        scale : ValueScale
            Offset and scale are mean and standard deviation of the training images, or those of 0..255.

        Returns
        -------
        TrainingValues or None
            None for networks that work on image values as they are.
        """
        if scale == ValueScale():
            return None
        if scale == ValueScale.eight_bit():
            return cls("", 0.0, 1.0, 0.0, 1.0, 0.5, 0.25)
        low, high = scale.offset - 2 * scale.scale, scale.offset + 2 * scale.scale
        return cls("", low, high, low, high, scale.offset, scale.scale)

    def compare(self, seen: TrainingValues) -> Mismatch | None:
        """Tell whether an image is on the scale of these.

        Parameters
        ----------
        seen : TrainingValues
            Values of the image.

        Returns
        -------
        Mismatch or None
            None for images that are brighter, darker or flatter by a few times only, and for those without any contrast.
        """
        span, own = seen.high - seen.low, self.high - self.low
        if span <= 0 or own <= 0:
            return None
        narrow = COMPARISON.narrower if seen.dtype == self.dtype else COMPARISON.narrower_other_type
        beyond = max(seen.high - self.high, self.low - seen.low) / own
        dark = seen.high < self.low + narrow * own
        if span > COMPARISON.wider * own or beyond > COMPARISON.wider:
            factor = max(span / own, beyond)
        elif (span < narrow * own and dark) or self._lies_aside(seen):
            factor = own / span
        else:
            return None
        refuse = factor > COMPARISON.refused and _kind(seen) != _kind(self) and "" not in (seen.dtype, self.dtype)
        why = (
            f"its values ({seen.dtype}, mostly {seen.low:.3g} to {seen.high:.3g}) are on another scale than those that this "
            f"model was trained on ({self.dtype + ', ' if self.dtype else ''}mostly {self.low:.3g} to {self.high:.3g})"
        )
        return Mismatch(refuse, why, _remedy(seen))

    def _lies_aside(self, seen: TrainingValues) -> bool:
        """Whether an image is, on the whole, darker or brighter than the darkest or brightest parts of the training images."""
        room = COMPARISON.aside * (self.high - self.low)
        return not self.low - room <= (seen.low + seen.high) / 2 <= self.high + room


def _kind(values: TrainingValues) -> Literal["float", "integer"]:
    return "float" if values.dtype.startswith("float") else "integer"


def _remedy(seen: TrainingValues) -> str:
    """Name the range of values that stands for 0 to 1, where it can be guessed."""
    largest = seen.maximum * unit_span(seen.dtype)
    bits = next((bits for bits in (8, 10, 12, 14, 16) if largest < 2**bits), None)
    if bits is None or largest <= 1:
        return "state its range (--range LOW HIGH, the values that stand for 0 and 1), or train on such images"
    return f"state its range, such as --range 0 {2**bits - 1}, or train on such images"
