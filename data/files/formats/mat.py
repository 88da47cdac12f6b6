"""MATLAB files of both kinds: version 5 (read through scipy) and 7.3 (HDF5 inside, axes in the opposite order).

Both give the array as MATLAB shows it. A character variable ``axes`` in the file names its axes; files written here
have one.
"""

from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.decoded import ArrayBoxes, Decoded, Stored, choose_key
from bsn.data.files.formats.hdf5 import DatasetBoxes

_DEFAULT_KEY = "image"
_AXES_KEY = "axes"
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LIMIT = 2**31  # bytes of one variable in a version 5 file


def is_hdf5_mat(path: Path) -> bool:
    """Tell a version 7.3 file from a version 5 file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        True for version 7.3: the signature of HDF5 stands at the start or after the 512 bytes of MATLAB's header.
    """
    with path.open("rb") as file:
        head = file.read(520)
    return head.startswith(_HDF5_SIGNATURE) or head[512:520] == _HDF5_SIGNATURE


def read_variables(path: Path, names: list[str] | None = None) -> dict[str, np.ndarray]:
    """Read variables of a MATLAB file, equal for both versions of the format.

    Parameters
    ----------
    path : Path
        The file.
    names : list of str, optional
        Only these; those that are missing are left out.

    Returns
    -------
    dict of str to ndarray
        Numeric and character variables by name, in the order of the file (7.3: alphabetical). Characters as an array of
        one string.
    """
    if not is_hdf5_mat(path):
        from scipy.io import loadmat

        loaded = loadmat(path, variable_names=names)
        return {name: value for name, value in loaded.items() if not name.startswith("__")}
    import h5py

    with h5py.File(path, "r") as file:
        wanted = [name for name in file if isinstance(file[name], h5py.Dataset) and (names is None or name in names)]
        return {name: _from_hdf5(file[name]) for name in wanted}


def read(path: Path, key: str | None = None) -> Decoded:
    """Read one variable of a MATLAB file.

    Parameters
    ----------
    path : Path
        The file, version 5 or 7.3.
    key : str, optional
        The variable; by default the first numeric one of more than one element.

    Returns
    -------
    Decoded
        The array as MATLAB shows it.

    Raises
    ------
    DataError
        There is no such variable. Other failures are left to the caller to translate.
    """
    variables = read_variables(path)
    keys = [name for name, value in variables.items() if _image_like(value)]
    # To MATLAB a number is an array of one element; only a file with axes means it as an image.
    single = [name for name, value in variables.items() if _axes_of(variables.get(_AXES_KEY), value.ndim)]
    pixels = variables[choose_key(keys or [name for name in single if name != _AXES_KEY], key, str(path))]
    return Decoded(np.ascontiguousarray(pixels), _axes_of(variables.get(_AXES_KEY), pixels.ndim), {})


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a version 5 MATLAB file with the variables ``image`` (or `key`) and ``axes``.

    Parameters
    ----------
    path : Path
        Where to write.
    image : Decoded
        Less than 2 GiB.
    key : str, optional
        Name of the variable.
    target : Path
        The name for messages.

    Raises
    ------
    DataError
        The array is too large for the format, or `key` is no name of a variable.
    """
    name = key or _DEFAULT_KEY
    if not name.isidentifier() or name.startswith("_") or name == _AXES_KEY:
        raise DataError(f"key {name!r} for {target}", "is no name for a variable in MATLAB", "use letters and digits")
    if image.pixels.nbytes >= _LIMIT:
        raise DataError(str(target), "a MATLAB file of version 5 holds less than 2 GiB", "write .h5 or .tif")
    if image.pixels.dtype == np.float16:
        raise DataError(f"float16 pixels for {target}", "MATLAB has no such type", "write .npy, .h5 or .tif")
    from scipy.io import savemat

    with path.open("wb") as file:
        savemat(file, {name: image.pixels, _AXES_KEY: image.axes or ""})


def open_boxes(path: Path, key: str | None = None) -> Stored:
    """Open one variable of a MATLAB file for reading by boxes.

    Version 7.3 is read from the file box by box; version 5 is compressed as a whole, so it is read into memory.

    Parameters
    ----------
    path, key
        As in `read`.

    Returns
    -------
    Stored
        The array as MATLAB shows it.

    Raises
    ------
    DataError
        There is no such variable.
    """
    if not is_hdf5_mat(path):
        whole = read(path, key)
        return Stored(ArrayBoxes(whole.pixels), whole.pixels.shape, whole.pixels.dtype, whole.axes, {})
    import h5py

    file = h5py.File(path, "r")
    try:
        keys = [name for name in file if isinstance(file[name], h5py.Dataset) and _image_dataset(file[name])]
        dataset = file[choose_key(keys, key, str(path))]
        axes = _axes_of(_from_hdf5(file[_AXES_KEY]) if _AXES_KEY in file else None, dataset.ndim)
        boxes = DatasetBoxes(file, dataset, mirrored=True)
        return Stored(boxes, dataset.shape[::-1], dataset.dtype.newbyteorder("="), axes, {})
    except BaseException:
        file.close()
        raise


def _from_hdf5(dataset: Any) -> np.ndarray:
    value: np.ndarray = np.asarray(dataset[()]).transpose()
    matlab_class = dataset.attrs.get("MATLAB_class", b"")
    if matlab_class == b"char":
        return np.array(["".join(chr(c) for c in value.reshape(-1))])
    return value.astype(bool) if matlab_class == b"logical" else value


def _image_dataset(dataset: Any) -> bool:
    known = dataset.attrs.get("MATLAB_class", b"") not in (b"char", b"logical", b"cell")
    return known and dataset.dtype.kind in "uif" and dataset.ndim >= 2 and dataset.size > 1


def _image_like(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "uif" and value.ndim >= 2 and value.size > 1


def _axes_of(value: np.ndarray | None, rank: int) -> str | None:
    if value is None or value.size != 1 or value.dtype.kind != "U":
        return None
    axes = str(value.reshape(-1)[0])
    return axes if len(axes) == rank and axes.isalpha() and {"Y", "X"} <= set(axes) else None
