"""The directional networks of a branch: every feature sees only the half-plane of its pixel."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.models.halfplane.config import HalfPlaneConfig
from bsn.ops import ChannelNorm
from bsn.ops.halfplane import DirectionalConv2d, Plane, directional_pool, directional_window_attention
from bsn.ops.halfplane.attention import table_side

__all__ = ["DirectionalPyramid", "DirectionalUNet", "ResidualBody", "make_body"]

SLOPE = 0.1  # of the leaky ReLU, as published


class DirectionalAttention(nn.Module):
    """x + projection(attention(norm(x))) in windows that keep the half-plane; any size."""

    def __init__(self, width: int, heads: int, window: int, plane: Plane) -> None:
        super().__init__()
        self.heads, self.window, self.plane = heads, window, plane
        self.norm = ChannelNorm(width)
        self.qkv = nn.Conv2d(width, 3 * width, 1)
        self.project = nn.Conv2d(width, width, 1)
        self.table = nn.Parameter(torch.zeros(heads, table_side(window), table_side(window)))

    def forward(self, x: Tensor) -> Tensor:
        """Attend within the half-plane and add the result.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        height, width = x.shape[-2:]
        q, k, v = F.pad(self.qkv(self.norm(x)), (0, -width % self.window, 0, -height % self.window)).chunk(3, 1)
        mixed = directional_window_attention(
            q, k, v, self.table, window=self.window, heads=self.heads, plane=self.plane
        )
        return x + self.project(mixed[..., :height, :width])


class _Convs(nn.Module):
    """Directional convolutions, each followed by a leaky ReLU."""

    def __init__(self, *widths: int, plane: Plane) -> None:
        super().__init__()
        self.convs = nn.ModuleList(DirectionalConv2d(a, b, plane=plane) for a, b in itertools.pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = F.leaky_relu(conv(x), SLOPE)
        return x


class DirectionalUNet(nn.Module):
    """U-Net of directional convolutions, with directional pooling (AT-BSN; specs/halfplane.md, section 3).

    Parameters
    ----------
    config : HalfPlaneConfig
        Its channels, width F, levels, plane and attention.
    """

    def __init__(self, config: HalfPlaneConfig) -> None:
        super().__init__()
        f, levels, plane = config.width, config.levels, config.plane
        self.plane: Plane = plane
        self.window = config.window
        pixels = config.body_channels
        self.intro = _Convs(pixels, f, plane=plane)
        self.encoders = nn.ModuleList(_Convs(f, f, plane=plane) for _ in range(levels + 1))
        into = [pixels + 2 * f if level == 0 else (2 if level == levels - 1 else 3) * f for level in range(levels)]
        if levels == 1:
            into = [pixels + f]
        self.decoders = nn.ModuleList(_Convs(n, 2 * f, 2 * f, plane=plane) for n in into)
        attended = range(max(levels - 1, 0), levels + 1) if config.attention_heads else ()
        self.attention = nn.ModuleDict(
            {str(level): DirectionalAttention(f, config.attention_heads, config.window, plane) for level in attended}
        )
        self.outputs = 2 * f

    def _encode(self, x: Tensor, level: int) -> Tensor:
        x = self.encoders[level](x)
        return self.attention[str(level)](x) if str(level) in self.attention else x

    def forward(self, x: Tensor) -> Tensor:
        """Features of the half-plane of every pixel.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            H and W are multiples of ``2 ** levels``.

        Returns
        -------
        Tensor, shape (N, 2 F, H, W)
        """
        levels = len(self.decoders)
        skips, features = [x], self.intro(x)
        for level in range(levels):
            features = directional_pool(self._encode(features, level), plane=self.plane)
            skips.append(features)
        features = self._encode(features, levels)
        for level in reversed(range(levels)):
            features = F.interpolate(features, scale_factor=2, mode="nearest")
            features = self.decoders[level](torch.cat([features, skips[level]], 1))
        return features

    @property
    def reach(self) -> int:
        """Bound of the distance in pixels that a feature sees: upwards, which is the longest way."""
        bound = 2
        for level in range(len(self.decoders)):
            bound += (2 + 1 + 2 + 4) * 2**level  # convolution, move, cell; two convolutions of the decoder
        bound += 2 * 2 ** len(self.decoders)
        return bound + sum((2 * self.window - 1) * 2 ** int(name) for name in self.attention)


class DirectionalPyramid(nn.Module):
    """U-Net of directional convolutions whose features grow in number as the resolution falls, equally on both ways.

    The published U-Net has its widest features at full resolution, where they cost most; this one has them where the image
    is small, and learns more in the same time on a small machine.

    Parameters
    ----------
    config : HalfPlaneConfig
        Its channels, cell, widths and plane.
    """

    def __init__(self, config: HalfPlaneConfig) -> None:
        super().__init__()
        widths, plane, self.plane = config.widths, config.plane, config.plane
        pixels = config.body_channels
        self.intro = _Convs(pixels, widths[0], plane=plane)
        self.encoders = nn.ModuleList(
            _Convs(widths[max(level - 1, 0)], width, plane=plane) for level, width in enumerate(widths)
        )
        self.decoders = nn.ModuleList(
            _Convs(coarse + fine + (0 if level else pixels), fine, fine, plane=plane)
            for level, (fine, coarse) in enumerate(itertools.pairwise(widths))
        )
        self.outputs = widths[0]

    def forward(self, x: Tensor) -> Tensor:
        """Features of the half-plane of every cell.

        Parameters
        ----------
        x : Tensor, shape (N, C cell^2, H, W)
            H and W are multiples of 2 to the number of halvings.

        Returns
        -------
        Tensor, shape (N, widths[0], H, W)
        """
        skips, features = [], self.encoders[0](self.intro(x))
        for encoder in list(self.encoders)[1:]:
            skips.append(features)
            features = encoder(directional_pool(features, plane=self.plane))
        for level in reversed(range(len(self.decoders))):
            up = F.interpolate(features, scale_factor=2, mode="nearest")
            features = self.decoders[level](torch.cat([up, skips[level], *([] if level else [x])], 1))
        return features

    @property
    def reach(self) -> int:
        """Bound of the distance in cells that a feature sees: upwards, which is the longest way."""
        # At each level: convolution of the encoder, move and cell of the pooling, two convolutions of the decoder.
        fine = sum((2 + 1 + 2 + 4) * 2**level for level in range(len(self.decoders)))
        return 2 + fine + 2 * 2 ** len(self.decoders)


class _ResidualBlock(nn.Module):
    """x + conv(ReLU(conv(x)))."""

    def __init__(self, width: int, plane: Plane) -> None:
        super().__init__()
        self.conv1 = DirectionalConv2d(width, width, plane=plane)
        self.conv2 = DirectionalConv2d(width, width, plane=plane)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(x)))


