"""What passes between the file formats and the rest of the package."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from bsn.data.errors import DataError

#: Key of `Image.metadata` under which a result has its standard deviation: an array of the shape of the pixels, float32.
DEVIATION = "deviation"
#: Key under which a file says which of its pixels are no measurements: an array of bool of the shape of the pixels. Networks
#: see the surroundings of these pixels, and results have them as they were.
MASKED = "masked"


class Decoded(NamedTuple):
    """A whole image as a format reads or writes it.

    Attributes
    ----------
    pixels : ndarray
        Pixels in the dtype of the file.
    axes : str or None
        One letter per axis; None where the file does not tell.
    metadata : mapping
        What must survive a round trip, see `bsn.data.files.images.Image`.
    guessed : bool
        Whether the axes are a guess of the reader, which the user may have to confirm.
    gaps : str
        Which pixels the file does not have, half a sentence; empty where it has all of them.
    """

    pixels: np.ndarray
    axes: str | None
    metadata: Mapping[str, Any]
    guessed: bool = False
    gaps: str = ""


class BoxReader(Protocol):
    """An array in a file of which boxes can be read, in the axes order of the file."""

    def read(self, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        """Read a box.

        Parameters
        ----------
        starts : sequence of int
            First index along each axis.
        sizes : sequence of int
            Length along each axis.

        Returns
        -------
        ndarray, shape `sizes`
        """
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class Stored(NamedTuple):
    """An image left in its file.

    Attributes
    ----------
    boxes : BoxReader
        Gives the pixels.
    shape : tuple of int
        Shape of the array.
    dtype : numpy.dtype
        Its type, native byte order.
    axes : str or None
        One letter per axis; None where the file does not tell.
    metadata : mapping
        See `Decoded`.
    guessed : bool
        See `Decoded`.
    gaps : str
        See `Decoded`.
    """

    boxes: BoxReader
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: str | None
    metadata: Mapping[str, Any]
    guessed: bool = False
    gaps: str = ""


class ArrayBoxes:
    """Boxes of an array that is in memory already.

    Parameters
    ----------
    pixels : ndarray
        The array.
    """

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels = pixels

    def read(self, starts: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        """Copy one box.

        Parameters
        ----------
        starts, sizes : sequence of int
            First index and length along each axis.

        Returns
        -------
        ndarray, shape `sizes`
            The pixels.
        """
        return self.pixels[tuple(slice(s, s + n) for s, n in zip(starts, sizes, strict=True))].copy()

    def close(self) -> None:
        """Let go of the array."""
        self.pixels = self.pixels[:0]


def refuse_key(key: str | None, given: str) -> None:
    """Refuse a key where a file holds one image without a name.

    Parameters
    ----------
    key : str or None
        What the caller asked for.
    given : str
        The file.

    Raises
    ------
    DataError
        `key` is not None.
    """
    if key is not None:
        raise DataError(f"key {key!r} for {given}", "this format holds one image without a name", "leave the key out")
