"""Arrays in MATLAB files of version 7.3 (HDF5 inside), under the names of `bsn.data.files.formats.mat_values`.

A structure is a group there; cells and arrays of structures are datasets of references.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.files.formats.container import Listed
from bsn.data.files.formats.hdf5_boxes import DatasetOutput, replaced_dataset
from bsn.data.files.formats.hdf5_output import HDF5Output

_DEEPEST = 8
_NO_NUMBERS = ("char", "cell", "function_handle", "string")
_CLASSES = {"bool": "logical", "float32": "single", "float64": "double"}


@dataclass(frozen=True)
class Place:
    """A dataset, and what refers to it.

    Attributes
    ----------
    dataset : h5py.Dataset
        The array, its axes in the opposite order.
    holder : h5py.Dataset or None
        The dataset of references that it is an element of, if any.
    index : tuple of int
        Which element.
    """

    dataset: Any
    holder: Any = None
    index: tuple[int, ...] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its pixels: logical arrays are stored as bytes."""
        return np.dtype(bool) if matlab_class(self.dataset) == "logical" else self.dataset.dtype.newbyteorder("=")

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape as MATLAB shows it."""
        return tuple(self.dataset.shape[::-1])


def matlab_class(item: Any) -> str:
    """Read the name of the MATLAB class of a dataset; empty where there is none.

    Parameters
    ----------
    item : h5py.Dataset or h5py.Group
        Dataset or group of the file.

    Returns
    -------
    str
    """
    name = item.attrs.get("MATLAB_class", b"")
    return name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)


def find_datasets(file: Any) -> dict[str, Place]:
    """Find all datasets that can be images.

    Parameters
    ----------
    file : h5py.File
        The opened file.

    Returns
    -------
    dict of str to Place
        Numeric and logical arrays of two or more axes and more than one element, in alphabetical order of the variables.
    """
    found: dict[str, Place] = {}
    for name in file:
        if not name.startswith("#"):
            found.update(_inside(file, name, Place(file[name]), _DEEPEST))
    return found


def listed(places: Mapping[str, Place]) -> dict[str, Listed]:
    """Describe datasets for a choice among them.

    Parameters
    ----------
    places : mapping of str to Place
        What was found in the file, by name.

    Returns
    -------
    dict of str to Listed
    """
    return {name: Listed(place.shape, place.dtype) for name, place in places.items()}


def _inside(file: Any, name: str, place: Place, depth: int) -> Iterator[tuple[str, Place]]:
    import h5py

    item = place.dataset
    if depth == 0 or "MATLAB_empty" in item.attrs:
        return
    if isinstance(item, h5py.Group):
        for field in item:
            yield from _inside(file, f"{name}.{field}", Place(item[field]), depth - 1)
    elif h5py.check_ref_dtype(item.dtype) is not None:
        brackets = "{}" if matlab_class(item) == "cell" else "()"
        references = item[()]
        for number, index in enumerate(np.ndindex(references.shape), 1):
            title = f"{name}{brackets[0]}{number}{brackets[1]}"
            if references[index]:
                yield from _inside(file, title, Place(file[references[index]], item, index), depth - 1)
    elif item.dtype.kind in "uifb" and matlab_class(item) not in _NO_NUMBERS and item.ndim >= 2 and item.size > 1:
        yield name, place


def rewritten(path: Path, source: Path, key: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> DatasetOutput:
    """Copy a file and make room in the copy for the result of one of its arrays.

    Parameters
    ----------
    path : Path
        Where to write; a new file.
    source : Path
        The file that is copied.
    key : str
        The array.
    shape : tuple of int
        Shape of the result as MATLAB shows it.
    dtype : numpy.dtype
        Type of the result.

    Returns
    -------
    DatasetOutput
        Open for writing.
    """
    output = HDF5Output(path, copy_of=source)
    try:
        place = find_datasets(output.file)[key]
        stored = place.dataset.dtype.newbyteorder("=") if dtype == place.dtype else dtype
        stored = np.dtype(np.uint8) if stored == np.dtype(bool) else stored
        dataset = replaced_dataset(output.file, place.dataset, shape[::-1], stored)
        if dtype != place.dtype:
            dataset.attrs["MATLAB_class"] = np.bytes_(_CLASSES.get(dtype.name, dtype.name))
        if place.holder is not None and dataset.name:
            place.holder[place.index] = dataset.ref
        return DatasetOutput(output, dataset, mirrored=True)
    except BaseException:
        output.close()
        raise
