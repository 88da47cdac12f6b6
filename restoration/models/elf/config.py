"""Shape of an ELF network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["ELFConfig"]


@dataclass(frozen=True)
class ELFConfig:
    """Shape of a :class:`restoration.models.ELF`; the defaults are the published size.

    Parameters
    ----------
    channels : int
        Channels of the image, in and out.
    width : int
        Channels of all features (published: ``n_feat``), a multiple of 4.
    branch_blocks : int
        Transformer blocks of each branch (ORB blocks).
    stem_heads, rain_heads, background_heads, branch_heads : int
        Heads of the multi-input attention, of the single block of either sub-network, and of the branches.
    activation : {"prelu", "gelu"}
        Activation of the gated feed-forward networks.
    topology : {"background", "residual"}
        What the second sub-network predicts: the background (the published results), or what to subtract from the image
        (the last published code).
    block_position : {"after", "before"}
        Where the single block of the second sub-network stands relative to its two branches.
    expansion : float
        Hidden width of the feed-forward networks.
    start_at_identity : bool
        Begin with output layers near zero, so that an untrained network nearly returns its input (topology "residual"), or
        its halved input enlarged: short runs learn the rain at once.
    checkpointing : bool
        Compute activations again in the backward pass, block by block.

    Raises
    ------
    ValueError
        For shapes that cannot be built.
    """

    channels: int = 3
    width: int = 48
    branch_blocks: int = 10
    stem_heads: int = 4
    rain_heads: int = 1
    background_heads: int = 1
    branch_heads: int = 2
    activation: Literal["prelu", "gelu"] = "prelu"
    topology: Literal["background", "residual"] = "background"
    block_position: Literal["after", "before"] = "after"
    expansion: float = 2.66
    start_at_identity: bool = False
    checkpointing: bool = False

    def __post_init__(self) -> None:
        if self.width < 4 or self.width % 4:
            raise ValueError(f"width {self.width} cannot be divided by 4 in gates and up-sampling; use a multiple of 4")
        for name in ("stem_heads", "rain_heads", "background_heads", "branch_heads"):
            heads = getattr(self, name)
            if heads < 1 or self.width % heads:
                raise ValueError(f"{name} {heads} does not divide the width {self.width}")
        if self.channels < 1 or self.branch_blocks < 0:
            raise ValueError("channels must be 1 or more, branch_blocks 0 or more")
