"""Reading of the HDF5 files that this project writes for training: packed images, and the caches of teachers.

In common they have the attributes ``format``, ``format_version`` and ``count``, and for each image a dataset
``<group>/000000`` ... of shape (C, H, W) with the attribute ``name``.
"""

from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from bsn.data.errors import DataError, reading
from bsn.data.sources.plane_source import PlaneSource

__all__ = ["HDF5Planes"]


class HDF5Planes(PlaneSource):
    """Images in an HDF5 file of this project, read region by region.

    The file is opened when it is needed, in each process that uses it.

    Parameters
    ----------
    path : str or Path
        The HDF5 file.

    Raises
    ------
    DataError
        The file cannot be read, is something else, is incomplete, or was written by a later version.
    """

    FORMAT: str
    FORMAT_VERSION: int
    GROUP: str
    #: What the file is, and who makes such files: "is no ..., give ...".
    KIND: str
    MAKER: str
    #: What to do with a broken file.
    REMEDY: str

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._opened: Any = None
        try:
            with reading(self.path, self.REMEDY):
                self._check()
                self._load()
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _load(self) -> None:
        """Read what is in the file besides the names and sizes of the images."""

    def _check(self) -> None:
        about = self._file.attrs
        if about.get("format") != self.FORMAT:
            raise DataError(str(self.path), f"is not a {self.KIND}", self.MAKER)
        version = int(about["format_version"])
        if version > self.FORMAT_VERSION:
            raise DataError(
                str(self.path), f"has layout {version}, newer than {self.FORMAT_VERSION}", "update this package"
            )
        images = [self._file[self.GROUP][key] for key in sorted(self._file[self.GROUP])]
        if len(images) != int(about["count"]):
            raise DataError(str(self.path), f"has {len(images)} of {about['count']} images", self.REMEDY)
        self._names = [str(image.attrs["name"]) for image in images]
        self._sizes = [(int(image.shape[1]), int(image.shape[2])) for image in images]

    @property
    def _file(self) -> Any:
        if self._opened is None:
            import h5py

            self._opened = h5py.File(self.path, "r")
        return self._opened

    def _region(
        self,
        group: str,
        index: int,
        top: int,
        left: int,
        height: int,
        width: int,
        channels: slice = slice(None),
    ) -> np.ndarray:
        """Region of some channels of one dataset, as it is stored."""
        with reading(self.path, self.REMEDY):
            pixels: np.ndarray = self._file[f"{group}/{index:06d}"][channels, top : top + height, left : left + width]
            return pixels

    def __len__(self) -> int:
        return len(self._names)

    @override
    def name(self, index: int) -> str:
        self.check(index)
        return self._names[index]

    @override
    def size(self, index: int) -> tuple[int, int]:
        self.check(index)
        return self._sizes[index]

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __getstate__(self) -> dict[str, Any]:
        # An opened HDF5 file does not travel to other processes; those open it anew.
        return {**self.__dict__, "_opened": None}
