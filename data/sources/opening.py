"""One door to all sources: whatever holds training images, opened."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.files.formats.packed import is_packed
from bsn.data.files.options import ReadOptions
from bsn.data.sources.array_source import ArraySource
from bsn.data.sources.folder_source import FolderSource
from bsn.data.sources.packed_source import HDF5Source
from bsn.data.sources.plane_source import PlaneSource

if TYPE_CHECKING:
    import torch


def open_source(
    images: "str | Path | Sequence[str | Path] | np.ndarray | torch.Tensor | Sequence[np.ndarray | torch.Tensor]",
    options: ReadOptions | None = None,
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
    options : ReadOptions, optional
        How all of them are read. A packed file has its own axes, and its own value range unless the options state one; a
        key takes one of its images.
    axes, key : str, optional
        Single options, which win over `options`.
    cache_bytes : int
        How much of the files is kept in memory.

    Returns
    -------
    PlaneSource
        `ArraySource`, `FolderSource` or `HDF5Source`; all are an `ImageSource`.

    Raises
    ------
    DataError
        If one of the classes raises it.
    """
    chosen = ReadOptions.of(options, axes=axes, key=key)
    listed: list[Any] = list(images) if isinstance(images, (list, tuple)) else [images]
    paths = [Path(p) for p in listed if isinstance(p, (str, Path))]
    if not paths:
        return ArraySource(listed, options=chosen)
    if len(paths) < len(listed):
        raise DataError("a list of paths and arrays", "one source reads files or memory", "give one kind of them")
    single = Path(paths[0])
    if len(paths) == 1 and chosen.key is None and is_packed(single):
        return HDF5Source(single, chosen)
    return FolderSource(paths, chosen, cache_bytes=cache_bytes)
