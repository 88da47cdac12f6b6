"""Layer norm over channels in plain PyTorch; statistics in float32 at least."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["add_layer_norm_reference", "layer_norm_reference"]


def layer_norm_reference(x: Tensor, weight: Tensor, bias: Tensor | None, eps: float) -> Tensor:
    """Normalise every pixel over its channels; see :func:`bsn.ops.layer_norm.layer_norm`.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        The input of the residual block, and what the block adds to it.
    weight : Tensor, shape (C,)
        Factor of each channel.
    bias : Tensor, shape (C,), optional
        None: the bias-free norm, which does not subtract the mean.
    eps : float
        Added to the variance.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    pixels = x.permute(0, 2, 3, 1)
    wide = pixels if pixels.dtype in (torch.float32, torch.float64) else pixels.float()
    if bias is not None:
        y = F.layer_norm(wide, (wide.shape[-1],), weight.to(wide.dtype), bias.to(wide.dtype), eps)
    else:
        # The centred second moment, not mean(x^2) - mean(x)^2, which cancels where the mean is large.
        centred = wide - wide.mean(-1, keepdim=True)
        variance = torch.linalg.vecdot(centred, centred).unsqueeze(-1) / wide.shape[-1]
        y = wide * torch.rsqrt(variance + eps) * weight.to(wide.dtype)
    return y.to(x.dtype).permute(0, 3, 1, 2)


def add_layer_norm_reference(
    x: Tensor, branch: Tensor, weight: Tensor, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor]:
    """Sum of two images and its norm; see :func:`bsn.ops.layer_norm.add_layer_norm`.

    Parameters
    ----------
    x, branch : Tensor, shape (N, C, H, W)
        The input of the residual block, and what the block adds to it.
    weight : Tensor, shape (C,)
        Factor of each channel.
    bias : Tensor, shape (C,), optional
        Offset of each channel; None selects the bias-free form.
    eps : float
        Positive number that is added to the variance.

    Returns
    -------
    total, norm : Tensor, shape (N, C, H, W)
    """
    total = x + branch
    return total, layer_norm_reference(total, weight, bias, eps)
