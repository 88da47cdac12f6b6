"""Augmentation with colours stronger than those of the training images, under the same noise."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["strengthen_colours"]

_SHARE = 0.5
_LEAST = 0.4


def strengthen_colours(crops: Tensor, generator: torch.Generator, *, grey: float, sigma: Tensor | float) -> Tensor:
    """Weaken the luminance of half of the crops, so that their colours are strong beside it.

    White Gaussian noise stays white Gaussian noise under a linear map of the colours if what the map takes from its
    variance is given back: luminance is drawn to `grey` by a factor s, and noise of variance (1 - s^2) sigma^2 added to
    it. A network that was shown few strong colours is surer than it should be that there are none. (Ours.)

    Parameters
    ----------
    crops : Tensor, shape (B, 3, h, w)
        Noisy.
    generator : torch.Generator
        On the device of the crops.
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
