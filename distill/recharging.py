"""Learning from several pictures of a teacher at once, with the noisy pixel in place of one of them (TM-BSN).

A blind-spot teacher gives a picture for each size of its hole: a small hole keeps details and leaves noise, a large one does
the reverse. The student is pulled to all of them. What none of them knows is in the noisy pixels, so at every pixel one of the
pictures is drawn and the noisy value takes its place: *recharging*. Its gradient is a small one with the noise of a single
pixel, which averages out; what the pictures have lost in common does not.

References
----------
TM-BSN, "Triangular-Masked Blind-Spot Network for Self-Supervised Real-World Image Denoising", CVPR 2026 (recharging);
Chen et al., AT-BSN, CVPR 2024, arXiv 2303.16783 (the sum over holes).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["draw_recharged", "recharge", "sum_over_targets"]

_STREAM = 0x72656368  # keeps these random numbers apart from those of the crops


def draw_recharged(shape: tuple[int, int, int], targets: int, *key: int) -> np.ndarray:
    """Draw for every pixel the target that the noisy value replaces.

    Parameters
    ----------
    shape : tuple of int
        (N, H, W).
    targets : int
        Number T of targets.
    *key : int
        Numbers, 0 or more, that the draw is a function of: seed, step, process.

    Returns
    -------
    ndarray of int64, shape (N, H, W)
        Numbers from 0 to T - 1, each as likely as the others.
    """
    return np.random.default_rng((_STREAM, *key)).integers(targets, size=shape)


def recharge(targets: Tensor, noisy: Tensor, chosen: Tensor) -> Tensor:
    """Put the noisy pixels, all channels of them, in the place of the chosen targets.

    Parameters
    ----------
    targets : Tensor, shape (N, T, C, H, W)
        The teacher's pictures.
    noisy : Tensor, shape (N, C, H, W)
        Noisy images in the same units.
    chosen : Tensor of int, shape (N, H, W)
        Number of the target that is replaced at each pixel.

    Returns
    -------
    Tensor, shape (N, T, C, H, W)

    Examples
    --------
    >>> import torch
    >>> recharge(torch.zeros(1, 2, 1, 1, 2), torch.ones(1, 1, 1, 2), torch.tensor([[[0, 1]]]))[0, :, 0, 0]
    tensor([[1., 0.],
            [0., 1.]])
    """
    numbers = torch.arange(targets.shape[1], device=targets.device)[None, :, None, None]
    replaced = (chosen[:, None] == numbers)[:, :, None]
    return torch.where(replaced, noisy[:, None].to(targets), targets)


def sum_over_targets(prediction: Tensor, targets: Tensor, *, power: int = 1) -> Tensor:
    """Sum over the targets of the mean of ``|prediction - target| ** power``.

    Parameters
    ----------
    prediction : Tensor, shape (N, C, H, W)
        What the student gives.
    targets : Tensor, shape (N, T, C, H, W)
        What it should give: all of them.
    power : {1, 2}
        1 as published: the student learns the median of the targets.

    Returns
    -------
    Tensor, shape (N,)

    Examples
    --------
    >>> import torch
    >>> sum_over_targets(torch.zeros(1, 1, 2, 2), torch.ones(1, 3, 1, 2, 2))
    tensor([3.])
    """
    return ((prediction[:, None] - targets).abs() ** power).flatten(2).mean(2).sum(1)
