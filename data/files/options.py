"""How images are read: what a file does not say, and what the reader must not guess."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import get_args

from bsn.data.arrays.planes import Missing
from bsn.data.errors import DataError


@dataclass(frozen=True)
class ReadOptions:
    """One set of options for everything that reads images: files, regions, sources, pairs and packing.

    Parameters
    ----------
    axes : str, optional
        One letter per axis, such as YX, YXC or ZYX, for all images. By default the file says it, or the shape suggests it.
    key : str, optional
        Which image, in a file that holds several: the name of a dataset (HDF5) or variable (MATLAB), the number of a
        series (TIFF).
    nan : {"refuse", "keep"}
        Whether pixels that are NaN or infinite are refused, or kept as missing values.
    value_range : tuple of float, optional
        The two pixel values that stand for 0 and 1, for example (0, 4095) for 12 bits stored in 16. By default 0 and the
        largest value of the type for integers; 0 and 1 for floats.

    Raises
    ------
    DataError
        An unknown way to treat NaN, or a range whose low end is not below its high end.

    Examples
    --------
    >>> ReadOptions(value_range=(0, 4095))
    ReadOptions(axes=None, key=None, nan='refuse', value_range=(0.0, 4095.0))
    """

    axes: str | None = None
    key: str | None = None
    nan: Missing = "refuse"
    value_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.nan not in get_args(Missing):
            raise DataError(f"nan={self.nan!r}", "is not a way to treat missing values", 'use "refuse" or "keep"')
        if self.value_range is None:
            return
        object.__setattr__(self, "value_range", check_range(self.value_range))

    @classmethod
    def of(cls, options: ReadOptions | None, *, axes: str | None = None, key: str | None = None) -> ReadOptions:
        """Combine a set of options with single ones.

        Parameters
        ----------
        options : ReadOptions, optional
            The set; the defaults where it is left out.
        axes, key : str, optional
            Single options, which win over the set.

        Returns
        -------
        ReadOptions
        """
        base = options or cls()
        return dataclasses.replace(base, axes=axes or base.axes, key=base.key if key is None else key)


def check_range(value_range: tuple[float, float]) -> tuple[float, float]:
    """Refuse a value range that is none.

    Parameters
    ----------
    value_range : tuple of float
        The pixel values that stand for 0 and 1.

    Returns
    -------
    tuple of float
        The same numbers as floats.

    Raises
    ------
    DataError
        The low end is not below the high end, or one is infinite or NaN.
    """
    low, high = (float(value) for value in value_range)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise DataError(
            f"the value range {low:g} to {high:g}", "its low end is not below its high end", "give LOW and HIGH"
        )
    return low, high