class _Group(nn.Module):
    """x + conv(residual blocks(x))."""

    def __init__(self, width: int, blocks: int, plane: Plane) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(_ResidualBlock(width, plane) for _ in range(blocks)))
        self.last = DirectionalConv2d(width, width, plane=plane)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.last(self.blocks(x))


class ResidualBody(nn.Module):
    """Residual groups at full resolution (TM-BSN; specs/halfplane.md, section 4).

    Parameters
    ----------
    config : HalfPlaneConfig
        Its channels, width F, groups, blocks and plane.
    """

    def __init__(self, config: HalfPlaneConfig) -> None:
        super().__init__()
        f, plane = config.width, config.plane
        self.first = DirectionalConv2d(config.body_channels, f, plane=plane)
        self.groups = nn.Sequential(*(_Group(f, config.blocks, plane) for _ in range(config.groups)))
        self.last = DirectionalConv2d(f, f, plane=plane)
        self.outputs = f
        step = 2 if plane == "straight" else 1
        self.reach = step * (2 + config.groups * (2 * config.blocks + 1))

    def forward(self, x: Tensor) -> Tensor:
        """Features of the half-plane of every pixel.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Images.

        Returns
        -------
        Tensor, shape (N, F, H, W)
        """
        first = self.first(x)
        return first + self.last(self.groups(first))


def make_body(config: HalfPlaneConfig) -> DirectionalUNet | ResidualBody | DirectionalPyramid:
    """The directional network that a configuration describes.

    Parameters
    ----------
    config : HalfPlaneConfig
        Configuration of the network.

    Returns
    -------
    DirectionalUNet, ResidualBody or DirectionalPyramid
    """
    if config.body == "unet":
        return DirectionalUNet(config)
    return ResidualBody(config) if config.body == "residual" else DirectionalPyramid(config)
