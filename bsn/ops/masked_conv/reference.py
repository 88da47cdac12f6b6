"""Centre-masked convolution in plain PyTorch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bsn.constants import device_constant

__all__ = ["blind_tap_mask", "masked_conv_reference"]


@device_constant()
def _mask(kernel: int, lattice: int) -> Tensor:
    offset = torch.arange(kernel) - kernel // 2
    on_lattice = offset % lattice == 0
    return (~(on_lattice[:, None] & on_lattice[None, :])).float()[None, None]


def blind_tap_mask(kernel: int, lattice: int, like: Tensor) -> Tensor:
    """Mask of the taps that count.

    Parameters
    ----------
    kernel : int
        Side of the kernel, odd.
    lattice : int
        Blind distance d in pixels.
    like : Tensor
        Gives device and dtype.

    Returns
    -------
    Tensor, shape (1, 1, kernel, kernel)
        0 where both tap offsets are multiples of `lattice`, 1 elsewhere.
    """
    return _mask(kernel, lattice, device=like.device, dtype=like.dtype)


def masked_conv_reference(x: Tensor, weight: Tensor, bias: Tensor | None, lattice: int) -> Tensor:
    """Multiply the weight by its mask and convolve; see :func:`bsn.ops.masked_conv.masked_conv`.

    Parameters
    ----------
    x : Tensor, shape (N, C_in, H, W)
        Images or features.
    weight : Tensor, shape (C_out, C_in, k, k)
        Kernels with k odd.
    bias : Tensor, shape (C_out,), optional
        Offsets of the output channels.
    lattice : int
        Blind distance d in pixels.

    Returns
    -------
    Tensor, shape (N, C_out, H, W)
    """
    kernel = weight.shape[-1]
    return F.conv2d(x, weight * blind_tap_mask(kernel, lattice, weight), bias, padding=kernel // 2)
