"""What marks a packed file: an HDF5 file of many single planes, written by `bsn.data.pack`, which describes its layout."""

import dataclasses
from pathlib import Path
from typing import Any

from bsn.data.errors import reading
from bsn.data.files.options import ReadOptions

FORMAT = "blindspot-pack"
FORMAT_VERSION = 1
GROUP = "images"
#: Axes of each of its datasets; their attribute ``axes`` is that of the file that a plane came from.
AXES = "CYX"
#: Attribute of a file whose pixels have a stated range: the values that stand for 0 and 1.
VALUE_RANGE = "value_range"
#: Attribute of a dataset: shape of the file that a plane came from, where the meaning of its axes is known.
STACK_SHAPE = "shape"
#: Attribute of a file in which pixels are NaN or infinite.
MISSING = "missing"

_SUFFIXES = (".h5", ".hdf5")


def holds_pack(file: Any) -> bool:
    """Tell a packed file from others.

    Parameters
    ----------
    file : h5py.File
        The opened file.

    Returns
    -------
    bool
    """
    return bool(file.attrs.get("format") == FORMAT)


def is_packed(path: Path) -> bool:
    """Tell a packed file from others.

    Parameters
    ----------
    path : Path
        Any file or folder.

    Returns
    -------
    bool
        False also where it is not an HDF5 file by its name, or cannot be opened.
    """
    if path.suffix.lower() not in _SUFFIXES or not path.is_file():
        return False
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return holds_pack(file)
    except OSError:
        return False


def packed_keys(path: Path) -> list[str]:
    """List the images of a packed file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    list of str
        Names of the datasets, in order.

    Raises
    ------
    DataError
        The file is damaged.
    """
    import h5py

    with reading(path), h5py.File(path, "r") as file:
        return [f"{GROUP}/{name}" for name in sorted(file[GROUP])]


def reading_attributes(options: ReadOptions, *, missing: bool) -> dict[str, Any]:
    """What a packed file tells of the values of its pixels.

    Parameters
    ----------
    options : ReadOptions
        How the files that are packed are read.
    missing : bool
        Whether some of their pixels are NaN or infinite.

    Returns
    -------
    dict of str to Any
        Attributes of the file; `options_of_packed` reads the range.
    """
    stated = {} if options.value_range is None else {VALUE_RANGE: options.value_range}
    return {**stated, **({MISSING: True} if missing else {})}


def options_of_packed(file: Any, options: ReadOptions) -> ReadOptions:
    """How the images of a packed file are read: its own value range counts unless another one is stated.

    Parameters
    ----------
    file : h5py.File
        The opened file.
    options : ReadOptions
        What the caller states.

    Returns
    -------
    ReadOptions
    """
    stored = file.attrs.get(VALUE_RANGE)
    if stored is None or options.value_range is not None:
        return options
    return dataclasses.replace(options, value_range=(float(stored[0]), float(stored[1])))
