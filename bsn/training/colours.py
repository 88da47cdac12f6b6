"""Augmentation with other and stronger colours than those of the training images, under the same noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bsn.constants import device_constant

__all__ = ["strengthen_colours", "turn_hues"]

_SHARE = 0.5
_LEAST = 0.4


@device_constant()
def _chroma() -> Tensor:
    """Orthonormal axes of the plane of colours without luminance, shape (2, 3)."""
    return torch.tensor([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0]]) / torch.tensor([[2.0], [6.0]]).sqrt()


def turn_hues(crops: Tensor, generator: torch.Generator) -> Tensor:
    """Turn the colours of half of the crops about the grey axis, by any angle, half of these mirrored as well.

    Orthogonal maps of the colours leave white Gaussian noise, equally strong in all channels, what it is. A network that
    was shown few hues is too confident that there are no others; and noise whose colours never come twice is
    harder to overfit. (Ours.)

    Parameters
    ----------
    crops : Tensor, shape (B, 3, h, w)
        Noisy, in units in which grey has three equal values.
    generator : torch.Generator
        Generator on the device of the crops.

    Returns
    -------
    Tensor, shape (B, 3, h, w)
        The mean of the channels and the length of colours stay.
    """
    chosen, angle, mirror = torch.rand(3, len(crops), generator=generator, dtype=crops.dtype, device=crops.device)
    angle = torch.where(chosen < _SHARE, 2 * math.pi * angle, 0.0)
    sign = torch.where((chosen < _SHARE) & (mirror < 0.5), -1.0, 1.0)
    rows = [angle.cos(), -angle.sin(), sign * angle.sin(), sign * angle.cos()]
    turn = torch.stack(rows, 1).view(-1, 2, 2) - torch.eye(2, dtype=crops.dtype, device=crops.device)
    axes = _chroma(device=crops.device, dtype=crops.dtype)
    return crops + torch.einsum("ki,bkl,lj,bjhw->bihw", axes, turn, axes, crops)


def strengthen_colours(crops: Tensor, generator: torch.Generator, *, grey: float, sigma: Tensor | float) -> Tensor:
    """Weaken the luminance of half of the crops, so that their colours are strong beside it.

    White Gaussian noise stays white Gaussian noise under a linear map of the colours if what the map takes from its
    variance is given back: luminance is drawn to `grey` by a factor s, and noise of variance (1 - s^2) sigma^2 added to
    it. A network that was shown few strong colours is too confident that there are none. (Ours.)

    Parameters
    ----------
    crops : Tensor, shape (B, 3, h, w)
        Noisy.
    generator : torch.Generator
        Generator on the device of the crops.
    grey : float
        Luminance that stays what it is; the mean of the images.
    sigma : float or Tensor of one element
        Standard deviation of the noise, the same in all channels and independent between them.

    Returns
    -------
    Tensor, shape (B, 3, h, w)
        s is drawn for each crop: 1 for half of them, else uniform from 0.4 to 1.
    """
    weakened, factor = torch.rand(2, len(crops), 1, 1, 1, generator=generator, dtype=crops.dtype, device=crops.device)
    factor = torch.where(weakened < _SHARE, _LEAST + (1 - _LEAST) * factor, 1.0)
    luminance = crops.mean(1, keepdim=True)
    noise = torch.randn(luminance.shape, generator=generator, dtype=crops.dtype, device=crops.device)
    # The mean of three channels has a third of their noise variance.
    fresh = ((1 - factor.square()) / 3).sqrt() * sigma * noise
    return crops + fresh - (1 - factor) * (luminance - grey)
