"""Sources that know which of their images follow each other in a stack."""

from typing import Protocol, runtime_checkable

from bsn.data.arrays.axes import PlaneIndex

__all__ = ["STACK_AXES", "StackedSource", "neighbour_in", "neighbour_of", "neighbour_offsets", "stack_axis"]

STACK_AXES = "TZ"
"""Axes along which planes are neighbours, the first one that an image has counts: time, and depth."""


def neighbour_offsets(context: int) -> tuple[int, ...]:
    """Steps from a frame to its neighbours, in the order in which they are given to networks.

    Parameters
    ----------
    context : int
        Neighbours k on each side.

    Returns
    -------
    tuple of int
        -k ... -1, 1 ... k.

    Examples
    --------
    >>> neighbour_offsets(2)
    (-2, -1, 1, 2)
    """
    return (*range(-context, 0), *range(1, context + 1))


@runtime_checkable
class StackedSource(Protocol):
    """An `ImageSource` of which some images are planes of stacks."""

    def neighbour(self, index: int, offset: int, axis: str = "") -> int | None:
        """Find a neighbour in the same file, and in the same channel.

        Parameters
        ----------
        index : int
            Number of the image, from 0.
        offset : int
            Steps along the stack, negative for those before it.
        axis : str
            "T" or "Z"; empty for the one that `stack_axis` takes.

        Returns
        -------
        int or None
            Number of the neighbour; None beyond the ends, and for images that are in no stack.
        """
        ...


def stack_axis(index: PlaneIndex, axis: str = "") -> str:
    """Axis along which the planes of an image are neighbours.

    Parameters
    ----------
    index : PlaneIndex
        Axes and shape of the image.
    axis : str
        "T" or "Z", if one of them is wanted; empty takes T where there is one, else Z.

    Returns
    -------
    str
        Empty where the image has no such axis of two planes or more. Axes of unknown meaning are none.

    Examples
    --------
    >>> stack_axis(PlaneIndex("TZYX", (5, 4, 64, 64))), stack_axis(PlaneIndex("QYX", (5, 64, 64)))
    ('T', '')
    """
    wanted = axis.upper() or STACK_AXES
    return next((letter for letter in wanted if letter in index.leading and index.length(letter) > 1), "")


def neighbour_in(index: PlaneIndex, plane: int, offset: int, axis: str = "") -> int | None:
    """Plane that is some steps away in the same stack.

    Parameters
    ----------
    index : PlaneIndex
        Axes and shape of the image.
    plane : int
        Number of the plane.
    offset : int
        Steps along the stack axis.
    axis : str
        See `stack_axis`.

    Returns
    -------
    int or None
        None beyond the ends, and where there is no stack axis.

    Examples
    --------
    >>> stack = PlaneIndex("TZYX", (5, 4, 64, 64))
    >>> neighbour_in(stack, 1, 1), neighbour_in(stack, 1, 1, "Z"), neighbour_in(stack, 1, -1)
    (5, 2, None)
    """
    letter = stack_axis(index, axis)
    if not letter or not 0 <= index.position(plane)[letter] + offset < index.length(letter):
        return None
    step = 1
    for later in index.leading[index.leading.index(letter) + 1 :]:
        step *= index.length(later)
    return plane + offset * step


def neighbour_of(source: object, index: int, offset: int, axis: str = "") -> int | None:
    """Find a neighbour in a source, if the source knows of stacks.

    Parameters
    ----------
    source : ImageSource
        Any source.
    index, offset, axis
        See `StackedSource.neighbour`.

    Returns
    -------
    int or None
    """
    return source.neighbour(index, offset, axis) if isinstance(source, StackedSource) else None
