"""Tone curves: from light to the values of a file, and back."""

from dataclasses import dataclass

import numpy as np

from bsn.data.errors import DataError

__all__ = ["ToneCurve", "to_linear", "to_srgb"]

_GRID = np.linspace(0, 1, 4097)


def to_linear(image: np.ndarray) -> np.ndarray:
    """Light from values of sRGB (IEC 61966-2-1).

    Parameters
    ----------
    image : ndarray, float
        Range [0, 1].

    Returns
    -------
    ndarray, same shape
    """
    return np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)


def to_srgb(light: np.ndarray) -> np.ndarray:
    """Values of sRGB from light, the inverse of :func:`to_linear`.

    Parameters
    ----------
    light : ndarray, float
        Range [0, 1].

    Returns
    -------
    ndarray, same shape
    """
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)


@dataclass(frozen=True)
class ToneCurve:
    """A power with a straight foot, as sRGB has it, and more contrast in the middle, as cameras add it.

    With the power function v = (1 + offset) x^(1/exponent) - offset, continued below by its tangent through the origin, the
    value is (1 - contrast) v + contrast (3 v^2 - 2 v^3).

    Parameters
    ----------
    exponent : float
        More than 1; 2.4 is that of sRGB.
    offset : float
        More than 0; 0.055 is that of sRGB. The smaller, the steeper the curve begins.
    contrast : float
        0 or more, less than 1, with which the curve would begin level.

    Raises
    ------
    DataError
        A parameter outside its range.

    Examples
    --------
    >>> curve = ToneCurve()
    >>> round(float(curve(np.array(0.21404114))), 4)
    0.5
    >>> round(float(curve.inverse(np.array(0.5))), 4)
    0.214
    """

    exponent: float = 2.4
    offset: float = 0.055
    contrast: float = 0.0

    def __post_init__(self) -> None:
        if not (1 < self.exponent < 10 and 0 < self.offset < 1 and 0 <= self.contrast < 1):
            raise DataError(
                f"a tone curve of exponent {self.exponent}, offset {self.offset}, contrast {self.contrast}",
                "it does not rise from 0 to 1",
                "use an exponent of 1 to 10, an offset of 0 to 1 and a contrast below 1",
            )

    @property
    def _foot(self) -> tuple[float, float]:
        """Light and value where the tangent through the origin touches the power function."""
        root = self.offset * self.exponent / ((1 + self.offset) * (self.exponent - 1))
        return root**self.exponent, (1 + self.offset) * root - self.offset

    def __call__(self, light: np.ndarray) -> np.ndarray:
        """Values of a file from light.

        Parameters
        ----------
        light : ndarray, float, range [0, 1]
            Linear.

        Returns
        -------
        ndarray, same shape and dtype, range [0, 1]
        """
        end, value = (light.dtype.type(number) for number in self._foot)
        offset, exponent = light.dtype.type(self.offset), light.dtype.type(1 / self.exponent)
        curved = (1 + offset) * np.maximum(light, end) ** exponent - offset
        values = np.where(light <= end, light * (value / end), curved)
        return values if not self.contrast else values + light.dtype.type(self.contrast) * (_smooth(values) - values)

    def inverse(self, values: np.ndarray) -> np.ndarray:
        """Light from values of a file.

        Parameters
        ----------
        values : ndarray, float, range [0, 1]
            Of a picture.

        Returns
        -------
        ndarray, same shape and dtype, range [0, 1]
            With contrast, exact to 1e-5 for contrasts up to 0.7.
        """
        if self.contrast:
            values = _interpolated(values, np.interp(_GRID, _GRID + self.contrast * (_smooth(_GRID) - _GRID), _GRID))
        end, value = (values.dtype.type(number) for number in self._foot)
        offset = values.dtype.type(self.offset)
        curved = ((np.maximum(values, value) + offset) / (1 + offset)) ** values.dtype.type(self.exponent)
        return np.where(values <= value, values * (end / value), curved)


def _smooth(values: np.ndarray) -> np.ndarray:
    squared: np.ndarray = values * values * (3 - 2 * values)
    return squared


def _interpolated(x: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Interpolate in a table over :data:`_GRID`; much faster than numpy.interp, which searches its grid."""
    steps = len(table) - 1
    place = x * x.dtype.type(steps)
    index = np.minimum(place.astype(np.intp), steps - 1)
    held = table.astype(x.dtype)
    found: np.ndarray = held[index] + (place - index.astype(x.dtype)) * np.diff(held)[index]
    return found
