"""What several candidates are made of: norms without factors, separable convolutions, squeezed means."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["DilatedDepthwise", "channel_maps", "plain_norm", "separable", "squeezed"]


def plain_norm(channels: int) -> nn.BatchNorm2d:
    """Batch norm without factors and offsets: during a search they would be learned anew for every mixture."""
    return nn.BatchNorm2d(channels, affine=False)


class DilatedDepthwise(nn.Conv2d):
    """Depth-wise 3x3 convolution with dilation, in float32 on a CPU even where the network around it is in bfloat16.

    PyTorch's gradient of such weights on channels-last bfloat16 tensors is wrong, and reads and writes where it must not
    (found with 2.13; grouped and dilated convolutions only).

    Parameters
    ----------
    channels, dilation : int
    """

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__(channels, channels, 3, padding=dilation, dilation=dilation, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        if x.device.type != "cpu" or x.dtype == torch.float64:
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return self._conv_forward(x.float(), self.weight.float(), None).to(x.dtype)


def separable(inputs: int, outputs: int, *, dilation: int = 1) -> list[nn.Module]:
    """Depth-wise 3x3 convolution, 1x1 convolution, norm; without biases, the size is kept.

    Parameters
    ----------
    inputs, outputs, dilation : int
    """
    depthwise = (
        DilatedDepthwise(inputs, dilation)
        if dilation > 1
        else nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
    )
    return [
        depthwise,
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
