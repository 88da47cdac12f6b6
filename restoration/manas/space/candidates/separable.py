"""A gate for every pixel and channel, from two separable convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restoration.manas.space.candidates.gates import separable
from restoration.manas.space.candidates.registry import register_candidate

__all__ = ["SeparableGate"]


@register_candidate("sep_conv_3x3", "gate of two separable convolutions", reach=2)
class SeparableGate(nn.Module):
    """x times a sigmoid of two separable convolutions with a ReLU between them.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Sequential(*separable(channels, channels), nn.ReLU(), *separable(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return x * torch.sigmoid(self.op(x))
