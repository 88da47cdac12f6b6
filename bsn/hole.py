"""The hole of a blind-spot network: the offsets around a pixel that its prediction must not depend on.

White noise needs a hole of one pixel. Noise that neighbouring pixels share needs one as large as its correlation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["HOLE_SHAPES", "Hole"]

HOLE_SHAPES = ("none", "pixel", "square", "diamond", "rows", "columns")


@dataclass(frozen=True)
class Hole:
    """Shape and size of a hole.

    With ``s = (size + 1) / 2`` the hole consists of the offsets (dy, dx) with

    ===========  ==================================================================
    ``none``     no offset: the network sees everything (``size`` 0)
    ``pixel``    (0, 0) alone (``size`` 1)
    ``square``   abs(dy) < s and abs(dx) < s: ``size`` x ``size`` pixels
    ``diamond``  abs(dy) + abs(dx) < s: the correlation that demosaicing leaves
    ``rows``     abs(dy) < s: ``size`` whole rows, for noise along rows
    ``columns``  abs(dx) < s: ``size`` whole columns
    ===========  ==================================================================

    Parameters
    ----------
    shape : str
        One of :data:`HOLE_SHAPES`.
    size : int
        Extent across the middle of the hole in pixels: odd, 1 or more; 0 for "none".

    Raises
    ------
    ValueError
        For unknown shapes, and for even or negative sizes.

    Examples
    --------
    >>> Hole("diamond", 3).mask()
    tensor([[False,  True, False],
            [ True,  True,  True],
            [False,  True, False]])
    """

    shape: str
    size: int

    def __post_init__(self) -> None:
        if self.shape not in HOLE_SHAPES:
            raise ValueError(f"a hole of shape {self.shape!r} does not exist; use one of {', '.join(HOLE_SHAPES)}")
        if self.shape == "none" and self.size != 0:
            raise ValueError(f"a network without a hole has hole size 0, not {self.size}")
        if self.shape == "pixel" and self.size != 1:
            raise ValueError(f"the hole 'pixel' is one pixel wide, not {self.size}; use 'square:{self.size}'")
        if self.shape != "none" and (self.size < 1 or self.size % 2 == 0):
            near = sorted({max(self.size - 1, 1), max(self.size + 1, 1)})
            raise ValueError(
                f"a hole of size {self.size} has no middle pixel; use an odd size such as {' or '.join(map(str, near))}"
            )

    @classmethod
    def parse(cls, text: str | Hole) -> Hole:
        """Read ``"square:9"``, ``"diamond:5"``, ``"rows:3"``, ``"columns:3"``, ``"pixel"`` or ``"none"``.

        Parameters
        ----------
        text : str or Hole
            The words above; sizes are odd numbers of pixels. A Hole is returned as it is.

        Returns
        -------
        Hole

        Raises
        ------
        ValueError
            For any other text.
        """
        if isinstance(text, Hole):
            return text
        if text in ("none", "pixel"):
            return cls(text, int(text == "pixel"))
        match = re.fullmatch(r"([a-z]+):(\d+)", text.strip())
        if not match:
            raise ValueError(
                f"the hole {text!r} cannot be read; write shape and size such as square:9, diamond:5, rows:3, columns:3, "
                "or pixel"
            )
        return cls(match[1], int(match[2]))

    def __str__(self) -> str:
        return self.shape if self.shape in ("none", "pixel") else f"{self.shape}:{self.size}"

    @property
    def shift(self) -> int:
        """s: how far a half-plane's features are moved away from the side that they see."""
        return (self.size + 1) // 2

    def contains(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Whether offsets (dy, dx) lie in the hole, as a boolean tensor of their common shape.

        Parameters
        ----------
        rows, columns : Tensor of int, shapes that broadcast
            Offsets dy and dx from the pixel, in pixels.

        Returns
        -------
        Tensor of bool
            True inside the hole; the shape is the common one.
        """
        s = self.shift
        if self.shape == "none":
            return torch.zeros(torch.broadcast_shapes(rows.shape, columns.shape), dtype=torch.bool)
        if self.shape == "diamond":
            return rows.abs() + columns.abs() < s
        if self.shape == "rows":
            return (rows.abs() < s).expand(torch.broadcast_shapes(rows.shape, columns.shape))
        if self.shape == "columns":
            return (columns.abs() < s).expand(torch.broadcast_shapes(rows.shape, columns.shape))
        return (rows.abs() < s) & (columns.abs() < s)

    def mask(self, reach: int | None = None) -> Tensor:
        """Boolean picture of the hole over offsets from -reach to reach.

        Parameters
        ----------
        reach : int, optional
            Default: the smallest square that shows the extent of the hole.

        Returns
        -------
        Tensor, shape (2 reach + 1, 2 reach + 1), bool
        """
        reach = max(self.shift - 1, 0) if reach is None else reach
        offsets = torch.arange(-reach, reach + 1)
        return self.contains(offsets[:, None], offsets[None, :])

    def includes(self, other: Hole) -> bool:
        """Whether every offset of `other` lies in this hole: a network with this hole is blind to that one too.

        Parameters
        ----------
        other : Hole
            Hole to compare with.

        Returns
        -------
        bool
        """
        reach = max(self.shift, other.shift)
        return bool((self.mask(reach) | ~other.mask(reach)).all())
