"""A gate for every pixel and channel, from a dilated separable convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restoration.manas.space.candidates.gates import separable
from restoration.manas.space.candidates.registry import register_candidate

__all__ = ["DilatedGate"]


@register_candidate("dil_conv_3x3", "gate of a dilated separable convolution", reach=2)
class DilatedGate(nn.Module):
    """x times a sigmoid of a separable convolution of dilation 2.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Sequential(*separable(channels, channels, dilation=2))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return x * torch.sigmoid(self.op(x))
