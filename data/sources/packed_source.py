"""Training images in one packed HDF5 file, written by `bsn.data.sources.packing.pack`, which describes its layout."""

from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from bsn.data.arrays.axes import PlaneIndex
from bsn.data.arrays.planes import refuse_missing
from bsn.data.files.formats.packed import (
    FORMAT,
    FORMAT_VERSION,
    GROUP,
    MISSING,
    STACK_SHAPE,
    options_of_packed,
)
from bsn.data.files.options import ReadOptions
from bsn.data.sources.hdf5_planes import HDF5Planes
from bsn.data.sources.neighbours import neighbour_in


class HDF5Source(HDF5Planes):
    """Images in a packed file.

    Crops are read from the file each time; its chunks make that about as fast as memory once the system has them
    cached.

    Parameters
    ----------
    path : str or Path
        A file written by `bsn.data.sources.packing.pack`.
    options : ReadOptions, optional
        How missing values are treated, and the value range, which is that of the packed images unless it is stated. The
        axes of a packed file are known.

    Raises
    ------
    DataError
        The file cannot be read, was not written by `pack`, or by a later version of it; it has missing pixels, and `options`
        do not keep them.
    """

    FORMAT, FORMAT_VERSION, GROUP = FORMAT, FORMAT_VERSION, GROUP
    KIND = "packed file"
    MAKER = "make one with `bsn pack`, or open it as a folder"
    REMEDY = "check that the file is complete, or pack it again"

    def __init__(self, path: str | Path, options: ReadOptions | None = None) -> None:
        self.options = options or ReadOptions()
        super().__init__(path)

    def _load(self) -> None:
        self.options = options_of_packed(self._file, self.options)
        if self._file.attrs.get(MISSING) and self.options.nan == "refuse":
            refuse_missing(str(self.path), "some pixels")
        self._channels = int(self._file.attrs["channels"])
        self._dtype = np.dtype(str(self._file.attrs["dtype"]))
        images = [self._file[GROUP][key].attrs for key in sorted(self._file[GROUP])]
        self._stacks = [
            (PlaneIndex(str(about["axes"]), tuple(about[STACK_SHAPE])), int(about["plane"]))
            if STACK_SHAPE in about
            else None
            for about in images
        ]

    @property
    @override
    def channels(self) -> int:
        return self._channels

    @property
    @override
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    def neighbour(self, index: int, offset: int, axis: str = "") -> int | None:
        """Find a neighbour among the planes of the same file, see `bsn.data.StackedSource`.

        Parameters
        ----------
        index, offset, axis
            See there.

        Returns
        -------
        int or None
        """
        self.check(index)
        known = self._stacks[index]
        if known is None:
            return None
        planes, own = known
        found = neighbour_in(planes, own, offset, axis)
        return None if found is None else index - own + found

    @override
    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        return self._region(GROUP, index, top, left, height, width)
