"""Training images in one packed HDF5 file, written by `data.packing.pack`, which describes its layout."""

from pathlib import Path
from typing import Any

import numpy as np

from data.errors import DataError, reading
from data.plane_source import PlaneSource

FORMAT = "blindspot-pack"
FORMAT_VERSION = 1
GROUP = "images"


def is_packed(path: Path) -> bool:
    """Tell a packed file from other HDF5 files.

    Parameters
    ----------
    path : Path
        An HDF5 file.

    Returns
    -------
    bool
        False also where the file cannot be opened.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return bool(file.attrs.get("format") == FORMAT)
    except OSError:
        return False


class HDF5Source(PlaneSource):
    """Images in a packed file.

    Crops are read from the file each time; its chunks make that about as fast as memory once the system has them
    cached.

    Parameters
    ----------
    path : str or Path
        A file written by `data.packing.pack`.

    Raises
    ------
    DataError
        The file cannot be read, was not written by `pack`, or by a later version of it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._opened: Any = None
        try:
            with reading(self.path):
                self._load()
        except BaseException:
            self.close()
            raise

    def _load(self) -> None:
        attributes = self._file.attrs
        if attributes.get("format") != FORMAT:
            raise DataError(
                str(self.path), "is no packed file", "make one with data.packing.pack, or open it as a folder"
            )
        if int(attributes["format_version"]) > FORMAT_VERSION:
            version = f"was packed with layout {attributes['format_version']}"
            raise DataError(str(self.path), f"{version}, newer than {FORMAT_VERSION}", "update this package")
        self._channels = int(attributes["channels"])
        self._dtype = np.dtype(str(attributes["dtype"]))
        datasets = [self._file[GROUP][key] for key in sorted(self._file[GROUP])]
        if len(datasets) != int(attributes["count"]):
            raise DataError(str(self.path), f"has {len(datasets)} of {attributes['count']} images", "pack it again")
        self._names = [str(dataset.attrs["name"]) for dataset in datasets]
        self._sizes = [(int(dataset.shape[1]), int(dataset.shape[2])) for dataset in datasets]

    @property
    def _file(self) -> Any:
        if self._opened is None:
            import h5py

            self._opened = h5py.File(self.path, "r")
        return self._opened

    def __len__(self) -> int:
        return len(self._names)

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return self._channels

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored pixels."""
        return self._dtype

    def name(self, index: int) -> str:
        """Name an image, see `PlaneSource.name`."""
        self.check(index)
        return self._names[index]

    def size(self, index: int) -> tuple[int, int]:
        """Return the size of an image, see `PlaneSource.size`."""
        self.check(index)
        return self._sizes[index]

    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region as it is stored, see `PlaneSource.native`."""
        with reading(self.path):
            dataset = self._file[f"{GROUP}/{index:06d}"]
            pixels: np.ndarray = dataset[:, top : top + height, left : left + width]
            return pixels

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __getstate__(self) -> dict[str, Any]:
        # An opened HDF5 file does not travel to other processes; those open it anew.
        return {**self.__dict__, "_opened": None}
