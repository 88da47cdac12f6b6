"""Losses of a search: of images, of the agreement between images of one background, and of the architecture itself.

Batches are grouped: the `count` degraded images of a background lie side by side, as :class:`bsn.data.GroupedCrops` cuts them.
"""

from __future__ import annotations

import itertools
import math

import torch.nn.functional as F
from torch import Tensor

from restoration.losses import agreement, ssim, total_variation

__all__ = ["external_loss", "internal_loss", "mean_entropy", "search_loss"]

TV_WEIGHT = 1e-4

_TINY = 1e-12  # keeps the logarithm of a decided choice finite


def external_loss(outputs: Tensor, targets: Tensor, count: int, *, similarity: bool = True) -> Tensor:
    """Distance of all images of a background from the truth, summed over them; mean over backgrounds.

    Parameters
    ----------
    outputs, targets : Tensor, shape (B * count, C, H, W)
        Results and truth.
    count : int
        Degraded images of a background.
    similarity : bool
        Add 1 - SSIM to the squared error.

    Returns
    -------
    Tensor, shape ()
        Sum over the `count` images of MSE + 1 - SSIM, + 1e-4 of the total variation of all of them.
    """
    loss = F.mse_loss(outputs, targets)
    if similarity:
        loss = loss + 1 - ssim(outputs, targets)
    return count * loss + TV_WEIGHT * total_variation(outputs)


def internal_loss(outputs: Tensor, count: int, *, similarity: bool = False) -> Tensor:
    """Distance between the results of one background, summed over its pairs of images; mean over backgrounds.

    Parameters
    ----------
    outputs : Tensor, shape (B * count, C, H, W)
        Results and truth.
    count : int
        Degraded images of a background.
    similarity : bool
        Add 1 - SSIM of each pair (a variant in the published program that nothing calls).
    """
    pairs = count * (count - 1) / 2
    loss = pairs * agreement(outputs, count)
    if similarity:
        images = outputs.unflatten(0, (-1, count))
        for k, other in itertools.combinations(range(count), 2):
            loss = loss + 1 - ssim(images[:, k], images[:, other])
    return loss


def search_loss(outputs: Tensor, targets: Tensor, count: int, *, internal: float) -> Tensor:
    """Add `internal` times the internal loss to the external one.

    Parameters
    ----------
    outputs, targets : Tensor, shape (B * count, C, H, W)
        Results and truth.
    count : int
        Degraded images of each background.
    internal : float
        Factor of the internal loss; 0 leaves it out.

    Returns
    -------
    Tensor, shape ()
    """
    loss = external_loss(outputs, targets, count)
    return loss + internal * internal_loss(outputs, count) if internal and count > 1 else loss


def mean_entropy(logits: Tensor) -> Tensor:
    """Mean binary entropy of all probabilities, in decimal digits: 0 where every row has decided.

    Parameters
    ----------
    logits : Tensor, shape (rows, choices)
        Logits of the choices.

    Returns
    -------
    Tensor, shape ()
    """
    p = logits.softmax(1)
    p_, q_ = p.clamp_min(_TINY), (1 - p).clamp_min(_TINY)
    return -(p * p_.log() + (1 - p) * q_.log()).mean() / math.log(10)
