"""Shape of a half-plane network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    body : {"unet", "residual"}
        The directional network of each branch: a U-Net (AT-BSN), or groups of residual blocks at full resolution (TM-BSN).
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
        Outputs per pixel, if they are not the channels of the image (:func:`bsn.selfsup.outputs_for_posterior`).

    Raises
    ------
    ValueError
        For shapes that cannot be built, and for holes that this half-plane cannot open.
    """

    channels: int = 3
    width: int = 48
    body: Literal["unet", "residual"] = "unet"
    plane: Literal["straight", "diagonal"] = "straight"
    levels: int = 5
    groups: int = 5
    blocks: int = 5
    attention_heads: int = 0
    window: int = 8
    hole: str = "square:9"
    outputs: int | None = None

    def __post_init__(self) -> None:
        if self.channels < 1 or self.width < 1 or (self.outputs is not None and self.outputs < 1):
            raise ValueError(
                f"channels {self.channels}, width {self.width} and outputs {self.outputs} cannot be built; use 1 or more"
            )
        if self.body not in ("unet", "residual") or self.plane not in ("straight", "diagonal"):
            raise ValueError(
                f"body {self.body!r} with half-plane {self.plane!r} does not exist; use 'unet' or 'residual', and 'straight' "
                "or 'diagonal'"
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
        self.check_hole(Hole.parse(self.hole))

    @property
    def shapes(self) -> tuple[str, ...]:
        """Shapes of the holes that the half-planes can open, "none" first."""
        straight = ("none", "pixel", "square", "rows", "columns")
        return straight if self.plane == "straight" else ("none", "pixel", "diamond")

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
