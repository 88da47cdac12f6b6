"""No connection."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from restoration.manas.space.candidates.registry import register_candidate

__all__ = ["Zero"]


@register_candidate("none", "no connection")
class Zero(nn.Module):
    """Zeros, whatever comes in.

    Parameters
    ----------
    channels : int
    """

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to zeros of the same shape."""
        return torch.zeros_like(x)
