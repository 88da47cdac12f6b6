"""Transformer blocks of ELF: channel attention of one and of three sources, gated feed-forward network."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from bsn.ops import ChannelAttention, ChannelNorm, CrossChannelAttention, gated_depthwise_conv
from restoration.models.elf.config import ELFConfig
from restoration.models.elf.pieces import Fuse, conv3x3
from restoration.networks import checkpointed

__all__ = ["Branch", "CrossBlock", "GatedFeedForward", "MultiInputAttention", "TransformerBlock"]


class GatedFeedForward(nn.Module):
    """1x1 and depth-wise 3x3 to two halves, one activated and multiplied by the other, 1x1 back.

    Parameters
    ----------
    channels : int
        Channels in and out.
    expansion : float
        Hidden width relative to the channels.
    activation : {"prelu", "gelu"}
        Activation of the gate.
    """

    def __init__(self, channels: int, *, expansion: float, activation: str) -> None:
        super().__init__()
        hidden = int(channels * expansion)
        self.project_in = nn.Conv2d(channels, 2 * hidden, 1, bias=False)
        self.depthwise = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=False)
        self.project_out = nn.Conv2d(hidden, channels, 1, bias=False)
        self.activation = nn.PReLU() if activation == "prelu" else nn.GELU()

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
        slope = self.activation.weight if isinstance(self.activation, nn.PReLU) else None
        y = gated_depthwise_conv(self.project_in(x), self.depthwise.weight, self.depthwise.bias, slope)
        return self.project_out(y)


class TransformerBlock(nn.Module):
    """Residual block of channel attention and gated feed-forward network, behind a norm each.

    Parameters
    ----------
    config : ELFConfig
        Configuration of the network.
    heads : int
        Number of attention heads, which divides the width.
    """

    def __init__(self, config: ELFConfig, heads: int) -> None:
        super().__init__()
        width = config.width
        self.norm1, self.norm2 = ChannelNorm(width, bias=True), ChannelNorm(width, bias=True)
        self.attn = ChannelAttention(width, heads=heads)
        self.ffn = GatedFeedForward(width, expansion=config.expansion, activation=config.activation)

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


class Branch(nn.Module):
    """Transformer branch (ORB): blocks and a 3x3 convolution around a shortcut.

    Parameters
    ----------
    config : ELFConfig
        Configuration of the network.
    """

    def __init__(self, config: ELFConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(TransformerBlock(config, config.branch_heads) for _ in range(config.branch_blocks))
        self.conv = conv3x3(config.width, config.width)
        self.checkpointing = config.checkpointing

    def forward(self, x: Tensor) -> Tensor:
        """Apply the blocks of one branch.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        y = x
        for block in self.blocks:
            y = checkpointed(block, y, enabled=self.checkpointing)
        return self.conv(y) + x


class CrossBlock(nn.Module):
    """Residual block whose query comes from one map, key and value from others; the shortcut is the raw value.

    Published names are exchanged: what is called key there feeds the query projection, and the other way round.

    Parameters
    ----------
    config : ELFConfig
        Configuration of the network.
    """

    def __init__(self, config: ELFConfig) -> None:
        super().__init__()
        width = config.width
        self.norm_query, self.norm_key, self.norm_value, self.norm2 = (ChannelNorm(width, bias=True) for _ in range(4))
        self.attn = CrossChannelAttention(width, heads=config.stem_heads)
        self.ffn = GatedFeedForward(width, expansion=config.expansion, activation=config.activation)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attend with the queries of one source to the keys and values of two others.

        Parameters
        ----------
        query, key, value : Tensor, shape (N, C, H, W)
            Features of the three sources.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        x = value + self.attn(self.norm_query(query), self.norm_key(key), self.norm_value(value))
        return x + self.ffn(self.norm2(x))


class MultiInputAttention(nn.Module):
    """Features of the image, picked by the predicted rain, with those of the coarse background (MAM).

    Parameters
    ----------
    config : ELFConfig
        Configuration of the network.
    """

    def __init__(self, config: ELFConfig) -> None:
        super().__init__()
        channels, width = config.channels, config.width
        self.image = conv3x3(channels, width, stride=2)
        self.rain = conv3x3(channels, width)
        self.background = conv3x3(channels, width)
        self.block = CrossBlock(config)
        self.fuse = Fuse(width)

    def forward(self, image: Tensor, rain: Tensor, background: Tensor) -> Tensor:
        """Join image, rain and background to features.

        Parameters
        ----------
        image : Tensor, shape (N, C, H, W)
            Rainy images.
        rain, background : Tensor, shape (N, C, H / 2, W / 2)
            Predicted rain and the background without it, at half the size.

        Returns
        -------
        Tensor, shape (N, width, H / 2, W / 2)
        """
        features = self.image(image)
        return self.fuse(self.background(background), self.block(self.rain(rain), features, features))


def halved(x: Tensor) -> Tensor:
    """Halve the size by the mean of 2 x 2 pixels, which is a bilinear reduction.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        H and W are even.

    Returns
    -------
    Tensor, shape (N, C, H / 2, W / 2)
    """
    return F.avg_pool2d(x, 2)
