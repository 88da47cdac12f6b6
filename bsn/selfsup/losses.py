"""Self-supervised losses of blind-spot training: pure functions, one value per sample.

The target is the noisy image itself. Because the network does not see the pixel it predicts, the minimum of the L2 loss
is the mean of the clean value given its surroundings, that of the L1 loss the median; the noise only adds a constant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor

__all__ = ["LOSSES", "LossName", "l1_loss", "l2_loss", "poisson_l2_loss"]

LossName = Literal["l1", "l2", "poisson-l2"]


def l1_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error of each sample.

    Parameters
    ----------
    prediction, target : Tensor, shape (N, C, H, W)
        Noise model: any with a median of zero; the estimate is a conditional median, which for skewed noise (Poisson at
        few photons) is not the mean.

    Returns
    -------
    Tensor, shape (N,)

    References
    ----------
    Loss of AP-BSN (CVPR 2022) and TBSN (arXiv 2404.07846).
    """
    return (prediction - target).abs().flatten(1).mean(1)


def l2_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of each sample.

    Parameters
    ----------
    prediction, target : Tensor, shape (N, C, H, W)
        Noise model: any with a mean of zero; the estimate is the conditional mean.

    Returns
    -------
    Tensor, shape (N,)
    """
    return (prediction - target).square().flatten(1).mean(1)


def poisson_l2_loss(prediction: Tensor, target: Tensor, floor: float = 0.1) -> Tensor:
    """Squared error divided by a variance that grows linearly with intensity, in units of the mean intensity.

    For Poisson-like noise bright pixels are noisier; dividing by their variance keeps them from drowning the dark ones.
    The weights come from the detached prediction, so the estimate still is the conditional mean.

    Parameters
    ----------
    prediction, target : Tensor, shape (N, C, H, W)
        Non-negative intensities on a common scale whose mean is near 1.
    floor : float
        Variance of the dark, relative to that at the mean intensity. Tuned on the range 0.05 to 0.5.

    Returns
    -------
    Tensor, shape (N,)
    """
    variance = prediction.detach().clamp_min(0) + floor
    return ((prediction - target).square() / variance).flatten(1).mean(1)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": l1_loss,
    "l2": l2_loss,
    "poisson-l2": poisson_l2_loss,
}
