"""A gate for every channel, from the means of all."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restoration.manas.space.candidates.gates import squeezed
from restoration.manas.space.candidates.registry import register_candidate

__all__ = ["SqueezeGate"]


@register_candidate("SE", "channel gate of means")
class SqueezeGate(nn.Module):
    """Squeeze and excitation.

    Parameters
    ----------
    channels : int
    reduction : int
        Of the bottleneck.

    References
    ----------
    Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        self.fc = squeezed(channels, reduction, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return x * torch.sigmoid(self.fc(x.mean((2, 3))))[..., None, None]
