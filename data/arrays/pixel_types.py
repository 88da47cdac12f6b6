"""The types of pixels, and what the range [0, 1] is in each of them.

========================================  =====================================  ==========================
type                                      values inside                          ``unit_span``
========================================  =====================================  ==========================
uint8, uint16                             divided by 255, 65535: [0, 1]          255, 65535
int8, int16                               divided by 127, 32767: [-1, 1]         127, 32767
bool                                      0 and 1                                1
uint32, int32, uint64, int64              as they are                            1
float16, float32, float64                 as they are                            1
========================================  =====================================  ==========================

Zero stays zero in every type. No image fills the range of an integer of 32 or 64 bits, so those are treated like floats of
the same values. Inside, all values are float32, which keeps 24 bits: integers up to 16,777,216 return exactly, larger
values to a relative precision of 6e-8. A stated value range (two pixel values that stand for 0 and 1) takes the place of
the table.
"""

from typing import Any

import numpy as np

from bsn.data.errors import DataError

#: The pixel values that stand for 0 and 1.
Range = tuple[float, float]

_INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
_FLOATS = ("float16", "float32", "float64")
SUPPORTED = ("bool", *_INTEGERS, *_FLOATS)
_SCALED_BYTES = 2  # integers of up to this size are divided by the largest value of their type
_NEAREST = {
    "c": "take its magnitude or its real part as float32",
    "f": "convert it to float64 or float32",
}
_EXACT = 2.0**24
_LEVELS = 16  # a region whose whole spread float32 shows in fewer steps has lost its noise
_LARGEST = float(np.finfo(np.float32).max)


def check_dtype(dtype: Any, given: str) -> np.dtype[Any]:
    """Refuse what is not a type of pixels.

    Parameters
    ----------
    dtype : numpy.dtype or what numpy takes for one
        The pixel type.
    given : str
        What has that type, for the message.

    Returns
    -------
    numpy.dtype
        The type in native byte order: bool, integers of 8 to 64 bits, float16, float32 or float64.

    Raises
    ------
    DataError
        For any other type (complex, text, records, long double), with the nearest one that works.

    Examples
    --------
    >>> check_dtype(">u2", "a file")
    dtype('uint16')
    """
    dtype = np.dtype(dtype)
    if dtype.name not in SUPPORTED:
        remedy = _NEAREST.get(dtype.kind, "convert it to float32")
        raise DataError(f"{given} of type {dtype.name}", f"pixels must be one of {', '.join(SUPPORTED)}", remedy)
    return dtype.newbyteorder("=")


def unit_span(dtype: Any, value_range: Range | None = None) -> float:
    """Say how far 0 and 1 of the range inside lie apart in an image's own values.

    Parameters
    ----------
    dtype : numpy.dtype or what numpy takes for one
        The pixel type.
    value_range : tuple of float, optional
        The pixel values that stand for 0 and 1, where they are stated.

    Returns
    -------
    float
        The length of the stated range; else the largest value of integers of 8 and 16 bits (255, 65535, 127, 32767),
        and 1 for the other types.

    Examples
    --------
    >>> unit_span("uint8"), unit_span("int16"), unit_span("int32"), unit_span("float32")
    (255.0, 32767.0, 1.0, 1.0)
    """
    if value_range is not None:
        return value_range[1] - value_range[0]
    dtype = np.dtype(dtype)
    scaled = dtype.kind in "ui" and dtype.itemsize <= _SCALED_BYTES
    return float(np.iinfo(dtype).max) if scaled else 1.0


def grey_level(dtype: Any, value_range: Range | None = None) -> float:
    """Say how far apart two neighbouring values of a type are inside.

    Parameters
    ----------
    dtype : numpy.dtype or what numpy takes for one
        The pixel type.
    value_range : tuple of float, optional
        The pixel values that stand for 0 and 1, where they are stated.

    Returns
    -------
    float
        1 / 255 for uint8, 1 / 65535 for uint16, 1 for integers of 32 and 64 bits; 0 for floats. With a
        range, one over its length, for integers.

    Examples
    --------
    >>> round(1 / grey_level("uint8")), grey_level("int32"), grey_level("float32")
    (255, 1.0, 0.0)
    """
    return 0.0 if np.dtype(dtype).kind == "f" else 1.0 / unit_span(dtype, value_range)


