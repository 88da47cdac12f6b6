"""The eight flips and quarter turns of a square.

Transform i, for i = 0..7: flip the rows if i >= 4, then flip the columns if i mod 4 >= 2, then turn by 90 degrees
counter-clockwise (as ``numpy.rot90`` and ``torch.rot90`` do) if i is odd. They are the eight transforms of the
self-ensemble and of augmentation, in the order of the published network; 0 changes nothing, and the even ones keep the
shape.
"""

import sys
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bsn.data.errors import DataError

if TYPE_CHECKING:
    import torch

COUNT = 8
_Array = TypeVar("_Array", np.ndarray, "torch.Tensor")


def transform(x: _Array, index: int) -> _Array:
    """Apply one of the eight transforms to the last two axes.

    Parameters
    ----------
    x : ndarray or torch.Tensor, shape (..., H, W)
        Any dtype.
    index : int
        0 to 7, see the module.

    Returns
    -------
    ndarray or torch.Tensor, shape (..., H, W), or (..., W, H) for an odd index
        A view in numpy, a copy in torch (the input itself for index 0).

    Raises
    ------
    DataError
        There is no transform of that index, or fewer than two axes.

    Examples
    --------
    >>> x = np.array([[1, 2], [3, 4]])
    >>> transform(x, 1).tolist(), transform(x, 2).tolist(), transform(x, 4).tolist()
    ([[2, 4], [1, 3]], [[2, 1], [4, 3]], [[3, 4], [1, 2]])
    """
    _check(x, index)
    x = _flip(x, rows=index >= 4, columns=index % 4 >= 2)
    return _turn(x, 1) if index % 2 else x


def inverse(x: _Array, index: int) -> _Array:
    """Undo `transform`.

    Parameters
    ----------
    x : ndarray or torch.Tensor, shape (..., H, W)
        What `transform` gave.
    index : int
        The index it was given.

    Returns
    -------
    ndarray or torch.Tensor
        The original.

    Raises
    ------
    DataError
        There is no transform of that index, or fewer than two axes.

    Examples
    --------
    >>> x = np.arange(6).reshape(2, 3)
    >>> all((inverse(transform(x, i), i) == x).all() for i in range(8))
    True
    """
    _check(x, index)
    x = _turn(x, -1) if index % 2 else x
    return _flip(x, rows=index >= 4, columns=index % 4 >= 2)


def _check(x: _Array, index: int) -> None:
    if not 0 <= index < COUNT:
        raise DataError(f"transform {index}", f"there are {COUNT}", f"use a number from 0 to {COUNT - 1}")
    if x.ndim < 2:
        raise DataError(f"an array of {x.ndim} axes", "rows and columns are needed", "pass two axes or more")


def _flip(x: _Array, *, rows: bool, columns: bool) -> _Array:
    axes = tuple(axis for axis, wanted in ((-2, rows), (-1, columns)) if wanted)
    if not axes:
        return x
    return np.flip(x, axes) if isinstance(x, np.ndarray) else x.flip(axes)


def _turn(x: _Array, times: int) -> _Array:
    if isinstance(x, np.ndarray):
        return np.rot90(x, times, axes=(-2, -1))
    return sys.modules["torch"].rot90(x, times, dims=(-2, -1))
