"""Configuration of TBSN."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from typing_extensions import override

from bsn.models.phase_unet import PhaseUNetConfig
from bsn.ops.channel_attention import ChannelScope
from bsn.ops.dilated_window_attention import check_dilated_window

__all__ = ["Mixer", "TBSNConfig"]

Mixer = Literal["channel", "window", "channel+window", "none"]


@dataclass(frozen=True)
class TBSNConfig(PhaseUNetConfig):
    """Shape of a :class:`bsn.models.tbsn.TBSN`; the defaults are the published network.

    ==================================  ======================================
    published name                      here
    ==================================  ======================================
    in_ch                               ``channels``
    out_ch, where it differs            ``outputs``
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
    mixers : tuple of {"channel", "window", "channel+window", "none"}
        Attention of the blocks of each level. Each attention is followed by a feed-forward network; "none" leaves one
        feed-forward network, and blocks of attention without norms start with small branches. One level at least has
        attention: without any the network is a :class:`bsn.models.phase_unet.PhaseUNet`.
    channel_heads, window_heads : tuple of int
        Heads of each level.
    head_dim : int
        Channels per head of the window attention.
    window : int
        Side of the query windows in pixels of the level's full (merged) image.
    overlaps : tuple of float
        How far the key windows of each level exceed them: ``key_window = window + int(window * overlap)``.
    channel_attention : {"phase", "global"}
        Scope of the Gram matrices; "global" is the published network and not strictly blind.
    channels, widths, blocks, refinement_blocks, ffn_expansion, activation, bias
        See :class:`bsn.models.phase_unet.PhaseUNetConfig`.
    norm, wide_decoder, tail_layers, dilation, outputs, context, context_hole
        See there, too; the published network has dilation 2 and a wide decoder.

    Raises
    ------
    ValueError
        For shapes that do not fit together and windows that would break the blindness.
    """

    widths: tuple[int, ...] = (48, 96, 192)
    blocks: tuple[int, ...] = (4, 4, 4)
    refinement_blocks: int = 4
    mixers: tuple[Mixer, ...] = ("channel+window", "channel+window", "channel+window")
    channel_heads: tuple[int, ...] = (1, 2, 4)
    window_heads: tuple[int, ...] = (2, 2, 3)
    head_dim: int = 16
    window: int = 8
    overlaps: tuple[float, ...] = (0.5, 0.5, 0.5)
    activation: Literal["gelu", "relu"] = "gelu"
    bias: bool = False
    norm: Literal["bias-free", "with-bias", "none"] = "bias-free"
    wide_decoder: bool = True
    dilation: int = 2
    channel_attention: ChannelScope = "phase"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_one_per_level("mixers", "channel_heads", "window_heads", "overlaps")
        if set(self.mixers) == {"none"}:
            raise ValueError(
                f"mixers {self.mixers} leave a TBSN without attention; give one level attention, or make a PhaseUNet"
            )
        for level, mixer in enumerate(self.mixers):
            if "window" in mixer:
                check_dilated_window(self.window, self.window + int(self.window * self.overlaps[level]), self.dilation)
            width = self.widths[level]
            if "channel" in mixer and width % self.channel_heads[level]:
                raise ValueError(f"width {width} cannot be split into {self.channel_heads[level]} channel heads")

    @property
    @override
    def size_multiple(self) -> int:
        """Sides the body can work on are multiples of this; other images are padded and cropped inside."""
        windows = [self.window * 2**level for level, mixer in enumerate(self.mixers) if "window" in mixer]
        return math.lcm(super().size_multiple, *windows)

    @property
    @override
    def global_statistics(self) -> bool:
        """True if some layer pools over the whole image, so that a tile is not a part of the whole result."""
        return any("channel" in mixer for mixer in self.mixers)
