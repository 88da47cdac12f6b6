"""Sources of training images: arrays in memory, files and folders, packed files, and parts of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bsn.data.errors import DataError
from bsn.data.folder_source import FolderSource
from bsn.data.packed_source import HDF5Source, is_packed
from bsn.data.plane_source import ImageSource, PlaneSource
from bsn.data.planes import check_finite, native_planes

if TYPE_CHECKING:
    import torch

_HDF5 = (".h5", ".hdf5")

__all__ = ["ArraySource", "FolderSource", "HDF5Source", "ImageSource", "SubsetSource", "open_source", "subset"]


class ArraySource(PlaneSource):
    """Images that are in memory.

    Parameters
    ----------
    arrays : ndarray, torch.Tensor or sequence of them
        Images or stacks, uint8, uint16 or floating point; kept in their dtype, not copied where that can be avoided.
    axes : str, optional
        One letter per axis, the same for all; guessed from each shape where left out.

    Raises
    ------
    DataError
        No arrays, a wrong type, NaN pixels, or different channel counts or dtypes.

    Examples
    --------
    >>> source = ArraySource(np.zeros((5, 64, 48), dtype=np.uint8), "ZYX")
    >>> len(source), source.channels, source.size(0), source.name(2)
    (5, 1, (64, 48), 'array[z=2]')
    """

    def __init__(
        self,
        arrays: "np.ndarray | torch.Tensor | Sequence[np.ndarray | torch.Tensor]",
        axes: str | None = None,
    ) -> None:
        listed: list[Any] = list(arrays) if isinstance(arrays, (list, tuple)) else [arrays]
        if not listed:
            raise DataError("an empty list of arrays", "there is nothing to draw from", "give at least one image")
        self._planes: list[np.ndarray] = []
        self._names: list[str] = []
        for number, array in enumerate(listed):
            title = "array" if len(listed) == 1 else f"array {number}"
            planes, layout = native_planes(array, axes)
            check_finite(planes, title)
            if self._planes and (planes.shape[1] != self.channels or planes.dtype != self.dtype):
                raise DataError(
                    f"{title} ({planes.shape[1]} channels, {planes.dtype})",
                    f"the arrays before it have {self.channels} channels of {self.dtype}",
                    "give arrays of one kind",
                )
            labels = [layout.index.label(i) for i in range(len(planes))]
            self._planes.extend(planes)
            self._names.extend(f"{title}[{label}]" if label else title for label in labels)

    def __len__(self) -> int:
        return len(self._planes)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return int(self._planes[0].shape[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored pixels."""
        return self._planes[0].dtype

    def name(self, index: int) -> str:
        """Name an image, see `PlaneSource.name`."""
        self.check(index)
        return self._names[index]

    def size(self, index: int) -> tuple[int, int]:
        """Return the size of an image, see `PlaneSource.size`."""
        self.check(index)
        return self._planes[index].shape[1], self._planes[index].shape[2]

    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region as it is stored, see `PlaneSource.native`."""
        return self._planes[index][:, top : top + height, left : left + width]


class SubsetSource:
    """Some images of another source; see `subset`."""

    def __init__(self, source: ImageSource, indices: Sequence[int]) -> None:
        self._source = source
        self._indices = [int(i) for i in indices]

    def __len__(self) -> int:
        return len(self._indices)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return self._source.channels

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored pixels."""
        return self._source.dtype

    def name(self, index: int) -> str:
        """Name an image, see `PlaneSource.name`."""
        return self._source.name(self._original(index))

    def size(self, index: int) -> tuple[int, int]:
        """Return the size of an image, see `PlaneSource.size`."""
        return self._source.size(self._original(index))

    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region, see `PlaneSource.crop`."""
        return self._source.crop(self._original(index), top, left, height, width)

    def image(self, index: int) -> np.ndarray:
        """Read a whole image, see `PlaneSource.image`."""
        return self._source.image(self._original(index))

    def _original(self, index: int) -> int:
        if not 0 <= index < len(self):
            raise DataError(f"image {index}", f"the subset has {len(self)}", f"count from 0 to {len(self) - 1}")
        return self._indices[index]


def subset(source: ImageSource, indices: Sequence[int]) -> SubsetSource:
    """Take some images of a source, for example for validation.

    Parameters
    ----------
    source : ImageSource
        The images.
    indices : sequence of int
        Which of them, in the wanted order.

    Returns
    -------
    SubsetSource
        A source of them; nothing is copied.

    Raises
    ------
    DataError
        No indices, or one that is not in the source.
    """
    wrong = [int(i) for i in indices if not 0 <= i < len(source)]
    if len(indices) == 0 or wrong:
        given = f"index {wrong[0]}" if wrong else "an empty list of indices"
        raise DataError(given, f"the source has {len(source)} images", f"give numbers from 0 to {len(source) - 1}")
    return SubsetSource(source, indices)


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
        A file made by `bsn.data.packing.pack`; files, folders and patterns as in `bsn.data.listing.list_images`; arrays.
    axes : str, optional
        One letter per axis, for all images; a packed file has its own.
    key : str, optional
        As in `bsn.data.images.read_image`.
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
