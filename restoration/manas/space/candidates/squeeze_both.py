"""A gate for every channel, from means and maxima."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restoration.manas.space.candidates.gates import squeezed
from restoration.manas.space.candidates.registry import register_candidate

__all__ = ["SqueezeBothGate"]


@register_candidate("SE_A_M", "channel gate of means and maxima")
class SqueezeBothGate(nn.Module):
    """Squeeze and excitation of means and maxima with shared layers.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = squeezed(channels, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return x * torch.sigmoid(self.fc(x.mean((2, 3))) + self.fc(x.amax((2, 3))))[..., None, None]
