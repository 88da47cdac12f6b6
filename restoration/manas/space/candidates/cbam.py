"""A gate for every channel, then one for every pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restoration.manas.space.candidates.gates import channel_maps, squeezed
from restoration.manas.space.candidates.registry import register_candidate

__all__ = ["CBAM"]


@register_candidate("CBAM", "channel gate, then spatial gate", reach=3)
class CBAM(nn.Module):
    """Convolutional block attention module.

    Parameters
    ----------
    channels : int

    References
    ----------
    Woo et al., "CBAM: Convolutional Block Attention Module", ECCV 2018.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channel = squeezed(channels, 4, bias=True)
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(1, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        x = x * torch.sigmoid(self.channel(x.mean((2, 3))) + self.channel(x.amax((2, 3))))[..., None, None]
        return x * torch.sigmoid(self.norm(self.conv(channel_maps(x))))
