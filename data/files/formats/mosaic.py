"""The mosaic of a colour sensor: which colour each pixel saw, and the four half-size planes that it is made of.

The four positions of a 2 x 2 Bayer cell become the channels red, green of the red rows, green of the blue rows, and blue. So
the noise of each channel is that of the sensor: independent between neighbours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsn.data.errors import DataError

#: The key of `Image.metadata` under which readers leave a `Mosaic`.
MOSAIC = "mosaic"
#: Axes of an image that is a mosaic: four channels, rows, columns.
AXES = "CYX"
PATTERNS = ("RGGB", "BGGR", "GRBG", "GBRG")
PLANES = 4

#: Gain and constant of a noise variance: variance = gain * value + constant, both in the range [0, 1].
NoiseLine = tuple[float, float]


@dataclass(frozen=True)
class Levels:
    """Which stored numbers stand for darkness and for saturation.

    Parameters
    ----------
    black : tuple of float
        Of each plane: red, green, green, blue.
    white : float
        The same for all.
    """

    black: tuple[float, float, float, float]
    white: float

    def to_unit(self, planes: np.ndarray) -> np.ndarray:
        """Scale stored numbers so that black becomes 0 and white 1.

        Parameters
        ----------
        planes : ndarray, shape (4, h, w)
            Stored numbers.

        Returns
        -------
        ndarray, shape (4, h, w), float32
            Below black they are negative: clipping would lift the mean of the shadows.
        """
        black = self._black()
        scaled: np.ndarray = (planes - black) / (self.white - black)
        return scaled.astype(np.float32)

    def to_stored(self, planes: np.ndarray) -> np.ndarray:
        """Undo `to_unit`.

        Parameters
        ----------
        planes : ndarray, shape (4, h, w)
            Values with black at 0 and white at 1.

        Returns
        -------
        ndarray, shape (4, h, w), uint16
            Rounded, and clipped to what 16 bits hold, but not at black.
        """
        black = self._black()
        stored = np.rint(planes.astype(np.float64) * (self.white - black) + black)
        return np.clip(stored, 0, np.iinfo(np.uint16).max).astype(np.uint16)

    def _black(self) -> np.ndarray:
        return np.asarray(self.black, np.float64)[:, None, None]


@dataclass(frozen=True)
class Mosaic:
    """What is known of a mosaic beside its pixels.

    Parameters
    ----------
    path : Path
        The file that it was read from.
    size : tuple of int
        Rows and columns of the mosaic that a picture is made of.
    pattern : str
        Colours of the 2 x 2 cell at its first pixel, row by row: one of `PATTERNS`.
    levels : Levels or None
        With them, the planes are float32 with black at 0 and white at 1; without them, they are as stored.
    noise : tuple of (float, float)
        What the file says of its noise, for each plane; empty where it says nothing.
    reduced : float
        What the file says of noise that was taken away before: 0 for none, 1 for all.
    """

    path: Path
    size: tuple[int, int]
    pattern: str
    levels: Levels | None = None
    noise: tuple[NoiseLine, ...] = ()
    reduced: float = 0.0

    def stored(self, planes: np.ndarray) -> np.ndarray:
        """Interleave planes to the mosaic as a file holds it.

        Parameters
        ----------
        planes : ndarray, shape (4, h, w)
            As the reader gave them, or denoised.

        Returns
        -------
        ndarray, shape `size`
            Stored numbers where the levels are known.

        Raises
        ------
        DataError
            The planes do not have the shape of those of this mosaic.
        """
        self._check(planes)
        return self.interleaved(planes if self.levels is None else self.levels.to_stored(planes))

    def interleaved(self, planes: np.ndarray) -> np.ndarray:
        """Put four planes in the places of their colours.

        Parameters
        ----------
        planes : ndarray, shape (4, h, w)
            Any type.

        Returns
        -------
        ndarray, shape `size`, same type
        """
        return joined(planes, self.pattern)[: self.size[0], : self.size[1]]

    def _check(self, planes: np.ndarray) -> None:
        wanted = (PLANES, *((n + 1) // 2 for n in self.size))
        if planes.shape != wanted:
            raise DataError(
                f"an image of shape {planes.shape}",
                f"the mosaic of {self.path.name} has planes of shape {wanted}",
                "write it to a format without a mosaic, such as .npy",
            )


def planes_of(mosaic: np.ndarray, pattern: str) -> np.ndarray:
    """Take a mosaic apart.

    Parameters
    ----------
    mosaic : ndarray, shape (H, W)
        At least 2 x 2. A last row or column without a partner is given the one two before it.
    pattern : str
        One of `PATTERNS`.

    Returns
    -------
    ndarray, shape (4, (H + 1) // 2, (W + 1) // 2), same type
        Red, green of the red rows, green of the blue rows, blue.
    """
    even = np.pad(mosaic, [(0, n % 2) for n in mosaic.shape], mode="reflect")
    return np.stack([even[row::2, column::2] for row, column in places(pattern)])


def joined(planes: np.ndarray, pattern: str) -> np.ndarray:
    """Put four planes in the places of their colours; undoes `planes_of` up to what that has added.

    Parameters
    ----------
    planes : ndarray, shape (4, h, w)
        Any type.
    pattern : str
        One of `PATTERNS`.

    Returns
    -------
    ndarray, shape (2 h, 2 w), same type
    """
    rows, columns = planes.shape[1:]
    whole = np.empty((2 * rows, 2 * columns), planes.dtype)
    for plane, (row, column) in zip(planes, places(pattern), strict=True):
        whole[row::2, column::2] = plane
    return whole


def places(pattern: str) -> list[tuple[int, int]]:
    """Say where the planes lie in the 2 x 2 cell.

    Parameters
    ----------
    pattern : str
        One of `PATTERNS`.

    Returns
    -------
    list of (int, int)
        Row and column of red, green beside red, green beside blue, blue.

    Examples
    --------
    >>> places("GRBG")
    [(0, 1), (0, 0), (1, 1), (1, 0)]
    """
    red, blue = divmod(pattern.index("R"), 2), divmod(pattern.index("B"), 2)
    return [red, (red[0], 1 - red[1]), (blue[0], 1 - blue[1]), blue]


def mosaic_in(metadata: Mapping[str, Any]) -> Mosaic | None:
    """Find what is known of a mosaic.

    Parameters
    ----------
    metadata : mapping
        Metadata of an image.

    Returns
    -------
    Mosaic or None
        None where the image is none.
    """
    found = metadata.get(MOSAIC)
    return found if isinstance(found, Mosaic) else None


def without_mosaic(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out that an image is a mosaic.

    Parameters
    ----------
    metadata : mapping
        Metadata of an image.

    Returns
    -------
    dict
        A copy.
    """
    return {key: value for key, value in metadata.items() if key != MOSAIC}
