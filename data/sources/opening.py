"""One door to all sources: whatever holds training images, opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.sources.array_source import ArraySource
from bsn.data.sources.folder_source import FolderSource
from bsn.data.sources.packed_source import HDF5Source, is_packed
from bsn.data.sources.plane_source import PlaneSource

if TYPE_CHECKING:
    import torch

_HDF5 = (".h5", ".hdf5")


def open_source(
    images: "str | Path | Sequence[str | Path] | np.ndarray | torch.Tensor | Sequence[np.ndarray | torch.Tensor]",
    *,
    axes: str | None = None,
    key: str | None = None,
    cache_bytes: int = 2 * 2**30,
) -> PlaneSource:
    """Open whatever holds training images.

    Parameters
    ----------
    images : path, sequence of paths, array or sequence of arrays
        A file made by `bsn.data.pack`; files, folders and patterns as in `bsn.data.list_images`; arrays.
    axes : str, optional
        One letter per axis, for all images; a packed file has its own.
    key : str, optional
        As in `bsn.data.files.images.read_image`.
    cache_bytes : int
        How much of the files is kept in memory.

    Returns
    -------
    PlaneSource
        `ArraySource`, `FolderSource` or `HDF5Source`; all are an `ImageSource`.

    Raises
    ------
    DataError
        As the classes.
    """
    listed: list[Any] = list(images) if isinstance(images, (list, tuple)) else [images]
    paths = [Path(p) for p in listed if isinstance(p, (str, Path))]
    if not paths:
        return ArraySource(listed, axes)
    if len(paths) < len(listed):
        raise DataError("a list of paths and arrays", "one source reads files or memory", "give one kind of them")
    single = Path(paths[0])
    if len(paths) == 1 and single.suffix.lower() in _HDF5 and single.is_file() and is_packed(single):
        return HDF5Source(single)
    return FolderSource(paths, axes=axes, key=key, cache_bytes=cache_bytes)
