"""Blocks of TBSN on phase images: feed-forward network, residual block, change of resolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from bsn.models.tbsn.config import TBSNConfig
from bsn.ops import ChannelNorm, Coupling, phase_shuffle, phase_unshuffle
from bsn.ops.channel_attention.module import ChannelAttention
from bsn.ops.window_attention.module import WindowAttention

__all__ = ["Block", "Downsample", "FeedForward", "Upsample"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": F.gelu, "relu": F.relu}


class FeedForward(nn.Module):
    """Two 3x3 convolutions with an activation between them (dilation 2 of the published form: 1 on phase images).

    Parameters
    ----------
    channels : int
    expansion : float
        The hidden width is ``int(channels * expansion)``.
    bias : bool
    activation : {"gelu", "relu"}
    """

    coupling = Coupling.WITHIN_PHASE
    reach = 2

    def __init__(self, channels: int, *, expansion: float = 1.0, bias: bool = False, activation: str = "gelu") -> None:
        super().__init__()
        hidden = int(channels * expansion)
        self.project_in = nn.Conv2d(channels, hidden, 3, padding=1, bias=bias)
        self.project_out = nn.Conv2d(hidden, channels, 3, padding=1, bias=bias)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        """Mix the channels of each pixel and its neighbours.

        Parameters
        ----------
        x : Tensor, shape (N, C, h, w)

        Returns
        -------
        Tensor, shape (N, C, h, w)
        """
        return self.project_out(self.activation(self.project_in(x)))


class Block(nn.Module):
    """Residual block: each attention of the level, followed by a feed-forward network, behind a norm each.

    Parameters
    ----------
    width, level : int
        Channels, and the level whose mixers and heads of `config` apply. (The published finest decoder has twice the
        width of its level.)
    config : TBSNConfig
    """

    def __init__(self, width: int, level: int, config: TBSNConfig) -> None:
        super().__init__()
        layers: list[_SubLayer] = []
        for kind in ("channel", "window"):
            if kind in config.mixers[level]:
                layers += [_attention(kind, width, level, config), _feed_forward(width, config)]
        self.layers = nn.ModuleList(layers or [_feed_forward(width, config)])
        self.norms = nn.ModuleList(
            nn.Identity() if config.norm == "none" else ChannelNorm(width, bias=config.norm == "with-bias")
            for _ in self.layers
        )
        if config.norm == "none":
            for layer in layers:
                _start_small(layer.project_out)

    @property
    def reach(self) -> int:
        """Sum of the reaches of the sub-layers, in pixels of the phase image."""
        return sum(layer.reach for layer in self.layers if isinstance(layer, _SUB_LAYERS))

    def forward(self, x: Tensor) -> Tensor:
        """Apply attention and feed-forward network, each with its residual.

        Parameters
        ----------
        x : Tensor, shape (N, C, h, w)

        Returns
        -------
        Tensor, shape (N, C, h, w)
        """
        branch: Tensor | None = None
        for norm, layer in zip(self.norms, self.layers, strict=True):
            if branch is None:
                normed = norm(x)
            elif isinstance(norm, ChannelNorm):
                x, normed = norm.add(x, branch)
            else:
                x = normed = x + branch
            branch = layer(normed)
        return x if branch is None else x + branch


_SubLayer = ChannelAttention | WindowAttention | FeedForward
_SUB_LAYERS = (ChannelAttention, WindowAttention, FeedForward)


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


def _feed_forward(width: int, config: TBSNConfig) -> FeedForward:
    return FeedForward(width, expansion=config.ffn_expansion, bias=config.bias, activation=config.activation)


def _start_small(projection: nn.Conv2d) -> None:
    """Without norms nothing bounds the sum of the branches at the start but their own size."""
    projection.weight.data.mul_(0.1)
    if projection.bias is not None:
        projection.bias.data.zero_()


class Downsample(nn.Module):
    """1x1 convolution to a quarter of the next width, then unshuffle by 2."""

    coupling = Coupling.WITHIN_PHASE

    def __init__(self, width: int, coarser: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(width, coarser // 4, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Halve the resolution.

        Parameters
        ----------
        x : Tensor, shape (N, width, h, w)

        Returns
        -------
        Tensor, shape (N, coarser, h / 2, w / 2)
        """
        return phase_unshuffle(self.project(x), dilation=1)


class Upsample(nn.Module):
    """1x1 convolution to four times the finer width, then shuffle by 2."""

    coupling = Coupling.WITHIN_PHASE

    def __init__(self, width: int, finer: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(width, 4 * finer, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Double the resolution.

        Parameters
        ----------
        x : Tensor, shape (N, width, h, w)

        Returns
        -------
        Tensor, shape (N, finer, 2 h, 2 w)
        """
        return phase_shuffle(self.project(x), dilation=1)
