"""What several candidates are made of: norms without factors, separable convolutions, squeezed means."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["channel_maps", "plain_norm", "separable", "squeezed"]


def plain_norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm without factors and offsets: during a search they would be learned anew for every mixture."""
    return nn.BatchNorm2d(channels, affine=False)


def separable(inputs: int, outputs: int, *, dilation: int = 1) -> list[nn.Module]:
    """Depth-wise 3x3 convolution, 1x1 convolution, norm; without biases, the size is kept.

    Parameters
    ----------
    inputs, outputs, dilation : int
    """
    return [
        nn.Conv2d(inputs, inputs, 3, padding=dilation, dilation=dilation, groups=inputs, bias=False),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        plain_norm(outputs),
    ]


def channel_maps(x: Tensor) -> Tensor:
    """Largest and mean channel of every pixel: (N, C, H, W) to (N, 2, H, W)."""
    return torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)


def squeezed(channels: int, reduction: int, *, bias: bool) -> nn.Sequential:
    """Two linear layers around a bottleneck, for (N, channels).

    Parameters
    ----------
    channels, reduction : int
        The bottleneck has channels // reduction.
    bias : bool
    """
    hidden = channels // reduction
    return nn.Sequential(nn.Linear(channels, hidden, bias=bias), nn.ReLU(), nn.Linear(hidden, channels, bias=bias))
