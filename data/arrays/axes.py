"""Axes strings: what each axis of an image array means, and how the array divides into planes.

Every axis has one letter: ``Y`` and ``X`` (rows and columns, always present), ``C`` (channels), ``S`` (the samples of
one pixel, as TIFF calls interleaved colour), ``Z`` (depth), ``T`` (time); any other capital letter is an axis of
unknown meaning. A *plane* is what is left when every axis but the channel, ``Y`` and ``X`` is fixed. The channel axis
is ``S`` if there is one, else ``C``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bsn.data.errors import DataError

Channels = Literal["joint", "separate"]

#: Letters with an agreed meaning.
KNOWN = frozenset("TZCSYX")
_FEW = range(2, 5)
#: Planes with a shorter side are hardly images.
_NARROW = 8


def check_axes(axes: str, shape: Sequence[int]) -> str:
    """Check an axes string against a shape.

    Parameters
    ----------
    axes : str
        One letter per axis, upper or lower case.
    shape : sequence of int
        The shape it describes.

    Returns
    -------
    str
        The axes in upper case.

    Raises
    ------
    DataError
        A letter is repeated or is none, Y or X is missing, or the number of letters is not the number of axes.

    Examples
    --------
    >>> check_axes("zyx", (5, 64, 64))
    'ZYX'
    """
    given = f"axes {axes!r}"
    upper = axes.upper()
    if not upper.isalpha() or not upper.isascii() or len(set(upper)) != len(upper):
        raise DataError(given, "each axis needs a letter of its own", "write it like YX, YXC, CYX, ZYX or TZCYX")
    if "Y" not in upper or "X" not in upper:
        raise DataError(given, "an image needs rows (Y) and columns (X)", "write it like YX, YXC, CYX, ZYX or TZCYX")
    if len(upper) != len(shape):
        raise DataError(
            given,
            f"{len(upper)} letters do not describe the {len(shape)} axes of shape {tuple(shape)}",
            f"give {len(shape)} letters",
        )
    return upper


def guess_axes(shape: Sequence[int]) -> str:
    """Guess the axes of an array that does not tell them.

    The rules, in this order:

    * two axes: ``YX``;
    * last axis of at most 4 (and a row axis left): channels last, ``YXC``, ``TYXC``, ``TZYXC``;
    * third axis from the end of 2 to 4: channels first, ``CYX``, ``TCYX``, ``TZCYX``;
    * else a stack of grey planes: ``ZYX``, ``TZYX``; five axes are ``TZCYX``.

    A stack of three grey planes looks like three channels; state the axes where that matters.

    Parameters
    ----------
    shape : sequence of int
        The shape of the array.

    Returns
    -------
    str
        The axes.

    Raises
    ------
    DataError
        The array has fewer than two or more than five axes, or the guess would make strips of it, see `check_wide`.

    Examples
    --------
    >>> [guess_axes(s) for s in [(64, 64), (64, 64, 3), (3, 64, 64), (20, 64, 64)]]
    ['YX', 'YXC', 'CYX', 'ZYX']
    """
    rank = len(shape)
    if not 2 <= rank <= 5:
        raise DataError(
            f"an array of shape {tuple(shape)}", f"the meaning of {rank} axes cannot be guessed", "state the axes"
        )
    if rank == 2:
        return "YX"
    if shape[-1] <= max(_FEW):
        axes = {3: "YXC", 4: "TYXC", 5: "TZYXC"}[rank]
    elif shape[-3] in _FEW:
        axes = {3: "CYX", 4: "TCYX", 5: "TZCYX"}[rank]
    else:
        axes = {3: "ZYX", 4: "TZYX", 5: "TZCYX"}[rank]
    check_wide(axes, shape)
    return axes


def check_wide(axes: str, shape: Sequence[int]) -> None:
    """Refuse axes that are only a guess and make strips of an image: channels were taken for columns, most likely.

    A plane is a strip where its short side is a few pixels, or is at most a quarter both of its long side and of an axis that
    is counted: (128, 128, 5) is hardly a stack of 128 planes of 128 x 5.

    Parameters
    ----------
    axes : str
        What was guessed, with Y and X.
    shape : sequence of int
        The shape of the array.

    Raises
    ------
    DataError
        The planes would be strips.

    Examples
    --------
    >>> check_wide("ZYX", (20, 64, 64))
    """
    sizes = dict(zip(axes, shape, strict=True))
    short, long = sorted((sizes.pop("Y"), sizes.pop("X")))
    counted = max((size for axis, size in sizes.items() if axis not in "CS"), default=0)
    longest = max(sizes.values(), default=0)
    if short >= longest or (short >= _NARROW and 4 * short > min(long, counted)):
        return
    raise DataError(
        f"an array of shape {tuple(shape)}",
        f"its axes are not known, and {axes} would make planes of {long} x {short} pixels of it",
        "state them with --axes, such as YXC for channels last",
    )


@dataclass(frozen=True)
class PlaneIndex:
    """How an array of given axes and shape divides into planes of (channels, rows, columns).

    Parameters
    ----------
    axes : str
        One letter per axis.
    shape : tuple of int
        The shape of the array.
    channels : {"joint", "separate"}
        Whether the channel axis belongs to each plane, or makes planes of one channel each.

    Attributes
    ----------
    channel_axis : str
        The letter of the channel axis within a plane; empty for none.
    leading : str
        The axes that are counted as planes, in their order in `axes`.

    Examples
    --------
    >>> index = PlaneIndex("TZCYX", (2, 5, 3, 64, 48))
    >>> index.count, index.depth, index.size, index.label(7)
    (10, 3, (64, 48), 't=1,z=2')
    """

    axes: str
    shape: tuple[int, ...]
    channels: Channels = "joint"
    channel_axis: str = field(init=False)
    leading: str = field(init=False)

    def __post_init__(self) -> None:
        if self.channels not in ("joint", "separate"):
            raise DataError(
                f"channels={self.channels!r}", "is not a way to treat channels", 'use "joint" or "separate"'
            )
        axes = check_axes(self.axes, self.shape)
        present = [letter for letter in "SC" if letter in axes]
        channel = present[0] if present and self.channels == "joint" else ""
        object.__setattr__(self, "axes", axes)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "channel_axis", channel)
        object.__setattr__(self, "leading", "".join(a for a in axes if a not in ("Y", "X", channel)))

    def length(self, axis: str) -> int:
        """Return the size of one axis; 1 for an axis the array does not have.

        Parameters
        ----------
        axis : str
            A letter, or the empty string.

        Returns
        -------
        int
            The size.
        """
        return self.shape[self.axes.index(axis)] if axis and axis in self.axes else 1

    @property
    def count(self) -> int:
        """Number of planes."""
        return math.prod(self.length(a) for a in self.leading)

    @property
    def depth(self) -> int:
        """Number of channels of a plane."""
        return self.length(self.channel_axis)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a plane."""
        return self.length("Y"), self.length("X")

    @property
    def order(self) -> tuple[int, ...]:
        """Permutation that brings the array to leading axes, channel (if any), rows, columns."""
        return tuple(self.axes.index(a) for a in self.leading + self.channel_axis + "YX")

    def position(self, plane: int) -> dict[str, int]:
        """Return the index along each leading axis of one plane.

        Parameters
        ----------
        plane : int
            Number of the plane, 0 to `count` - 1.

        Returns
        -------
        dict of str to int
            Letter to index.

        Raises
        ------
        DataError
            There is no such plane.
        """
        if not 0 <= plane < self.count:
            raise DataError(f"plane {plane}", f"there are {self.count} planes", f"count from 0 to {self.count - 1}")
        sizes = [self.length(a) for a in self.leading]
        return {a: int(i) for a, i in zip(self.leading, np.unravel_index(plane, sizes), strict=True)} if sizes else {}

    def label(self, plane: int) -> str:
        """Name a plane by its indices, for messages and tables.

        Parameters
        ----------
        plane : int
            Number of the plane.

        Returns
        -------
        str
            For example ``"t=1,z=3"``; empty where there is one plane only.
        """
        if self.count == 1:
            return ""
        return ",".join(f"{a.lower()}={i}" for a, i in self.position(plane).items() if self.length(a) > 1)

    def box(self, plane: int, top: int, left: int, height: int, width: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Translate a region of a plane to a box of the array.

        Parameters
        ----------
        plane : int
            Number of the plane.
        top, left : int
            First row and column.
        height, width : int
            Size of the region, at least 1 x 1.

        Returns
        -------
        starts, sizes : tuple of int
            The box, one number per axis of the array.

        Raises
        ------
        DataError
            The region is empty or leaves the plane.
        """
        rows, columns = self.size
        if height < 1 or width < 1 or top < 0 or left < 0 or top + height > rows or left + width > columns:
            raise DataError(
                f"region of {height} x {width} at row {top}, column {left}",
                f"the plane is {rows} x {columns}",
                "stay inside it",
            )
        starts = {"Y": top, "X": left, **self.position(plane)}
        sizes = {"Y": height, "X": width, self.channel_axis: self.depth}
        return tuple(starts.get(a, 0) for a in self.axes), tuple(sizes.get(a, 1) for a in self.axes)

    def from_box(self, box: np.ndarray) -> np.ndarray:
        """Reorder a box of one plane, as cut from the array, to (channels, rows, columns).

        Parameters
        ----------
        box : ndarray
            Box with as many axes as the array; leading axes have size 1.

        Returns
        -------
        ndarray, shape (C, h, w)
            A view.
        """
        ordered = box.transpose(self.order)
        return ordered.reshape(-1, *ordered.shape[-2:]) if not self.channel_axis else ordered[(0,) * len(self.leading)]

    def to_box(self, pixels: np.ndarray) -> np.ndarray:
        """Undo `from_box`.

        Parameters
        ----------
        pixels : ndarray, shape (C, h, w)
            A region of one plane.

        Returns
        -------
        ndarray
            The box in the axes order of the array.
        """
        ordered = pixels if self.channel_axis else pixels[0]
        ordered = ordered.reshape((1,) * len(self.leading) + ordered.shape)
        return ordered.transpose(np.argsort(self.order))
