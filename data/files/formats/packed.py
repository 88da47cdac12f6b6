"""What marks a packed file: an HDF5 file of many single planes, written by `bsn.data.pack`, which describes its layout."""

from pathlib import Path
from typing import Any

from bsn.data.errors import reading

FORMAT = "blindspot-pack"
FORMAT_VERSION = 1
GROUP = "images"
#: Axes of each of its datasets; their attribute ``axes`` is that of the file that a plane came from.
AXES = "CYX"

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
