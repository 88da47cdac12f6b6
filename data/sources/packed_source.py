"""Training images in one packed HDF5 file, written by `bsn.data.sources.packing.pack`, which describes its layout."""

from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.sources.hdf5_planes import HDF5Planes

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


class HDF5Source(HDF5Planes):
    """Images in a packed file.

    Crops are read from the file each time; its chunks make that about as fast as memory once the system has them
    cached.

    Parameters
    ----------
    path : str or Path
        A file written by `bsn.data.sources.packing.pack`.

    Raises
    ------
    DataError
        The file cannot be read, was not written by `pack`, or by a later version of it.
    """

    FORMAT, FORMAT_VERSION, GROUP = FORMAT, FORMAT_VERSION, GROUP
    KIND = "packed file"
    MAKER = "make one with `bsn pack`, or open it as a folder"
    REMEDY = "check that the file is complete, or pack it again"

    def _load(self) -> None:
        self._channels = int(self._file.attrs["channels"])
        self._dtype = np.dtype(str(self._file.attrs["dtype"]))

    @property
    def channels(self) -> int:
        """Number of channels of every image."""
        return self._channels

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored pixels."""
        return self._dtype

    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region as it is stored, see `PlaneSource.native`."""
        return self._region(GROUP, index, top, left, height, width)
