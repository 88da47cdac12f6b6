"""A gate for every pixel, the same for all channels, from two separable convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restoration.manas.space.candidates.gates import channel_maps, separable
from restoration.manas.space.candidates.registry import register_candidate

__all__ = ["SpatialSeparableGate"]


@register_candidate("sep_conv_3x3_spatial", "spatial gate of two separable convolutions", reach=2)
class SpatialSeparableGate(nn.Module):
    """x times a sigmoid of two separable convolutions of its largest and mean channel.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Sequential(*separable(2, 2), nn.ReLU(), *separable(2, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return x * torch.sigmoid(self.op(channel_maps(x)))
