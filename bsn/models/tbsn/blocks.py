"""Blocks of TBSN: attention on phase images, each followed by a feed-forward network."""

from __future__ import annotations

from typing import Any

from torch import nn

from bsn.models.phase_unet.blocks import Block, FeedForward, feed_forward
from bsn.models.tbsn.config import TBSNConfig
from bsn.ops.channel_attention.module import ChannelAttention
from bsn.ops.window_attention.module import WindowAttention

__all__ = ["AttentionBlock"]

_SubLayer = ChannelAttention | WindowAttention | FeedForward


class AttentionBlock(Block):
    """Residual block: each attention of the level, followed by a feed-forward network, behind a norm each.

    Parameters
    ----------
    width, level : int
        Channels, and the level whose mixers and heads of `config` apply. (The published finest decoder has twice the
        width of its level.)
    config : TBSNConfig
        Shape of the network.
    """

    def __init__(self, width: int, level: int, config: TBSNConfig) -> None:
        layers: list[_SubLayer] = []
        for kind in ("channel", "window"):
            if kind in config.mixers[level]:
                layers += [_attention(kind, width, level, config), feed_forward(width, config)]
        if config.norm == "none":
            for layer in layers:
                _start_small(layer.project_out)
        layers = layers or [feed_forward(width, config)]
        super().__init__(width, layers, sum(layer.reach for layer in layers), config.norm)


def _attention(kind: str, width: int, level: int, config: TBSNConfig) -> ChannelAttention | WindowAttention:
    common: dict[str, Any] = {"bias": config.bias}
    if kind == "channel":
        return ChannelAttention(
            width,
            heads=config.channel_heads[level],
            scope=config.channel_attention,
            phases=config.dilation**2,
            **common,
        )
    return WindowAttention(
        width,
        heads=config.window_heads[level],
        head_dim=config.head_dim,
        window=config.window,
        overlap=config.overlaps[level],
        dilation=config.dilation,
        **common,
    )


def _start_small(projection: nn.Conv2d) -> None:
    """Without norms nothing bounds the sum of the branches at the start but their own size."""
    projection.weight.data.mul_(0.1)
    if projection.bias is not None:
        projection.bias.data.zero_()
