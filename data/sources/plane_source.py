"""What a source of training images is."""

from abc import ABC, abstractmethod
from typing import Any, Protocol, runtime_checkable

import numpy as np
from typing_extensions import override

from bsn.data.arrays.pixel_types import to_unit
from bsn.data.errors import DataError
from bsn.data.files.options import ReadOptions


class ImageSource(Protocol):
    """Images of one channel count and dtype, of any sizes, of which crops are drawn.

    Every plane of a stack counts as one image.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of images."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Number of channels of every image."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored pixels; what `crop` and `image` give is float32."""

    @abstractmethod
    def name(self, index: int) -> str:
        """Name an image, for example ``cells.tif[z=3]``.

        Parameters
        ----------
        index : int
            Number of the image, from 0.

        Returns
        -------
        str
        """

    @abstractmethod
    def size(self, index: int) -> tuple[int, int]:
        """Return the size of an image.

        Parameters
        ----------
        index : int
            Number of the image, from 0.

        Returns
        -------
        tuple of int
            Rows and columns.
        """

    @abstractmethod
    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region.

        Parameters
        ----------
        index : int
            Number of the image, from 0.
        top, left : int
            First row and column.
        height, width : int
            Size of the region in pixels.

        Returns
        -------
        ndarray, shape (C, height, width), float32
            Integers scaled to [0, 1], floats as they are, or what the value range of the source makes of them; missing
            values are NaN or infinite. The caller's own copy.

        Raises
        ------
        DataError
            There is no such image, or the region leaves it.
        """

    @abstractmethod
    def image(self, index: int) -> np.ndarray:
        """Read a whole image, as `crop` gives its parts.

        Parameters
        ----------
        index : int
            Number of the image, from 0.

        Returns
        -------
        ndarray, shape (C, H, W), float32

        Raises
        ------
        DataError
            There is no such image.
        """


@runtime_checkable
class PairedSource(Protocol):
    """An `ImageSource` that knows what its images should become."""

    def target(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray | None:
        """Read a region of the target.

        Parameters
        ----------
        index, top, left, height, width : int
            Number of the image, from 0, and the region in pixels.

        Returns
        -------
        ndarray, shape (..., C, height, width), float32, or None
            None where there is none.
        """
        ...


@runtime_checkable
class MaskedSource(Protocol):
    """An `ImageSource` that knows which of its pixels are not to be learned from."""

    def counted(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Tell which pixels of a region count.

        Parameters
        ----------
        index, top, left, height, width : int
            As in `ImageSource.crop`.

        Returns
        -------
        ndarray of bool, shape (height, width)
            False where a channel is missing or an outlier; `crop` then gives what is around it.
        """
        ...


def read_target(source: ImageSource, index: int, top: int, left: int, height: int, width: int) -> np.ndarray | None:
    """Read the target of a region, if the source has targets.

    Parameters
    ----------
    source : ImageSource
        Source that may have targets.
    index, top, left, height, width : int
        See `ImageSource.crop`.

    Returns
    -------
    ndarray, shape (..., C, height, width), float32, or None
        The caller's own copy.
    """
    return source.target(index, top, left, height, width) if isinstance(source, PairedSource) else None


def read_counted(source: ImageSource, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
    """Tell which pixels of a region count.

    Parameters
    ----------
    source : ImageSource
        Source that may know of pixels that are not to be learned from.
    index, top, left, height, width : int
        See `ImageSource.crop`.

    Returns
    -------
    ndarray of bool, shape (height, width)
        All of them, if the source knows of none.
    """
    if isinstance(source, MaskedSource):
        return source.counted(index, top, left, height, width)
    return np.ones((height, width), bool)


class PlaneSource(ImageSource, ABC):
    """The part of a source that does not depend on where its pixels are.

    Attributes
    ----------
    options : ReadOptions
        How its images are read; the value range counts in `crop` and `image`.
    """

    options: ReadOptions = ReadOptions()

    @abstractmethod
    def native(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        """Read a region as it is stored.

        Parameters
        ----------
        index : int
            Number of the image, from 0.
        top, left, height, width : int
            The region in pixels; it lies inside the image.

        Returns
        -------
        ndarray, shape (C, height, width), `dtype`
            The pixels; perhaps a view that must not be changed.
        """

    @override
    def crop(self, index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        self.check(index)
        rows, columns = self.size(index)
        if min(top, left) < 0 or min(height, width) < 1 or top + height > rows or left + width > columns:
            raise DataError(
                f"region of {height} x {width} at row {top}, column {left} of {self.name(index)!r}",
                f"the image is {rows} x {columns}",
                "stay inside it",
            )
        return to_unit(self.native(index, top, left, height, width), self.options.value_range)

    @override
    def image(self, index: int) -> np.ndarray:
        self.check(index)
        return self.crop(index, 0, 0, *self.size(index))

    def check(self, index: int) -> None:
        """Refuse the number of an image that is not there.

        Parameters
        ----------
        index : int
            Number of the image.

        Raises
        ------
        DataError
            It is negative or too large.
        """
        if not 0 <= index < len(self):
            raise DataError(f"image {index}", f"the source has {len(self)} images", f"count from 0 to {len(self) - 1}")
