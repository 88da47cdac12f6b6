"""Shape of a half-plane network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bsn.frames import check_context
from bsn.hole import Hole

__all__ = ["HalfPlaneConfig"]


@dataclass(frozen=True)
class HalfPlaneConfig:
    """Shape of a :class:`HalfPlane`.

    Parameters
    ----------
    channels : int
        Channels of the image.
    width : int
        F, features of a branch at full resolution.
    body : {"unet", "residual", "pyramid"}
        The directional network of each branch: a U-Net (AT-BSN), groups of residual blocks at full resolution (TM-BSN), or a
        U-Net whose features grow in number as the resolution falls, for small machines (ours).
    plane : {"straight", "diagonal"}
        Half-plane of a branch. Straight ones open squares, rows and columns; diagonal ones open diamonds. Both can open one
        pixel.
    levels : int
        U-Net: number of halvings of the resolution. Sides of tiles are multiples of ``2 ** levels``, and
        with attention of `window` times as many pixels.
    groups, blocks : int
        Residual body: number of groups, and of residual blocks in each.
    attention_heads : int
        U-Net: heads of a directional window attention on each of the two coarsest levels; 0 leaves it out.
    window : int
        Side of the attention's windows, in pixels of their level.
    hole : str
        Hole that is used where a call names none, see :meth:`bsn.hole.Hole.parse`.
    outputs : int, optional
        Outputs per pixel, if they are not the channels of the image (:func:`bsn.noise.outputs_for_posterior`).
    widths : tuple of int
        Pyramid: features of each level, from fine to coarse. The first entry takes the place of `width`, and their number
        less one that of `levels`.
    cell : int
        Side in pixels of the cells that a branch sees and moves as one: the image enters the body with its pixels stacked
        on the channels, cell by cell (pixel unshuffle). A cell of 2 pixels takes a quarter of the work. The hole then
        consists of whole cells and holds at least the offsets that are asked for, see :meth:`cells_of`.
    context : int
        Neighbouring frames on each side that the network takes beside the frame itself, see :mod:`bsn.frames`.
    context_hole : bool
        The neighbours go through the same half-planes as the frame itself, so that they have its hole. False: they are seen
        whole, by a network of their own.

    Raises
    ------
    ValueError
        For shapes that cannot be built, and for holes that this half-plane cannot open.
    """

    channels: int = 3
    width: int = 48
    body: Literal["unet", "residual", "pyramid"] = "unet"
    plane: Literal["straight", "diagonal"] = "straight"
    levels: int = 5
    groups: int = 5
    blocks: int = 5
    attention_heads: int = 0
    window: int = 8
    hole: str = "square:9"
    outputs: int | None = None
    widths: tuple[int, ...] = ()
    cell: int = 1
    context: int = 0
    context_hole: bool = False

    def __post_init__(self) -> None:
        if self.channels < 1 or self.width < 1 or (self.outputs is not None and self.outputs < 1):
            raise ValueError(
                f"channels {self.channels}, width {self.width} and outputs {self.outputs} cannot be built; use 1 or more"
            )
        if self.body not in ("unet", "residual", "pyramid") or self.plane not in ("straight", "diagonal"):
            raise ValueError(
                f"body {self.body!r} with half-plane {self.plane!r} does not exist; use 'unet', 'residual' or 'pyramid', and "
                "'straight' or 'diagonal'"
            )
        if self.cell < 1:
            raise ValueError(f"cells of {self.cell} pixels cannot be built; use 1 or more")
        if (self.body == "pyramid") != bool(self.widths) or min(self.widths, default=1) < 1:
            raise ValueError(
                f"the widths {self.widths} do not fit the body {self.body!r}; a pyramid needs one positive width for each "
                "level, and the other bodies have none"
            )
        if self.levels < 1 or self.groups < 1 or self.blocks < 1 or self.window < 2:
            raise ValueError(
                f"levels {self.levels}, groups {self.groups}, blocks {self.blocks} and window {self.window} cannot be built; "
                "use 1 or more, and windows of 2 pixels or more"
            )
        if self.attention_heads < 0 or (self.attention_heads and self.width % self.attention_heads):
            raise ValueError(
                f"{self.width} features do not divide into {self.attention_heads} attention heads; use a divisor of "
                f"{self.width}"
            )
        check_context(self.context, hole=self.context_hole)
        self.check_hole(Hole.parse(self.hole))

    @property
    def body_channels(self) -> int:
        """Channels of a cell that the half-planes see: those of the frame, and of its neighbours if they have its hole."""
        return self.channels * self.cell**2 * (2 * self.context + 1 if self.context_hole else 1)

    @property
    def shapes(self) -> tuple[str, ...]:
        """Shapes of the holes that the half-planes can open, "none" first."""
        straight = ("none", "pixel", "square", "rows", "columns")
        return straight if self.plane == "straight" else ("none", "pixel", "diamond")

    @property
    def features(self) -> int:
        """Features of a branch at its full resolution."""
        return self.widths[0] if self.widths else self.width

    @property
    def halvings(self) -> int:
        """How many times the body halves the resolution."""
        if self.body == "residual":
            return 0
        return len(self.widths) - 1 if self.widths else self.levels

    def cells_of(self, hole: Hole) -> int:
        """How far the features of a branch move to open a hole, in cells.

        Parameters
        ----------
        hole : Hole
            Hole in pixels.

        Returns
        -------
        int
            The least distance with which no pixel sees the hole, wherever in its cell it lies.
        """
        if not hole.size:
            return 0
        reach = hole.shift - 1
        if hole.shape != "diamond":
            return 1 + math.ceil(reach / self.cell)
        return 1 + max(math.ceil(rows / self.cell) + math.ceil((reach - rows) / self.cell) for rows in range(reach + 1))

    def check_hole(self, hole: Hole) -> None:
        """Refuse a hole that the branches cannot open.

        Parameters
        ----------
        hole : Hole
            Hole that the network is asked to have.

        Raises
        ------
        ValueError
            If the hole has another shape than these half-planes open.
        """
        if hole.shape not in self.shapes:
            raise ValueError(
                f"{self.plane} half-planes cannot open the hole {hole}; they open {', '.join(self.shapes[1:])}, and the "
                f"network with {'diagonal' if self.plane == 'straight' else 'straight'} half-planes opens {hole.shape}"
            )