def to_unit(pixels: np.ndarray, value_range: Range | None = None) -> np.ndarray:
    """Convert pixels to float32, integers of 8 and 16 bits to the range [0, 1] or [-1, 1].

    Parameters
    ----------
    pixels : ndarray, any shape
        Any type of the table in `bsn.data.arrays.pixel_types`.
    value_range : tuple of float, optional
        The pixel values that become 0 and 1; values outside become negative or larger than 1.

    Returns
    -------
    ndarray, float32, same shape
        A new array (never a view). Without a range, divided by `unit_span` of its type.

    Raises
    ------
    DataError
        Another dtype; values that float32 cannot hold, or cannot tell apart: larger than 16,777,216 and so close together
        that fewer than 16 steps are left.

    Examples
    --------
    >>> to_unit(np.array([0, 51, 255], dtype=np.uint8)).tolist()
    [0.0, 0.20000000298023224, 1.0]
    >>> to_unit(np.array([-32767, 0, 32767], dtype=np.int16)).tolist()
    [-1.0, 0.0, 1.0]
    """
    dtype = check_dtype(pixels.dtype, "an array")
    if value_range is not None:
        low, high = value_range
        shifted = np.subtract(pixels, low, dtype=np.float64)
        return np.divide(shifted, high - low, out=shifted).astype(np.float32)
    span = unit_span(dtype)
    if span != 1.0:
        return np.divide(pixels, np.float32(span), dtype=np.float32)
    if dtype.itemsize >= 4 and dtype != np.float32:
        _check_precision(pixels)
    return pixels.astype(np.float32)


def from_unit(values: np.ndarray, dtype: Any, value_range: Range | None = None, *, of: Any = None) -> np.ndarray:
    """Convert values back to a pixel type: the inverse of `to_unit`.

    Parameters
    ----------
    values : ndarray, float, any shape
        In the range inside, see `bsn.data.arrays.pixel_types`; what lies outside the wanted type is clipped to it.
    dtype : numpy.dtype or what numpy takes for one
        The wanted type.
    value_range : tuple of float, optional
        The pixel values that 0 and 1 become, as in `to_unit`.
    of : numpy.dtype or what numpy takes for one, optional
        The type of the image that the values came from, if another one is wanted: the result has the values of that
        image. By default the wanted type.

    Returns
    -------
    ndarray, `dtype`, same shape
        Integers rounded half up; bool is whether a value is at least 0.5.

    Raises
    ------
    DataError
        Another dtype, or NaN where integers are wanted.

    Examples
    --------
    >>> from_unit(np.array([-0.1, 0.5, 1.0]), np.uint8).tolist()
    [0, 128, 255]
    >>> from_unit(np.array([0.0, 0.00001]), np.float32, of=np.uint16).round(3).tolist()
    [0.0, 0.6549999713897705]
    """
    dtype = check_dtype(dtype, "an output")
    span = unit_span(dtype if of is None else of, value_range)
    low = 0.0 if value_range is None else value_range[0]
    if dtype.kind == "f":
        plain = span == 1.0 and low == 0.0
        return _to_float(values if plain else np.multiply(values, span, dtype=np.float64) + low, dtype)
    if np.isnan(values).any():
        raise DataError(f"values for {dtype.name} pixels", "some are NaN", "find out what produced them")
    # float64, since adding one half to a float32 just below it rounds up to one
    scaled = np.multiply(values, span, dtype=np.float64)
    scaled += low + 0.5
    np.floor(scaled, out=scaled)
    return _to_integer(scaled, dtype)


def _to_float(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    if dtype != np.float16:
        return values.astype(dtype)
    top = float(np.finfo(dtype).max)
    return np.where(np.isinf(values), values, np.clip(values, -top, top)).astype(dtype)


def _to_integer(whole: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    if dtype.kind == "b":
        return whole >= 1.0
    info = np.iinfo(dtype)
    high = whole >= float(info.max)  # the largest integers of 64 bits are not float64
    np.clip(whole, float(info.min), float(info.max), out=whole)
    whole[high] = 0.0
    result = whole.astype(dtype)
    result[high] = info.max
    return result


def _check_precision(pixels: np.ndarray) -> None:
    finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
    if finite.size == 0:
        return
    low, high = float(finite.min()), float(finite.max())
    peak = max(abs(low), abs(high))
    if peak > _LARGEST:
        raise DataError(
            f"{pixels.dtype.name} pixels", f"{peak:.3g} is beyond float32", "divide the image by a constant"
        )
    if peak > _EXACT and 0 < high - low < _LEVELS * peak / _EXACT:
        raise DataError(
            f"{pixels.dtype.name} pixels around {peak:.12g}",
            f"they differ by at most {high - low:.3g}, which float32 does not tell apart",
            "subtract a constant from the image first",
        )
