"""HDF5 files: one dataset per image, its axes in the attribute ``axes``.

The result of an image from an HDF5 file is a copy of that file with the pixels replaced, so names, attributes, compression
and everything else in the file stay.
"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.files.formats.container import CONTAINER, Container, choose_key, container_of, name_of
from bsn.data.files.formats.decoded import Decoded, Stored
from bsn.data.files.formats.hdf5_boxes import DatasetBoxes, DatasetOutput, replaced_dataset
from bsn.data.files.formats.hdf5_listing import external_part, known_name, list_datasets
from bsn.data.files.formats.hdf5_output import CHUNK_CACHE, CHUNK_SLOTS, HDF5Output
from bsn.data.files.formats.losses import Keeping
from bsn.data.files.formats.ome_zarr import letters_of
from bsn.data.files.formats.packed import AXES, holds_pack

SUFFIXES = (".h5", ".hdf5")
#: An HDF5 file keeps what is in the file that its image came from, and nothing of other formats.
KEEPING = Keeping("an HDF5 file")
_CHUNK = 256


def stored_axes(dataset: Any) -> str | None:
    """Read the attribute ``axes`` of a dataset, or else the labels of its dimensions.

    Parameters
    ----------
    dataset : h5py.Dataset
        The dataset.

    Returns
    -------
    str or None
        None where there is neither, or the attribute is not an axes string of ours (the name is used by others too).
    """
    axes = dataset.attrs.get("axes")
    if axes is None:
        return _labelled_axes(dataset)
    text = axes.decode("ascii", "replace") if isinstance(axes, bytes) else axes
    if isinstance(text, str) and text.isalpha() and len(text) == dataset.ndim and {"Y", "X"} <= set(text):
        return text
    return None


def _labelled_axes(dataset: Any) -> str | None:
    """Axes by the labels of the dimensions, as h5py and netCDF write them."""
    labels = [dimension.label for dimension in dataset.dims]
    return letters_of(labels) if all(labels) else None


def read(path: Path, key: str | None = None) -> Decoded:
    """Read one image of an HDF5 file.

    Parameters
    ----------
    path : Path
        The file.
    key : str, optional
        The dataset; needed where the file has several of two or more axes.

    Returns
    -------
    Decoded
        The dataset, its axes if they are stored.

    Raises
    ------
    DataError
        There is no such dataset, or there are several and no key. Other failures are left to the caller to translate.
    """
    import h5py

    with h5py.File(path, "r") as file:
        chosen = _chosen(file, key, path)
        dataset = file[chosen]
        return Decoded(dataset[()], _axes(file, dataset), _metadata(file, path, chosen))


def open_boxes(path: Path, key: str | None = None) -> Stored:
    """Open one image of an HDF5 file for reading by boxes.

    Parameters
    ----------
    path, key
        See `read`.

    Returns
    -------
    Stored
        The dataset, its axes if they are stored.

    Raises
    ------
    DataError
        See `read`.
    """
    import h5py

    file = h5py.File(path, "r", rdcc_nbytes=CHUNK_CACHE, rdcc_nslots=CHUNK_SLOTS)
    try:
        chosen = _chosen(file, key, path)
        dataset = file[chosen]
        shape, dtype = tuple(dataset.shape), dataset.dtype.newbyteorder("=")
        metadata = _metadata(file, path, chosen)
        return Stored(DatasetBoxes(file, dataset), shape, dtype, _axes(file, dataset), metadata)
    except BaseException:
        file.close()
        raise


def _chosen(file: Any, key: str | None, path: Path) -> str:
    images = list_datasets(file)
    return choose_key(images, known_name(file, key, images), str(path))


def _axes(file: Any, dataset: Any) -> str | None:
    return AXES if holds_pack(file) else stored_axes(dataset)


def _metadata(file: Any, path: Path, key: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {CONTAINER: Container(path, key)}
    if holds_pack(file) and "value_range" in file.attrs:
        metadata["value_range"] = tuple(float(value) for value in file.attrs["value_range"])
    return metadata


def write(path: Path, image: Decoded, key: str | None, target: Path) -> None:
    """Write an HDF5 file with one dataset, or a copy of the file that the image came from with its pixels replaced.

    Parameters
    ----------
    path : Path
        Where to write; a new file.
    image : Decoded
        Any shape and dtype.
    key : str, optional
        Name of the dataset. A file of its own is written then.
    target : Path
        The name for messages.
    """
    boxes = create_boxes(path, image.pixels.shape, image.axes, image.pixels.dtype, image.metadata, key)
    with closing(boxes):
        boxes.write((0,) * image.pixels.ndim, image.pixels)


def create_boxes(
    path: Path,
    shape: tuple[int, ...],
    axes: str | None,
    dtype: np.dtype[Any],
    metadata: Mapping[str, Any],
    key: str | None,
) -> DatasetOutput:
    """Create an HDF5 file with one dataset to be filled box by box.

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
    metadata : mapping
        Metadata of the image; an entry ``container`` of an HDF5 file makes the new file a copy of that one.
    key : str, optional
        Its name, in a file of its own.

    Returns
    -------
    DatasetOutput
        Open for writing.
    """
    container = container_of(metadata, *SUFFIXES) if key is None else None
    if container is None:
        return _create(path, shape, axes, dtype, name_of(metadata, key))
    output = HDF5Output(path, copy_of=container.path)
    try:
        known, dataset = _place(output.file, container, shape, dtype)
        if dataset is not known and axes is not None and "axes" in dataset.attrs:
            dataset.attrs["axes"] = axes
        return DatasetOutput(output, dataset)
    except BaseException:
        output.close()
        raise


def _place(file: Any, container: Container, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """The dataset that is replaced, if it is in the file, and the one that the result goes to."""
    import h5py

    link = external_part(file, container.key)
    if link is None:
        known = file[container.key]
        return known, replaced_dataset(file, known, shape, dtype)
    # The pixels are in another file, which the result must not be written into: it takes the place of the link.
    with h5py.File(container.path, "r") as original:
        attributes = dict(original[container.key].attrs)
    del file[link]
    dataset = file.create_dataset(container.key, shape=shape, dtype=dtype, chunks=True)
    dataset.attrs.update(attributes)
    return None, dataset


def _create(path: Path, shape: tuple[int, ...], axes: str | None, dtype: np.dtype[Any], name: str) -> DatasetOutput:
    output = HDF5Output(path)
    letters = axes or "?" * len(shape)
    chunks = tuple(min(n, _CHUNK) if a in "YX" else (n if a == "S" else 1) for a, n in zip(letters, shape, strict=True))
    dataset = output.file.create_dataset(name, shape=shape, dtype=dtype, chunks=chunks)
    if axes is not None:
        dataset.attrs["axes"] = axes
    return DatasetOutput(output, dataset)
