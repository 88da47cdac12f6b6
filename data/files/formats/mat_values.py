"""Arrays in MATLAB variables of version 5, inside cells and structures too, under the names that MATLAB gives them.

``frames{2}`` is the second element of a cell array, ``scan.image`` a field of a structure, ``scan(3).image`` one of an array
of structures. Elements are counted from 1, down the columns first.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from bsn.data.files.formats.container import Listed

_DEEPEST = 8


class Place(NamedTuple):
    """An array, and where it lies.

    Attributes
    ----------
    value : ndarray
        The array.
    holder : dict or ndarray
        What it lies in: ``holder[index]`` is the array and can be set.
    index : str or tuple of int
        Where in the holder.
    """

    value: np.ndarray
    holder: Any
    index: Any


def find_arrays(variables: dict[str, Any]) -> dict[str, Place]:
    """Find all arrays that can be images.

    Parameters
    ----------
    variables : dict
        Variables by name, as ``scipy.io.loadmat`` gives them.

    Returns
    -------
    dict of str to Place
        Numeric and logical arrays of two or more axes and more than one element, in the order of the file. Complex ones are
        among them, to be refused with a reason.
    """
    found: dict[str, Place] = {}
    for name in variables:
        if not name.startswith("__"):
            found.update(_inside(name, Place(variables[name], variables, name), _DEEPEST))
    return found


def with_complex(value: Any, stored: Any) -> Any:
    """Give complex numbers in place of their real parts, in cells and structures too.

    Parameters
    ----------
    value : Any
        A variable of which complex numbers have lost their imaginary parts.
    stored : Any
        The same variable with them.

    Returns
    -------
    Any
        `value`, whose cells and fields are set in place.
    """
    if not isinstance(value, np.ndarray) or not isinstance(stored, np.ndarray):
        return value
    if stored.dtype.kind == "c":
        return stored.astype(np.complex64 if value.dtype == np.float32 else np.complex128)
    if value.dtype.names or value.dtype == object:
        for field in value.dtype.names or (...,):
            held, given = value[field], stored[field]
            for index in np.ndindex(value.shape):
                held[index] = with_complex(held[index], given[index])
    return value


def listed(places: Mapping[str, Place]) -> dict[str, Listed]:
    """Describe arrays for a choice among them.

    Parameters
    ----------
    places : mapping of str to Place
        What was found in the file, by name.

    Returns
    -------
    dict of str to Listed
    """
    return {name: Listed(place.value.shape, place.value.dtype) for name, place in places.items()}


def _inside(name: str, place: Place, depth: int) -> Iterator[tuple[str, Place]]:
    value = place.value
    if not isinstance(value, np.ndarray) or depth == 0:
        return
    if value.dtype.names:
        for number, index in _elements(value):
            title = name if value.size == 1 else f"{name}({number})"
            for field in value.dtype.names:
                column = value[field]
                yield from _inside(f"{title}.{field}", Place(column[index], column, index), depth - 1)
    elif value.dtype == object:
        for number, index in _elements(value):
            yield from _inside(f"{name}{{{number}}}", Place(value[index], value, index), depth - 1)
    elif value.dtype.kind in "uifbc" and value.ndim >= 2 and value.size > 1:
        yield name, place


def _elements(value: np.ndarray) -> Iterator[tuple[int, tuple[int, ...]]]:
    for flat in range(value.size):
        yield flat + 1, tuple(int(i) for i in np.unravel_index(flat, value.shape, order="F"))
