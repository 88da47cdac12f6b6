"""MATLAB files of both kinds: version 5 (read through scipy) and 7.3 (HDF5 inside, axes in the opposite order).

Both give the array as MATLAB shows it, in cells and structures too. A character variable ``axes`` in the file names its axes;
files written here have one. The result of an image from a MATLAB file keeps the other variables of that file.
"""

import warnings
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError, DataWarning, name_some
from bsn.data.files.formats import mat_datasets, mat_values
from bsn.data.files.formats.container import CONTAINER, Container, choose_key, container_of, name_of
from bsn.data.files.formats.decoded import ArrayBoxes, Decoded, Stored
from bsn.data.files.formats.hdf5_boxes import DatasetBoxes, DatasetOutput
from bsn.data.files.formats.losses import Keeping
from bsn.data.files.formats.mat_structure import check_structure

SUFFIXES = (".mat",)
#: A MATLAB file keeps what is in the file that its image came from, and nothing of other formats.
KEEPING = Keeping("a MATLAB file")
_DEFAULT_KEY = "image"
_AXES_KEY = "axes"
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LIMIT = 2**31  # bytes of one variable in a version 5 file
_LONGEST_NAME = 63


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
        Numeric and character variables by name, in the order of the file (7.3: alphabetical), in the type that they have in
        MATLAB. Characters as an array of one string.
    """
    if not is_hdf5_mat(path):
        return {name: value for name, value in _load(path, names).items() if not name.startswith("__")}
    import h5py

    with h5py.File(path, "r") as file:
        wanted = [name for name in file if isinstance(file[name], h5py.Dataset) and (names is None or name in names)]
        return {name: _from_hdf5(file[name]) for name in wanted}


def read(path: Path, key: str | None = None) -> Decoded:
    """Read one array of a MATLAB file.

    Parameters
    ----------
    path : Path
        The file, version 5 or 7.3.
    key : str, optional
        The array, such as ``noisy``, ``frames{2}`` or ``scan.image``; needed where the file has several.

    Returns
    -------
    Decoded
        The array as MATLAB shows it.

    Raises
    ------
    DataError
        There is no such array, or there are several and no key. Other failures are left to the caller to translate.
    """
    if is_hdf5_mat(path):
        with closing(_Opened(path, key)) as opened:
            whole = opened.boxes.read((0,) * len(opened.shape), opened.shape)
            return Decoded(np.ascontiguousarray(whole.astype(opened.dtype, copy=False)), opened.axes, opened.metadata)
    variables = _load(path)
    chosen, place = _choose(variables, key, path)
    axes = _axes_of(variables.get(_AXES_KEY), place.value.ndim)
    return Decoded(np.ascontiguousarray(place.value), axes, {CONTAINER: Container(path, chosen)})


def open_boxes(path: Path, key: str | None = None) -> Stored:
    """Open one array of a MATLAB file for reading by boxes.

    Version 7.3 is read from the file box by box; version 5 is compressed as a whole, so it is read into memory.

    Parameters
    ----------
    path, key
        See `read`.

    Returns
    -------
    Stored
        The array as MATLAB shows it.

    Raises
    ------
    DataError
        See `read`.
    """
    if is_hdf5_mat(path):
        opened = _Opened(path, key)
        return Stored(opened.boxes, opened.shape, opened.dtype, opened.axes, opened.metadata)
    whole = read(path, key)
    return Stored(ArrayBoxes(whole.pixels), whole.pixels.shape, whole.pixels.dtype, whole.axes, whole.metadata)


class _Opened:
    """One array of a version 7.3 file."""

    def __init__(self, path: Path, key: str | None) -> None:
        import h5py

        file = h5py.File(path, "r")
        try:
            places = mat_datasets.find_datasets(file)
            chosen = choose_key(mat_datasets.listed(places), key, str(path))
            place = places[chosen]
            self.boxes = DatasetBoxes(file, place.dataset, mirrored=True)
            self.shape, self.dtype = place.shape, place.dtype
            stored = _from_hdf5(file[_AXES_KEY]) if isinstance(file.get(_AXES_KEY), h5py.Dataset) else None
            self.axes = _axes_of(stored, len(self.shape))
            self.metadata = {CONTAINER: Container(path, chosen)}
        except BaseException:
            file.close()
            raise

    def close(self) -> None:
        self.boxes.close()


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write a MATLAB file.

    An image that came from a MATLAB file is written into a copy of that file, of the same version. Else the file is of
    version 5 and has the variables ``image`` (or `key`) and ``axes``.

    Parameters
    ----------
    path : Path
        Where to write.
    image : Decoded
        Less than 2 GiB, except into a copy of version 7.3.
    key : str, optional
        Name of the variable. A file of its own is written then.
    target : Path
        The name for messages.

    Raises
    ------
    DataError
        The array is too large for the format, or `key` is not a name of a variable.
    """
    boxes = create_boxes(path, image.pixels.shape, image.pixels.dtype, image.metadata, key)
    if boxes is not None:
        with closing(boxes):
            boxes.write((0,) * image.pixels.ndim, image.pixels)
        return
    if image.pixels.nbytes >= _LIMIT:
        raise DataError(str(target), "a MATLAB file of version 5 holds less than 2 GiB", "write .h5 or .tif")
    if image.pixels.dtype == np.float16:
        raise DataError(f"float16 pixels for {target}", "MATLAB has no such type", "write .npy, .h5 or .tif")
    container = container_of(image.metadata, *SUFFIXES) if key is None else None
    variables = {} if container is None else _others(container.path)
    if container is not None and container.key in (places := mat_values.find_arrays(variables)):
        place = places[container.key]
        place.holder[place.index] = image.pixels
    else:
        variables = {_variable(image, key, target): image.pixels, _AXES_KEY: image.axes or ""}
    from scipy.io import savemat

    with path.open("wb") as file:
        savemat(file, variables, long_field_names=True)


