"""Convolutional pieces of ELF: separable convolutions, channel gates, fusions, change of resolution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "ChannelGate",
    "ConvBlock",
    "Fuse",
    "FuseFour",
    "Resize",
    "Separable",
    "SeparableBlock",
    "conv3x3",
    "shuffle_up",
]


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """3x3 convolution without bias, zeros around the image.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    stride : int
        Stride in pixels.

    Returns
    -------
    nn.Conv2d
    """
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)


def shuffle_up(x: Tensor) -> Tensor:
    """Four channels to 2 x 2 pixels, with rows and columns exchanged against :func:`torch.nn.functional.pixel_shuffle`.

    Parameters
    ----------
    x : Tensor, shape (N, 4 C, H, W)
        Features.

    Returns
    -------
    Tensor, shape (N, C, 2 H, 2 W)
        ``out[c, 2 i + b, 2 j + a] = x[4 c + 2 a + b, i, j]``.
    """
    swapped = x.unflatten(1, (-1, 2, 2)).transpose(2, 3).flatten(1, 3)
    return F.pixel_shuffle(swapped, 2).contiguous(memory_format=torch.channels_last)


class Separable(nn.Module):
    """Depth-wise 3x3, then 1x1, both with bias.

    Parameters
    ----------
    inputs, outputs : int
        Channels in and out.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve depth-wise, then mix the channels.

        Parameters
        ----------
        x : Tensor, shape (N, inputs, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, outputs, H, W)
        """
        return self.pointwise(self.depthwise(x))


class ChannelGate(nn.Module):
    """Scale every channel by a number in (0, 1) that follows from the means of all.

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // 4, 1, bias=False)
        self.excite = nn.Conv2d(channels // 4, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh the channels by their means over the image.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return x * torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))


class Fuse(nn.Module):
    """Add to the first of two maps what a gated separable convolution makes of both (S2FB_2; not symmetric).

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Separable(2 * channels, channels)
        self.gate = ChannelGate(channels)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Join two sources.

        Parameters
        ----------
        a, b : Tensor, shape (N, C, H, W)
            Features of the two sources.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return self.gate(self.conv(torch.cat([a, b], 1))) + a


class FuseFour(nn.Module):
    """Join four maps from the last to the first (S2FB_p).

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(Separable(2 * channels, channels) for _ in range(3))
        self.gate = ChannelGate(channels)

    def forward(self, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
        """Join four sources.

        Parameters
        ----------
        a, b, c, d : Tensor, shape (N, C, H, W)
            Features of the four sources.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        joined = d
        for conv, part in zip(self.convs, (c, b, a), strict=True):
            joined = conv(torch.cat([part, joined], 1))
        return self.gate(joined) + joined


class ConvBlock(nn.Module):
    """Two 3x3 convolutions and a channel gate around a shortcut (CAB).

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv3x3(channels, channels), conv3x3(channels, channels)
        self.gate = ChannelGate(channels)

    def forward(self, x: Tensor, activation: nn.Module) -> Tensor:
        """Convolve twice and add the input.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.
        activation : nn.Module
            The sub-network's, which shares one slope.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return self.gate(self.conv2(activation(self.conv1(x)))) + x


class SeparableBlock(nn.Module):
    """The same of separable convolutions, its input fused in at the end (CAB_dsc).

    Parameters
    ----------
    channels : int
        Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = Separable(channels, channels), Separable(channels, channels)
        self.gate = ChannelGate(channels)
        self.fuse = Fuse(channels)

    def forward(self, x: Tensor, activation: nn.Module) -> Tensor:
        """Convolve by separable convolutions and add the input.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.
        activation : nn.Module
            The sub-network's, which shares one slope.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return self.fuse(self.gate(self.conv2(activation(self.conv1(x)))), x)


class Resize(nn.Module):
    """Bilinear change of size (corners not aligned, no antialiasing) and a 1x1 convolution.

    Parameters
    ----------
    channels : int
        Channels in and out.
    factor : float
        0.5, 0.25, 2 or 4. 0.5 is the mean of 2 x 2 pixels, 0.25 that of the middle 2 x 2 of 4 x 4.
    """

    def __init__(self, channels: int, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Change the size by the module's factor.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H * factor, W * factor)
        """
        # Both are linear and a bilinear weight is the same for all channels, so the cheaper order gives the same numbers.
        if self.factor > 1:
            return F.interpolate(self.conv(x), scale_factor=self.factor, mode="bilinear", align_corners=False)
        return self.conv(F.interpolate(x, scale_factor=self.factor, mode="bilinear", align_corners=False))
