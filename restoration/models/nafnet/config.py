"""Shape of a NAFNet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["NAFNetConfig"]


@dataclass(frozen=True)
class NAFNetConfig:
    """Shape of a :class:`restoration.models.NAFNet`; the defaults are the published denoiser of width 32 (SIDD).

    Parameters
    ----------
    channels : int
        Channels of the image, in and out (published: ``img_channel``).
    width : int
        Channels at full resolution; doubled at every level.
    encoder, decoder : tuple of int
        Blocks per level, the encoder from full resolution down, the decoder from the lowest level up, as published
        (``enc_blk_nums``, ``dec_blk_nums``); one of each per level.
    middle : int
        Blocks below the last level (``middle_blk_num``).
    pooling : {"global", "local"}
        What the channel attention averages over: the whole image, as in training, or a window around each pixel. A network
        that was trained on crops meets other averages in whole images than it has learned from; windows of about the size of
        its crops mend that.
    window : int
        Side of the window of "local" pooling in pixels of the image.
    start_at_identity : bool
        Begin with an output layer of zeros, so that an untrained network returns its input: short runs learn the rain at once.
    checkpointing : bool
        Compute activations again in the backward pass, block by block.

    Raises
    ------
    ValueError
        For shapes that cannot be built.

    References
    ----------
    Chen, Chu, Zhang, Sun, "Simple Baselines for Image Restoration", ECCV 2022, arXiv 2204.04676. Local pooling: Chu, Chen,
    Chen, Lu, "Improving Image Restoration by Revisiting Global Information Aggregation", ECCV 2022, arXiv 2112.04491.
    """

    channels: int = 3
    width: int = 32
    encoder: tuple[int, ...] = (2, 2, 4, 8)
    middle: int = 12
    decoder: tuple[int, ...] = (2, 2, 2, 2)
    pooling: Literal["global", "local"] = "global"
    window: int = 384
    start_at_identity: bool = False
    checkpointing: bool = False

    def __post_init__(self) -> None:
        if len(self.encoder) != len(self.decoder) or not self.encoder:
            raise ValueError(
                f"encoder {self.encoder} and decoder {self.decoder} must name the same levels; give one number of each per "
                "level"
            )
        if min(self.channels, self.width, self.window) < 1 or min(self.middle, *self.encoder, *self.decoder) < 0:
            raise ValueError("channels, width and window must be 1 or more, numbers of blocks 0 or more")
        if self.pooling not in ("global", "local"):
            raise ValueError(f"the pooling {self.pooling!r} is unknown; use 'global' or 'local'")

    @property
    def levels(self) -> int:
        """Number of halvings of the resolution."""
        return len(self.encoder)
