"""Boxes of HDF5 datasets, read and written."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bsn.data.files.formats.hdf5_output import HDF5Output


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
            Pixels in native byte order.
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
    mirrored : bool
        See `DatasetBoxes`.
    """

    def __init__(self, output: HDF5Output, dataset: Any, *, mirrored: bool = False) -> None:
        self.output = output
        self.dataset = dataset
        self.mirrored = mirrored

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
        slices = tuple(slice(s, s + n) for s, n in zip(starts, box.shape, strict=True))
        # Logical arrays of MATLAB are stored as bytes.
        box = box.astype(self.dataset.dtype, copy=False)
        if self.mirrored:
            self.dataset[slices[::-1]] = box.transpose()
        else:
            self.dataset[slices] = box
        self.output.check()

    def close(self) -> None:
        """Write what is left and close the file.

        Raises
        ------
        OSError
            A write failed, now or earlier.
        """
        self.output.close()


def replaced_dataset(file: Any, dataset: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Make room for a result where a dataset lies, under its name and with its attributes.

    Parameters
    ----------
    file : h5py.File
        Open for writing.
    dataset : h5py.Dataset
        The dataset in it.
    shape : tuple of int
        Shape of the result, in the order of the file.
    dtype : numpy.dtype
        Type of the result.

    Returns
    -------
    h5py.Dataset
        The dataset itself where shape and type are its own. A dataset whose pixels lie in other files is always a new one:
        the result must not be written into those.
    """
    elsewhere = dataset.is_virtual or dataset.external
    if dataset.shape == shape and dataset.dtype.newbyteorder("=") == dtype and not elsewhere:
        return dataset
    name, attributes, packing = dataset.name, dict(dataset.attrs), _packing(dataset, shape)
    del file[name]
    new = file.create_dataset(name, shape=shape, dtype=dtype, **packing)
    new.attrs.update(attributes)
    return new


def _packing(dataset: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """How a dataset is divided and compressed, as far as another one of this shape can be."""
    names = ("compression", "compression_opts", "shuffle", "fletcher32")
    kept = {name: getattr(dataset, name) for name in names if getattr(dataset, name)}
    fits = dataset.chunks is not None and len(dataset.chunks) == len(shape)
    fits = fits and all(c <= n for c, n in zip(dataset.chunks, shape, strict=True))
    return {"chunks": dataset.chunks if fits else True, **kept}
