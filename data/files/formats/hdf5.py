"""HDF5 files: one dataset per image, its axes in the attribute ``axes``."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.files.formats.decoded import Decoded, Stored, choose_key
from bsn.data.files.formats.hdf5_output import HDF5Output

_DEFAULT_KEY = "image"
_CHUNK = 256


class DatasetBoxes:
    """Boxes of an HDF5 dataset.

    Parameters
    ----------
    file : h5py.File
        Closed by `close`.
    dataset : h5py.Dataset
        The array.
    mirrored : bool
        Whether its axes stand in the opposite order, as in MATLAB's files.
    """

    def __init__(self, file: Any, dataset: Any, *, mirrored: bool = False) -> None:
        self.file = file
        self.dataset = dataset
        self.mirrored = mirrored

    def read(self, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        """Read one box.

        Parameters
        ----------
        starts, sizes : sequence of int
            First index and length along each axis.

        Returns
        -------
        ndarray, shape `sizes`
            In native byte order.
        """
        slices = tuple(slice(s, s + n) for s, n in zip(starts, sizes, strict=True))
        box: np.ndarray = self.dataset[slices[::-1]].transpose() if self.mirrored else self.dataset[slices]
        return box.astype(box.dtype.newbyteorder("="), copy=False)

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class DatasetOutput:
    """An HDF5 dataset that is filled box by box.

    Parameters
    ----------
    output : HDF5Output
        Its file; closed by `close`.
    dataset : h5py.Dataset
        The array.
    """

    def __init__(self, output: HDF5Output, dataset: Any) -> None:
        self.output = output
        self.dataset = dataset

    def write(self, starts: Sequence[int], box: np.ndarray) -> None:
        """Write one box.

        Parameters
        ----------
        starts : sequence of int
            First index along each axis.
        box : ndarray
            The pixels.

        Raises
        ------
        OSError
            A write failed, now or earlier.
        """
        self.dataset[tuple(slice(s, s + n) for s, n in zip(starts, box.shape, strict=True))] = box
        self.output.check()

    def close(self) -> None:
        """Write what is left and close the file.

        Raises
        ------
        OSError
            A write failed, now or earlier.
        """
        self.output.close()


def image_keys(file: Any) -> list[str]:
    """List the datasets of an HDF5 file that can be images.

    Parameters
    ----------
    file : h5py.File
        The opened file.

    Returns
    -------
    list of str
        Names of numeric datasets of two or more axes, in alphabetical order.
    """
    import h5py

    keys: list[str] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "uif" and len(item.shape or ()) >= 2:
            keys.append(name)

    file.visititems(visit)
    return sorted(keys)


def stored_axes(dataset: Any) -> str | None:
    """Read the attribute ``axes`` of a dataset.

    Parameters
    ----------
    dataset : h5py.Dataset
        The dataset.

    Returns
    -------
    str or None
        None where there is no such attribute, or it is no axes string of ours (the name is used by others too).
    """
    axes = dataset.attrs.get("axes")
    text = axes.decode("ascii", "replace") if isinstance(axes, bytes) else axes
    if isinstance(text, str) and text.isalpha() and len(text) == dataset.ndim and {"Y", "X"} <= set(text):
        return text
    return None


def read(path: Path, key: str | None = None) -> Decoded:
    """Read one image of an HDF5 file.

    Parameters
    ----------
    path : Path
        The file.
    key : str, optional
        The dataset; by default the first one of two or more axes.

    Returns
    -------
    Decoded
        The dataset, its axes if they are stored.

    Raises
    ------
    DataError
        There is no such dataset. Other failures are left to the caller to translate.
    """
    import h5py

    with h5py.File(path, "r") as file:
        dataset = file[choose_key(image_keys(file), key, str(path))]
        return Decoded(dataset[()], stored_axes(dataset), {})


def open_boxes(path: Path, key: str | None = None) -> Stored:
    """Open one image of an HDF5 file for reading by boxes.

    Parameters
    ----------
    path, key
        As in `read`.

    Returns
    -------
    Stored
        The dataset, its axes if they are stored.

    Raises
    ------
    DataError
        There is no such dataset.
    """
    import h5py

    file = h5py.File(path, "r")
    try:
        dataset = file[choose_key(image_keys(file), key, str(path))]
        shape, dtype, axes = tuple(dataset.shape), dataset.dtype.newbyteorder("="), stored_axes(dataset)
        return Stored(DatasetBoxes(file, dataset), shape, dtype, axes, {})
    except BaseException:
        file.close()
        raise


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write an HDF5 file with one dataset.

    Parameters
    ----------
    path : Path
        Where to write; a new file.
    image : Decoded
        Any shape and dtype.
    key : str, optional
        Name of the dataset, ``image`` by default.
    target : Path
        The name for messages.
    """
    boxes = create_boxes(path, image.pixels.shape, image.axes, image.pixels.dtype, key)
    with closing(boxes):
        boxes.write((0,) * image.pixels.ndim, image.pixels)


def create_boxes(
    path: Path, shape: tuple[int, ...], axes: str | None, dtype: np.dtype[Any], key: str | None
) -> DatasetOutput:
    """Create an HDF5 file with one empty dataset, to be filled box by box.

    Parameters
    ----------
    path : Path
        Where to write; a new file.
    shape : tuple of int
        Shape of the dataset.
    axes : str or None
        Its axes, stored as an attribute.
    dtype : numpy.dtype
        Its type.
    key : str, optional
        Its name, ``image`` by default.

    Returns
    -------
    DatasetOutput
        Open for writing.
    """
    output = HDF5Output(path)
    letters = axes or "?" * len(shape)
    chunks = tuple(min(n, _CHUNK) if a in "YX" else (n if a == "S" else 1) for a, n in zip(letters, shape, strict=True))
    dataset = output.file.create_dataset(
        (key or "").strip("/") or _DEFAULT_KEY, shape=shape, dtype=dtype, chunks=chunks
    )
    if axes is not None:
        dataset.attrs["axes"] = axes
    return DatasetOutput(output, dataset)
