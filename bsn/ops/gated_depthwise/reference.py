"""Depth-wise convolution, activation and product in plain PyTorch."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["gated_depthwise_conv_reference"]


def gated_depthwise_conv_reference(x: Tensor, weight: Tensor, bias: Tensor | None, slope: Tensor | None) -> Tensor:
    """Convolve, activate the first half, multiply; see :func:`bsn.ops.gated_depthwise.gated_depthwise_conv`.

    Parameters
    ----------
    x : Tensor, shape (N, 2 C, H, W)
        Features; the first half of the channels becomes the gate.
    weight : Tensor, shape (2 C, 1, 3, 3)
        One 3x3 kernel per channel.
    bias : Tensor, shape (2 C,), optional
        Offsets of the convolution.
    slope : Tensor, optional
        Slope of the PReLU on the first half; None selects the GELU.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    bias = None if bias is None else bias.to(x.dtype)
    u, v = F.conv2d(x, weight.to(x.dtype), bias, padding=1, groups=x.shape[1]).chunk(2, 1)
    return (F.gelu(u) if slope is None else F.prelu(u, slope.to(u.dtype))) * v
