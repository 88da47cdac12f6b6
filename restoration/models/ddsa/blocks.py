"""Blocks of DDSA: dual channel attention, cascaded feed-forward network with a spatial gate, change of resolution."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.ops import ChannelAttention, ChannelNorm
from restoration.models.ddsa.config import DDSAConfig

__all__ = ["Block", "CascadedFeedForward", "Downsample", "SpatialGate", "Upsample"]


class SpatialGate(nn.Module):
    """Scale every pixel by a number in (0, 1) that follows from the maximum and the mean over its neighbours' channels.

    Parameters
    ----------
    batch_norm : bool
        Published: a batch norm over the one channel, momentum 0.01.
    """

    def __init__(self, *, batch_norm: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=0.01) if batch_norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Weigh every pixel by its surroundings.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        pooled = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.norm(self.conv(pooled)))


class CascadedFeedForward(nn.Module):
    """Spatial-enhanced feed-forward network (SEFN): one depth-wise convolution used three times, each on the sum so far.

    ::

        a, b, c = conv1x1(x);   y1 = relu(D a);   y2 = relu(D (y1 + b));   y3 = relu(D (y2 + c))
        out = gate( conv1x1( y1, y2, y3 ) )

    Parameters
    ----------
    channels : int
        Channels in and out.
    expansion : float
        Width of a, b and c relative to `channels`, rounded down.
    bias : bool
        Whether the convolutions have offsets.
    batch_norm : bool
        Whether the gate has a batch norm.
    """

    def __init__(self, channels: int, *, expansion: float, bias: bool = False, batch_norm: bool = True) -> None:
        super().__init__()
        hidden = int(channels * expansion)
        self.project_in = nn.Conv2d(channels, 3 * hidden, 1, bias=bias)
        self.depthwise = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden, bias=bias)
        self.project_out = nn.Conv2d(3 * hidden, channels, 1, bias=bias)
        self.gate = SpatialGate(batch_norm=batch_norm)

    def forward(self, x: Tensor) -> Tensor:
        """Mix the channels of each pixel and its neighbours.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        inner, outer = self.project_in, self.project_out
        biases = (None,) * 3 if inner.bias is None else inner.bias.chunk(3)
        y: Tensor | None = None
        total: Tensor | None = None
        # One branch at a time: a third of the memory of the joint 1x1 convolutions, and no copies of channel slices.
        for weight, bias, out in zip(inner.weight.chunk(3), biases, outer.weight.chunk(3, 1), strict=True):
            branch = F.conv2d(x, weight, bias)
            y = self.depthwise(branch if y is None else branch.add_(y)).relu_()
            projected = F.conv2d(y, out, outer.bias if total is None else None)
            total = projected if total is None else total.add_(projected)
        return self.gate(cast(Tensor, total))


class Block(nn.Module):
    """Residual block: dual channel attention, then the feed-forward network, behind a norm each.

    Parameters
    ----------
    channels, heads : int
        Channels in and out, and number of heads.
    config : DDSAConfig
        Channels in and out, number of heads, and configuration of the network.
    """

    reach = 5  # depth-wise 3x3 of the attention, three of the cascade, one of the gate; statistics reach everywhere

    def __init__(self, channels: int, heads: int, config: DDSAConfig) -> None:
        super().__init__()
        bias = config.norm == "with-bias"
        ratios = ((1, 1),) if config.topk_ratio == (1, 1) else ((1, 1), config.topk_ratio)
        self.norm1, self.norm2 = ChannelNorm(channels, bias=bias), ChannelNorm(channels, bias=bias)
        self.attn = ChannelAttention(channels, heads=heads, bias=config.bias, ratios=ratios, fusion=config.fusion)
        self.ffn = CascadedFeedForward(
            channels, expansion=config.expansion, bias=config.bias, batch_norm=config.gate_norm == "batch"
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply attention and feed-forward network, each with its residual.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


class Downsample(nn.Module):
    """3x3 convolution to half the channels, then 2 x 2 pixels to four channels: twice the channels, half the size."""

    reach = 1

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Halve the resolution and double the channels.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, 2 C, H / 2, W / 2)
        """
        return F.pixel_unshuffle(self.project(x), 2).contiguous(memory_format=torch.channels_last)


class Upsample(nn.Module):
    """3x3 convolution to twice the channels, then four channels to 2 x 2 pixels: half the channels, twice the size."""

    reach = 1

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Double the resolution and halve the channels.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C / 2, 2 H, 2 W)
        """
        return F.pixel_shuffle(self.project(x), 2).contiguous(memory_format=torch.channels_last)
