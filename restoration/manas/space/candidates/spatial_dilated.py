"""A gate for every pixel, the same for all channels, from a dilated convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restoration.manas.space.candidates.gates import channel_maps, plain_norm
from restoration.manas.space.candidates.registry import register_candidate

__all__ = ["SpatialDilatedGate"]


@register_candidate("dil_conv_3x3_spatial", "spatial gate of a dilated convolution", reach=2)
class SpatialDilatedGate(nn.Module):
    """x times a sigmoid of a full 3x3 convolution of dilation 2 of its largest and mean channel.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Sequential(
            nn.Conv2d(2, 1, 3, padding=2, dilation=2, bias=False), nn.Conv2d(1, 1, 1, bias=False), plain_norm(1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return x * torch.sigmoid(self.op(channel_maps(x)))
