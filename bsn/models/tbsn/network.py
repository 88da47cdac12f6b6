"""TBSN: transformer blind-spot network, written as a U-shaped restoration network on phase images."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from bsn.models.published import load_published
from bsn.models.tbsn.blocks import Block, Downsample, Upsample
from bsn.models.tbsn.config import TBSNConfig
from bsn.models.tbsn.official import our_config, our_key
from bsn.ops import MaskedConv2d, merge_phases, pad_within_phases, split_phases
from bsn.ops.channel_attention import ChannelScope
from bsn.ops.channel_attention.module import ChannelAttention

__all__ = ["TBSN"]


class TBSN(nn.Module):
    """Transformer-based blind-spot network.

    ::

        centre-masked convolution -> split into d^2 phase images on the batch
             -> U-shaped network of plain 3x3 convolutions, plain windows, channel attention
             -> interleave the phases

    After the head the features of a pixel have seen only other phases, and the body never mixes phases, so the output at
    p does not depend on the input at p + d Z x d Z: the network is blind by its structure. This equals the published
    dilated, masked network (borders included) at a quarter of its attention work. Only channel attention with a global
    Gram matrix (``channel_attention="global"``, the published form) couples phases and makes it approximately blind.

    Parameters
    ----------
    config : TBSNConfig, optional
        Default: the published size with one Gram matrix per phase.

    Raises
    ------
    ValueError
        See :class:`TBSNConfig`.

    References
    ----------
    Li, Zhang, Zuo, "Rethinking Transformer-Based Blind-Spot Network for Self-Supervised Image Denoising", AAAI 2025,
    arXiv 2404.07846.

    Examples
    --------
    >>> small = TBSNConfig(channels=1, widths=(8, 16), blocks=(1, 1), refinement_blocks=0, mixers=("none", "window"),
    ...                    channel_heads=(1, 1), window_heads=(1, 1), overlaps=(0.5, 0.5))
    >>> TBSN(small)(torch.rand(2, 1, 37, 50)).shape
    torch.Size([2, 1, 37, 50])
    """

    def __init__(self, config: TBSNConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TBSNConfig()
        widths, last = config.widths, config.levels - 1

        def stage(width: int, level: int, count: int) -> nn.Sequential:
            return nn.Sequential(*(Block(width, level, config) for _ in range(count)))

        self.head = MaskedConv2d(config.channels, widths[0], lattice=config.dilation, bias=config.norm == "none")
        self.encoder = nn.ModuleList(stage(w, level, config.blocks[level]) for level, w in enumerate(widths))
        self.down = nn.ModuleList(Downsample(widths[i], widths[i + 1]) for i in range(last))
        self.up = nn.ModuleList(Upsample(widths[i + 1], widths[i]) for i in range(last))
        decoded = [2 * w if config.wide_decoder and level == 0 else w for level, w in enumerate(widths[:last])]
        # The published up path starts from the finer level's output width, so a wide decoder only occurs at level 0.
        self.reduce = nn.ModuleList(
            nn.Identity() if decoded[i] == 2 * widths[i] else nn.Conv2d(2 * widths[i], widths[i], 1, bias=config.bias)
            for i in range(last)
        )
        self.decoder = nn.ModuleList(stage(decoded[i], i, config.blocks[i]) for i in range(last))
        width = decoded[0] if decoded else widths[0]
        self.refinement = stage(width, 0, config.refinement_blocks)
        hidden = [layer for _ in range(config.tail_layers) for layer in (nn.Conv2d(width, width, 1), nn.ReLU())]
        self.output = nn.Sequential(*hidden, nn.Conv2d(width, config.outputs or config.channels, 1, bias=config.bias))

    @classmethod
    def from_official(
        cls, state_dict: Mapping[str, Tensor], config: Mapping[str, Any], channel_attention: ChannelScope = "global"
    ) -> TBSN:
        """Network with published weights.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            Under the official keys; stored masks may be present or absent and are ignored.
        config : mapping
            Constructor arguments under their official names (``in_ch``, ``dim``, ``num_blocks`` ...); what is missing
            takes the official default, notes such as ``seed`` are ignored.
        channel_attention : {"global", "phase"}
            "global" reproduces the published numbers.

        Returns
        -------
        TBSN
            In eval mode, in the dtype of the weights, taking and returning values 0..255.

        Raises
        ------
        ValueError
            If keys or shapes do not fit; the first differences are named.
        """
        network = cls(TBSNConfig(**our_config(config), channel_attention=channel_attention))
        load_published(network, state_dict, our_key)
        network.head.clear_blind_taps()
        return network

    @property
    def lattice(self) -> int:
        """Side d of the blind lattice: the output at p never depends on the input at p + d Z x d Z."""
        return self.config.dilation

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return self.config.channels

    @property
    def size_multiple(self) -> int:
        """Grid to which images are padded inside, and tiles have to be aligned."""
        return self.config.size_multiple

    @property
    def global_statistics(self) -> bool:
        """True if channel attention pools over the whole image."""
        return self.config.global_statistics

    @property
    def halo(self) -> int:
        """Farthest pixel that can influence an output by convolutions and windows, in pixels."""
        reach = _reach(self.encoder[-1])
        for level in reversed(range(self.config.levels - 1)):
            reach = 2 * reach + 1 + _reach(self.encoder[level]) + _reach(self.decoder[level])
        return self.lattice * (reach + _reach(self.refinement)) + self.head.reach

    def set_channel_attention(self, scope: ChannelScope) -> None:
        """Change the scope of all channel attentions in place; the parameters stay the same.

        Parameters
        ----------
        scope : {"phase", "global"}
        """
        self.config = dataclasses.replace(self.config, channel_attention=scope)
        for module in self.modules():
            if isinstance(module, ChannelAttention):
                module.scope = scope

    def forward(self, x: Tensor) -> Tensor:
        """Denoise a batch.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size, in the value range the weights were trained on (published weights: 0..255).

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        height, width = x.shape[-2:]
        x = pad_within_phases(x, self.size_multiple, self.lattice)
        x = split_phases(self.head(x), self.lattice).contiguous(memory_format=torch.channels_last)
        x = self.output(self.body(x))
        return merge_phases(x, self.lattice)[..., :height, :width]

    def body(self, x: Tensor) -> Tensor:
        """Everything between head and tail.

        Parameters
        ----------
        x : Tensor, shape (N d^2, widths[0], h, w)
            Phase images.

        Returns
        -------
        Tensor, shape (N d^2, K, h, w)
            Features of the finest decoder.
        """
        skips = []
        for level, stage in enumerate(self.encoder):
            x = stage(x)
            if level < len(self.down):
                skips.append(x)
                x = self.down[level](x)
        for level in reversed(range(len(self.up))):
            x = self.reduce[level](torch.cat([self.up[level](x), skips.pop()], 1))
            x = self.decoder[level](x)
        return self.refinement(x)


def _reach(stage: nn.Module) -> int:
    return sum(block.reach for block in stage.modules() if isinstance(block, Block))
