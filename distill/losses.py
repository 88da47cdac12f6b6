"""Losses between a student's image and its target: pure functions, one value per sample."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

__all__ = ["decibel_loss", "gradient_loss", "multiscale_loss", "pixel_loss"]

_SCALES = (2, 4)
_LEAST_ERROR = (1 / 255) ** 2


def pixel_loss(prediction: Tensor, target: Tensor, weight: Tensor | None = None, *, power: int = 1) -> Tensor:
    """Weighted mean of ``|prediction - target| ** power``.

    Parameters
    ----------
    prediction, target : Tensor, shape (N, C, H, W)
        What the student gives, and what it should give.
    weight : Tensor, shape (N, C or 1, H, W), optional
        Trust in each target pixel, not negative; divided by its own mean over the sample.
    power : {1, 2}
        1 is what the published student is trained with; 2 leads to the mean of what the target may be, which is what PSNR
        rewards.

    Returns
    -------
    Tensor, shape (N,)

    Examples
    --------
    >>> import torch
    >>> pixel_loss(torch.zeros(1, 1, 2, 2), torch.full((1, 1, 2, 2), 3.0), power=2)
    tensor([9.])
    """
    error = (prediction - target).abs() ** power
    if weight is not None:
        error = error * (weight / weight.flatten(1).mean(1).clamp_min(1e-12)[:, None, None, None])
    return error.flatten(1).mean(1)


def decibel_loss(mean_square: Tensor) -> Tensor:
    """Mean squared errors in decibels, so that a tenth of the error is worth as much in weak noise as in strong noise.

    Parameters
    ----------
    mean_square : Tensor, shape (N,)
        Mean squared error of each sample, values in [0, 1].

    Returns
    -------
    Tensor, shape (N,)
        ``10 log10(error + 1 / 255**2)``: the negative PSNR (the loss of Chen et al., ECCV 2022), but errors far below a grey
        level are as good as none.

    Examples
    --------
    >>> import torch
    >>> decibel_loss(torch.tensor([1e-1, 1e-2])).round()
    tensor([-10., -20.])
    """
    return 10 / math.log(10) * (mean_square + _LEAST_ERROR).log()


def gradient_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of the differences of neighbours: an error that is flat costs nothing, a wrong edge does.

    Parameters
    ----------
    prediction, target : Tensor, shape (N, C, H, W), H and W at least 2
        What the student gives, and what it should give.

    Returns
    -------
    Tensor, shape (N,)

    Examples
    --------
    >>> import torch
    >>> image = torch.rand(1, 3, 8, 8)
    >>> bool(gradient_loss(image + 0.5, image) < 1e-6)
    True
    """
    error = prediction - target
    across = (error[..., :, 1:] - error[..., :, :-1]).abs().flatten(1).mean(1)
    down = (error[..., 1:, :] - error[..., :-1, :]).abs().flatten(1).mean(1)
    return across + down


def multiscale_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of 2 x 2 and 4 x 4 averages: weighs low frequencies, which single pixels hardly show.

    Parameters
    ----------
    prediction, target : Tensor, shape (N, C, H, W), H and W at least 4
        What the student gives, and what it should give.

    Returns
    -------
    Tensor, shape (N,)

    Examples
    --------
    >>> import torch
    >>> multiscale_loss(torch.ones(1, 1, 8, 8), torch.zeros(1, 1, 8, 8))
    tensor([2.])
    """
    error = prediction - target
    return sum((F.avg_pool2d(error, scale).abs().flatten(1).mean(1) for scale in _SCALES), start=error.new_zeros(()))
