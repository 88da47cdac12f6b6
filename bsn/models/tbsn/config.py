"""Configuration of TBSN and its relatives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from bsn.ops.channel_attention import ChannelScope
from bsn.ops.dilated_window_attention import check_dilated_window

__all__ = ["Mixer", "TBSNConfig"]

Mixer = Literal["channel", "window", "channel+window", "none"]


@dataclass(frozen=True)
class TBSNConfig:
    """Shape of a :class:`bsn.models.tbsn.TBSN`; the defaults are the published network.

    ==================================  ======================================
    published name                      here
    ==================================  ======================================
    in_ch, out_ch                       ``channels``
    dim, 2 dim, 4 dim                   ``widths``
    num_blocks                          ``blocks``
    num_refinement_blocks               ``refinement_blocks``
    channel_heads, spatial_heads        ``channel_heads``, ``window_heads``
    spatial_dim_head                    ``head_dim``
    window_size, overlap_ratio          ``window``, ``overlaps``
    ffn_expansion_factor                ``ffn_expansion``
    LayerNorm_type                      ``norm``
    ==================================  ======================================

    Parameters
    ----------
    channels : int
        Of the image, in and out.
    outputs : int, optional
        Outputs per pixel, if they are not the channels of the image (:func:`bsn.noise.outputs_for_posterior`).
    widths, blocks : tuple of int
        Channels and number of blocks of each level, finest first; the last is the latent level.
    refinement_blocks : int
        Blocks after the finest decoder.
    mixers : tuple of {"channel", "window", "channel+window", "none"}
        Attention of the blocks of each level. Each attention is followed by a feed-forward network; "none" leaves one
        feed-forward network.
    channel_heads, window_heads : tuple of int
        Heads of each level.
    head_dim : int
        Channels per head of the window attention.
    window : int
        Side of the query windows in pixels of the level's full (merged) image.
    overlaps : tuple of float
        How far the key windows of each level exceed them: ``key_window = window + int(window * overlap)``.
    ffn_expansion : float
        Hidden width of the feed-forward networks relative to the level's.
    activation : {"gelu", "relu"}
        Of the feed-forward networks.
    bias : bool
        Of the convolutions of blocks, merges and output.
    norm : {"bias-free", "with-bias", "none"}
        Norm before each sub-layer. "none" needs no statistics, and starts the branches of blocks with attention small
        instead; for narrow networks.
    wide_decoder : bool
        True: the finest decoder keeps the concatenation of both paths (twice its width), as published. False: a 1x1
        convolution reduces it like at the other levels.
    tail_layers : int
        Hidden 1x1 convolutions (with ReLU) before the last one.
    dilation : int
        Distance d between pixels of a phase. The network never sees the lattice d Z x d Z of a pixel, so it uses
        1 - 1/d^2 of the image: 3/4 with the published 2, 15/16 with 4. The head's kernel has 2 d - 1 taps a side.
    channel_attention : {"phase", "global"}
        Scope of the Gram matrices; "global" is the published network and not strictly blind.

    Raises
    ------
    ValueError
        For shapes that do not fit together and windows that would break the blindness.
    """

    channels: int = 3
    widths: tuple[int, ...] = (48, 96, 192)
    blocks: tuple[int, ...] = (4, 4, 4)
    refinement_blocks: int = 4
    mixers: tuple[Mixer, ...] = ("channel+window", "channel+window", "channel+window")
    channel_heads: tuple[int, ...] = (1, 2, 4)
    window_heads: tuple[int, ...] = (2, 2, 3)
    head_dim: int = 16
    window: int = 8
    overlaps: tuple[float, ...] = (0.5, 0.5, 0.5)
    ffn_expansion: float = 1.0
    activation: Literal["gelu", "relu"] = "gelu"
    bias: bool = False
    norm: Literal["bias-free", "with-bias", "none"] = "bias-free"
    wide_decoder: bool = True
    tail_layers: int = 0
    dilation: int = 2
    channel_attention: ChannelScope = "phase"
    outputs: int | None = None

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise ValueError(f"an image of {self.channels} channels cannot be denoised; channels must be at least 1")
        if self.dilation < 2:
            raise ValueError(f"dilation {self.dilation} leaves no pixel to see; use 2 or more")
        for name in ("blocks", "mixers", "channel_heads", "window_heads", "overlaps"):
            if len(getattr(self, name)) != len(self.widths):
                raise ValueError(
                    f"{name} {getattr(self, name)} has {len(getattr(self, name))} entries for {len(self.widths)} levels "
                    f"(widths {self.widths}); one per level is needed"
                )
        for level, mixer in enumerate(self.mixers):
            if "window" in mixer:
                check_dilated_window(self.window, self.window + int(self.window * self.overlaps[level]), self.dilation)
            width = self.widths[level]
            if level and width % 4:
                raise ValueError(
                    f"width {width} of level {level} is not a multiple of 4, the pixels of a down-sampling step"
                )
            if "channel" in mixer and width % self.channel_heads[level]:
                raise ValueError(f"width {width} cannot be split into {self.channel_heads[level]} channel heads")

    @property
    def levels(self) -> int:
        """Number of resolutions."""
        return len(self.widths)

    @property
    def size_multiple(self) -> int:
        """Sides the body can work on are multiples of this; other images are padded and cropped inside."""
        needs = [self.dilation * 2 ** (self.levels - 1)]
        needs += [self.window * 2**level for level, mixer in enumerate(self.mixers) if "window" in mixer]
        return math.lcm(*needs)

    @property
    def global_statistics(self) -> bool:
        """True if some layer pools over the whole image, so that a tile is not a part of the whole result."""
        return any("channel" in mixer for mixer in self.mixers)