def create_boxes(
    path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], metadata: Mapping[str, Any], key: str | None
) -> DatasetOutput | None:
    """Open a copy of the file that an image came from for writing its result by boxes.

    Parameters
    ----------
    path : Path
        Where to write.
    shape : tuple of int
        Shape of the result as MATLAB shows it.
    dtype : numpy.dtype
        Its type.
    metadata : mapping
        Metadata of the image.
    key : str or None
        See `write`.

    Returns
    -------
    DatasetOutput or None
        None where the image does not come from a version 7.3 file: other files are written whole.
    """
    container = container_of(metadata, *SUFFIXES) if key is None else None
    if container is None or not is_hdf5_mat(container.path):
        return None
    path.unlink(missing_ok=True)
    return mat_datasets.rewritten(path, container.path, container.key, shape, dtype)


def _variable(image: Decoded, key: str | None, target: Path) -> str:
    """Name the variable: a wanted name must be one, a name from another format may have to give way."""
    name = name_of(image.metadata, key)
    fits = name.isidentifier() and name.isascii() and not name.startswith("_") and name != _AXES_KEY
    if fits and len(name) <= _LONGEST_NAME:
        return name
    if key is None:
        return _DEFAULT_KEY
    raise DataError(f"key {name!r} for {target}", "is not a name for a variable in MATLAB", "use letters and digits")


def _load(path: Path, names: list[str] | None = None) -> dict[str, Any]:
    """Load a version 5 file, each variable in the type that it has in MATLAB, not in the shorter one it is stored in."""
    from scipy.io import loadmat

    if not check_structure(path):
        loaded: dict[str, Any] = loadmat(path, variable_names=names, mat_dtype=True)
        return loaded
    with warnings.catch_warnings():
        # In the types of MATLAB, scipy gives the real parts alone, so complex numbers are taken as they are stored.
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        loaded = loadmat(path, variable_names=names, mat_dtype=True)
    stored = loadmat(path, variable_names=names)
    return {name: mat_values.with_complex(value, stored[name]) for name, value in loaded.items()}


def _choose(variables: dict[str, Any], key: str | None, path: Path) -> tuple[str, mat_values.Place]:
    places = mat_values.find_arrays(variables)
    # To MATLAB a number is an array of one element; only a file with axes means it as an image.
    if not places:
        for name, value in variables.items():
            if _is_single(value) and name != _AXES_KEY and _axes_of(variables.get(_AXES_KEY), value.ndim):
                places[name] = mat_values.Place(value, variables, name)
    chosen = choose_key(mat_values.listed(places), key, str(path))
    return chosen, places[chosen]


def _is_single(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "uifb" and value.size == 1


def _others(path: Path) -> dict[str, Any]:
    """Load all variables that can be written again; say which cannot."""
    from scipy.io.matlab import MatlabFunction, MatlabOpaque

    variables = {name: value for name, value in _load(path).items() if not name.startswith("__")}
    lost = [name for name, value in variables.items() if isinstance(value, (MatlabFunction, MatlabOpaque))]
    if lost:
        warnings.warn(
            f"{path.name}: {name_some(lost)} cannot be written again (functions and objects of MATLAB)",
            DataWarning,
            stacklevel=2,
        )
    return {name: value for name, value in variables.items() if name not in lost}


def _from_hdf5(dataset: Any) -> np.ndarray:
    value: np.ndarray = np.asarray(dataset[()]).transpose()
    kind = mat_datasets.matlab_class(dataset)
    if kind == "char":
        return np.array(["".join(chr(c) for c in value.reshape(-1))])
    return value.astype(bool) if kind == "logical" else value


def _axes_of(value: np.ndarray | None, rank: int) -> str | None:
    if value is None or value.size != 1 or value.dtype.kind != "U":
        return None
    axes = str(value.reshape(-1)[0])
    return axes if len(axes) == rank and axes.isalpha() and {"Y", "X"} <= set(axes) else None
