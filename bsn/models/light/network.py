"""A plain U-shaped network on half resolution, for processors and phones: the students of our own are of this kind.

Where the time goes decides the shape. On a CPU a pixel of a full-resolution feature map costs more to move than to
compute, so the image is unshuffled by two at the entrance (nothing is lost: 3 channels become 12) and all features
live on half resolution and below; skips are added, not concatenated; there are no norms, no attention and no operator
that a mobile runtime lacks.
"""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.mirror import mirror_to_multiple
from bsn.models.light.convolution import MergedConv

__all__ = ["Light", "LightConfig"]


@dataclass(frozen=True)
class LightConfig:
    """Shape of a :class:`Light` network.

    Parameters
    ----------
    channels : int
        Channels of the image.
    widths : tuple of int
        Features at 1/2, 1/4, 1/8 ... of the resolution.
    blocks : tuple of int
        Residual blocks of two convolutions at each level; the encoder has one of them less than the decoder where the
        number is odd, the last level has all in one row.
    bias : bool
        Without biases the network is homogeneous: an image twice as bright gives a result twice as bright, and noise
        levels never seen in training are met by what was learned of others (Mohan et al., ICLR 2020).
    merged : bool
        Convolutions hold one kernel, see :class:`MergedConv`.

    Raises
    ------
    ValueError
        For numbers that make no network.
    """

    channels: int = 3
    widths: tuple[int, ...] = (32, 48, 64)
    blocks: tuple[int, ...] = (2, 2, 2)
    bias: bool = True
    merged: bool = False

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.blocks) or not self.widths:
            raise ValueError(
                f"widths {self.widths} and blocks {self.blocks} must name the same levels; give one of each per level"
            )
        if min(self.channels, *self.widths, *self.blocks) < 1:
            raise ValueError(f"channels, widths and blocks start at 1, not {self}")


class _Block(nn.Module):
    """x + conv(relu(conv(x)))."""

    def __init__(self, width: int, config: LightConfig) -> None:
        super().__init__()
        self.first = MergedConv(width, width, bias=config.bias, merged=config.merged)
        self.second = MergedConv(width, width, bias=config.bias, merged=config.merged)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))


class Light(nn.Module):
    """Noisy image in, denoised image out; every pixel is seen, so it is not a blind-spot network.

    Parameters
    ----------
    config : LightConfig
        Shape of the network.

    Examples
    --------
    >>> import torch
    >>> Light(LightConfig(channels=1))(torch.zeros(1, 1, 24, 40)).shape
    torch.Size([1, 1, 24, 40])
    """

    global_statistics = False
    lattice = 0

    def __init__(self, config: LightConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        early = [count // 2 for count in config.blocks[:-1]]
        late = [count - count // 2 for count in config.blocks[:-1]]
        self.head = MergedConv(4 * config.channels, widths[0], bias=config.bias, merged=config.merged)
        self.encoder = nn.ModuleList(self._row(w, n) for w, n in zip(widths, early, strict=False))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, 2, bias=config.bias) for a, b in itertools.pairwise(widths))
        self.bottom = self._row(widths[-1], config.blocks[-1])
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2, bias=config.bias) for a, b in itertools.pairwise(widths))
        self.decoder = nn.ModuleList(self._row(w, n) for w, n in zip(widths, late, strict=False))
        self.tail = MergedConv(widths[0], 4 * config.channels, bias=config.bias, merged=config.merged)
        # Convolutions follow the layout of their weights; on CPUs this one is about twice as fast.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its overloads leave the keyword out

    def _row(self, width: int, count: int) -> nn.Sequential:
        return nn.Sequential(*(_Block(width, self.config) for _ in range(count)))

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return self.config.channels

    @property
    def size_multiple(self) -> int:
        """Grid of tiles: the side of the pixels of the lowest level."""
        return 2 ** len(self.config.widths)

    @property
    def halo(self) -> int:
        """Farthest input pixel that an output can depend on.

        A convolution at level k reaches 2**(k + 1) pixels; the blocks of the lowest level are met at any of their own
        positions, which adds its side less one.
        """
        reach = 2 * (1 + 1)  # head and tail
        for level, count in enumerate(self.config.blocks):
            reach += 2 * count * 2 ** (level + 1)
        return reach + self.size_multiple - 1

    def forward(self, x: Tensor) -> Tensor:
        """Denoise.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size; reflected to a multiple of :attr:`size_multiple`, and cut back.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        height, width = x.shape[-2:]
        x = mirror_to_multiple(x, self.size_multiple)
        y = self.head(F.pixel_unshuffle(x, 2))
        skips = []
        for row, down in zip(self.encoder, self.down, strict=True):
            y = row(y)
            skips.append(y)
            y = down(y)
        y = self.bottom(y)
        for row, up, skip in zip(reversed(self.decoder), reversed(self.up), reversed(skips), strict=True):
            y = row(up(y) + skip)
        return (x - F.pixel_shuffle(self.tail(y), 2))[..., :height, :width]

    def merged(self) -> Light:
        """Copy with one kernel per convolution, which gives the same images.

        Returns
        -------
        Light
        """
        result = copy.deepcopy(self)
        for module in result.modules():
            if isinstance(module, MergedConv):
                module.merge()
        result.config = replace(self.config, merged=True)
        return result
