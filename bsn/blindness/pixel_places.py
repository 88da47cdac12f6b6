"""Where a pixel of the image lies inside a network: in stacked phases, on coarser grids, in sequences of tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from bsn.blindness.jacobian import Position

__all__ = ["Place", "places"]


@dataclass(frozen=True)
class Place:
    """Entry of the batch, and row and column (or index of a token) at which a feature tensor holds a pixel.

    Parameters
    ----------
    entry : int
        Index in the batch.
    row : int
        Row of the features, or index of a token.
    column : int, optional
        None in a sequence (N, tokens, C), whose token number is `row`.
    """

    entry: int
    row: int
    column: int | None

    def take(self, features: Tensor) -> Tensor:
        """All channels of the features there.

        Parameters
        ----------
        features : Tensor
            Features of the shape that the place was found for.

        Returns
        -------
        Tensor, shape (C,)
        """
        if self.column is None:
            return features[self.entry, self.row]
        return features[self.entry, :, self.row, self.column]


def places(shape: tuple[int, ...], position: Position, image: tuple[int, int]) -> list[Place]:
    """Places where features of a shape may hold a pixel of the first image of a batch of one.

    Parameters
    ----------
    shape : tuple of int
        (M, C, h, w), with M = 1 or, for stacked phases, d^2; or (1, tokens, C).
    position : (int, int)
        Row and column of the pixel.
    image : (int, int)
        Sides of the (padded) image at full resolution.

    Returns
    -------
    list of Place
        More than one where the shape does not tell: a grid that is coarser by s may be an ordinary one, whose cell holds
        s x s neighbours, or one that keeps phases apart. Empty for shapes that hold no image, or no whole one.

    Examples
    --------
    >>> places((4, 8, 16, 16), (5, 6), (32, 32))
    [Place(entry=2, row=2, column=3)]
    >>> places((1, 8, 16, 16), (5, 6), (32, 32))
    [Place(entry=0, row=2, column=3), Place(entry=0, row=3, column=2), Place(entry=0, row=1, column=2)]
    """
    row, column = position
    if len(shape) == 3 and shape[0] == 1 and shape[1] == image[0] * image[1]:
        return [Place(0, row * image[1] + column, None)]
    if len(shape) != 4:
        return []
    d = math.isqrt(shape[0])
    height, width = shape[2] * d, shape[3] * d
    if d * d != shape[0] or height == 0 or width == 0 or image[0] % height or image[1] % width:
        return []
    s, across = image[0] // height, image[1] // width
    if s != across:
        return []
    if d > 1:
        return [Place((row % d) * d + column % d, row // d // s, column // d // s)]
    if s == 1:
        return [Place(0, row, column)]
    cells = [(row // s, column // s)]
    for p in (2, 3, 4):  # phases of a pixel distance p kept apart while the grid gets coarser
        if image[0] % (p * s) == 0 and image[1] % (p * s) == 0:
            cells.append((p * (row // (p * s)) + row % p, p * (column // (p * s)) + column % p))
    return [Place(0, y, x) for y, x in cells]
