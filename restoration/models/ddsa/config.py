"""Shape of a DDSA network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DDSAConfig"]


@dataclass(frozen=True)
class DDSAConfig:
    """Shape of a :class:`restoration.models.DDSA`; the defaults are the published option file.

    Parameters
    ----------
    channels : int
        Channels of the image, in and out.
    width : int
        Channels at full resolution (published: ``dim``); doubled at every level.
    blocks : tuple of int
        Blocks per level, from full resolution down (``num_blocks``). Their number is the number of levels.
    refinement_blocks : int
        Blocks before the first and after the last level (``num_refinement_blocks``; 4 in the published option file, 2 in its
        constructor).
    heads : tuple of int
        Groups of channel attention per level.
    expansion : float
        Hidden width of the feed-forward network relative to its input, rounded down (``ffn_expansion_factor``).
    bias : bool
        Whether there are offsets in all convolutions but the first and those that change the resolution.
    norm : {"with-bias", "bias-free"}
        Layer norm over channels (``LayerNorm_type``).
    topk_ratio : tuple of int
        Numerator and denominator of the share of channels that the sparse attention keeps. (1, 1) leaves the dense
        attention alone.
    fusion : {"scalar", "softmax"}
        Factors of the two attentions: two learned numbers as published, or their softmax (an experiment).
    gate_norm : {"batch", "none"}
        Norm inside the spatial gate: batch norm over one channel as published, or none (statistics of small batches are
        noisy, and processes do not share them).
    skip_to_output : bool
        Add a projection of the embedding before the output, instead of the image after it (``dual_pixel_task``).
    start_at_identity : bool
        Begin with an output layer of zeros, so that an untrained network returns its input: short runs learn the rain at once.
    checkpointing : bool
        Compute activations again in the backward pass, block by block.

    Raises
    ------
    ValueError
        For shapes that cannot be built.
    """

    channels: int = 3
    width: int = 48
    blocks: tuple[int, ...] = (4, 6, 6, 8)
    refinement_blocks: int = 4
    heads: tuple[int, ...] = (1, 2, 4, 8)
    expansion: float = 2.66
    bias: bool = False
    norm: Literal["with-bias", "bias-free"] = "with-bias"
    topk_ratio: tuple[int, int] = (7, 10)
    fusion: Literal["scalar", "softmax"] = "scalar"
    gate_norm: Literal["batch", "none"] = "batch"
    skip_to_output: bool = False
    start_at_identity: bool = False
    checkpointing: bool = False

    def __post_init__(self) -> None:
        if not self.blocks or len(self.heads) != len(self.blocks):
            raise ValueError(f"{len(self.heads)} heads for {len(self.blocks)} levels; give one of each per level")
        numerator, denominator = self.topk_ratio
        if not 0 < numerator <= denominator:
            raise ValueError(f"topk_ratio {numerator}/{denominator} is not in (0, 1]; the published one is 7/10")
        for level, heads in enumerate(self.heads):
            width = self.width * 2**level
            if heads < 1 or width % heads:
                raise ValueError(f"{width} channels at level {level + 1} cannot be split into {heads} heads")
            if numerator * (width // heads) // denominator < 1:
                raise ValueError(
                    f"topk_ratio {numerator}/{denominator} keeps none of {width // heads} channels per head; "
                    f"use heads of at least {-(-denominator // numerator)} channels"
                )
        if self.width % 2 and len(self.blocks) > 1:
            raise ValueError(f"width {self.width} cannot be halved before pixels are gathered; use an even number")
        if (
            min(self.channels, self.width) < 1
            or min(*self.blocks, self.refinement_blocks, 1) < 0
            or self.expansion <= 0
        ):
            raise ValueError("channels, width and expansion must be positive, numbers of blocks not negative")

    @property
    def levels(self) -> int:
        """Number of resolutions."""
        return len(self.blocks)
