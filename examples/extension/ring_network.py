"""An operator, and a small blind network that uses it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bsn.models import Preset, register_network, register_preset
from bsn.ops import Coupling, MaskedConv2d


class Shrink(nn.Module):
    """Move every value towards zero by a learned amount, and no further than zero.

    Parameters
    ----------
    width : int
        Channels; each has its own amount.
    """

    coupling = (
        Coupling.POINTWISE
    )  # a result depends on the pixel at its own place: `bsn verify` need not run it to know

    def __init__(self, width: int) -> None:
        super().__init__()
        self.amount = nn.Parameter(torch.full((1, width, 1, 1), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """Features of any size, shape (N, width, H, W); the result has the same shape."""
        return x.sign() * (x.abs() - self.amount.abs()).relu()


@dataclass(frozen=True)
class RingConfig:
    """Shape of a :class:`Ring`.

    Parameters
    ----------
    channels : int
        Channels of the image, in and out.
    width : int
        Inner channels.
    outputs : int, optional
        Outputs per pixel, if they are not the channels of the image: a noise model needs more.
    """

    channels: int = 3
    width: int = 24
    outputs: int | None = None


@register_network("ring", RingConfig)
class Ring(nn.Module):
    """A masked convolution, then convolutions of dilation 2: no result depends on a pixel at an even distance from it.

    Parameters
    ----------
    config : RingConfig
        Shape of the network.
    """

    lattice = 2
    size_multiple = 1
    halo = 1 + 2 + 2
    global_statistics = False

    def __init__(self, config: RingConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.body = nn.Sequential(
            MaskedConv2d(config.channels, width, lattice=2),
            Shrink(width),
            nn.Conv2d(width, width, 3, padding=2, dilation=2),
            Shrink(width),
            nn.Conv2d(width, width, 3, padding=2, dilation=2),
            Shrink(width),
            nn.Conv2d(width, config.outputs or config.channels, 1),
        )

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return self.config.channels

    def forward(self, x: Tensor) -> Tensor:
        """Denoise images of any size, shape (N, channels, H, W)."""
        return self.body(x)


register_preset(Preset("ring-small", "ring", RingConfig(), "three convolutions; an example of another package"))
