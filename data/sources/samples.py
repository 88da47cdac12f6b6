"""Which parts of many or large images are looked at to know them."""

__all__ = ["evenly", "middle"]


def evenly(count: int, most: int) -> list[int]:
    """At most `most` indices below `count`, evenly spread from the first to the last.

    Parameters
    ----------
    count, most : int
        Number of items, and the largest number of indices.

    Returns
    -------
    list of int

    Examples
    --------
    >>> evenly(5, 3), evenly(2, 3), evenly(0, 3)
    ([0, 2, 4], [0, 1], [])
    """
    if count <= most:
        return list(range(count))
    return [round(i * (count - 1) / max(most - 1, 1)) for i in range(most)]


def middle(size: tuple[int, int], most: int) -> tuple[int, int, int, int]:
    """Box (top, left, height, width) in the middle of an image of `size`, with sides of at most `most`.

    Parameters
    ----------
    size : tuple of int
        Rows and columns of the image.
    most : int
        Largest side of the box.

    Returns
    -------
    tuple of 4 int

    Examples
    --------
    >>> middle((100, 30), 50)
    (25, 0, 50, 30)
    """
    height, width = (min(side, most) for side in size)
    return (size[0] - height) // 2, (size[1] - width) // 2, height, width
