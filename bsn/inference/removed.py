"""What results take away from noisy regions, for whoever judges them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bsn.noise import used_range

__all__ = ["removed_power", "value_span"]


def removed_power(noisy: Sequence[Tensor], results: Sequence[Tensor]) -> float:
    """Mean square of what is removed.

    Parameters
    ----------
    noisy, results : sequence of Tensor
        Regions of an image and their results, of equal shapes.

    Returns
    -------
    float
        In squared image values.
    """
    removed = torch.cat([(n - r).double().flatten() for n, r in zip(noisy, results, strict=True)])
    return float(removed.square().mean())


def value_span(noisy: Sequence[Tensor]) -> float:
    """Range of the values that occur, without the outermost.

    Parameters
    ----------
    noisy : sequence of Tensor
        Regions of an image.

    Returns
    -------
    float
        Positive, in image values.
    """
    return max(used_range(torch.cat([part.flatten() for part in noisy]).double().cpu().numpy())[1], 1e-30)
