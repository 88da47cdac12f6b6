"""Losses of a search: of images, of the agreement between images of one background, and of the architecture itself.

Batches are grouped: the `count` degraded images of a background lie side by side, as :class:`bsn.data.GroupedCrops` cuts them.
"""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from restoration.losses import agreement, ssim, total_variation

__all__ = ["external_loss", "internal_loss", "mean_entropy", "published_complexity", "search_loss"]

TV_WEIGHT = 1e-4

_TINY = 1e-12  # keeps the logarithm of a decided choice finite

# Shares of parallel and fusion modules and of columns, as published: columns 4 and 5 there are the spatial candidates.
_MODULE_SHARES = (0.7, 0.3)
_EDGE_SHARES = {False: {4: 0.5, 5: 0.2, 6: 0.1, 7: 0.1, 8: 0.1}, True: {2: 0.5, 3: 0.2, 6: 0.1, 7: 0.1, 8: 0.1}}


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


def published_complexity(alpha: Tensor, beta: Tensor, *, aligned: bool = True) -> Tensor:
    """Complexity with the published constants; searches here use the real costs of :mod:`restoration.manas.search.cost`.

    Parameters
    ----------
    alpha : Tensor, shape (modules, 2)
        Logits of parallel and fusion.
    beta : Tensor, shape (edges, 9)
        Logits of the published candidates.
    aligned : bool
        The two largest constants on the separable and dilated convolutions they belong to; False: on the spatial candidates, as
        in the published program.
    """
    modules, edges = alpha.softmax(1).mean(0), beta.softmax(1).mean(0)
    shares = sum(share * modules[index] for index, share in enumerate(_MODULE_SHARES))
    return sum((share * edges[index] for index, share in _EDGE_SHARES[aligned].items()), torch.as_tensor(shares))
