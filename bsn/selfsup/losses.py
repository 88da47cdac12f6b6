"""Self-supervised losses of blind-spot training: pure functions, one value per sample.

The target is the noisy image itself. Because the network does not see the pixel it predicts, the minimum of the L2 loss
is the mean of the clean value given its surroundings, that of the L1 loss the median; the noise only adds a constant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from bsn.plugins import import_group

__all__ = ["LOSSES", "Loss", "find_loss", "l1_loss", "l2_loss", "poisson_l2_loss", "register_loss"]

LossFunction = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Loss:
    """A loss with the values that it is defined on.

    Parameters
    ----------
    function : callable
        ``function(prediction, target)``, both of shape (N, C, H, W), gives one value per sample, shape (N,).
    on_intensities : bool
        True: both are intensities in units of the mean intensity of the training images. False: they are in the network's
        units, with mean 0 and standard deviation 1.
    """

    function: LossFunction
    on_intensities: bool = False

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Value of each sample."""
        return self.function(prediction, target)


LOSSES: dict[str, Loss] = {}


def register_loss(name: str, *, on_intensities: bool = False) -> Callable[[LossFunction], LossFunction]:
    """Decorator: offer a loss to ``bsn train --loss``; other packages do it in a module of the group ``bsn.losses``.

    Parameters
    ----------
    name : str
        Name by which users choose it.
    on_intensities : bool
        See :class:`Loss`.
    """

    def add(function: LossFunction) -> LossFunction:
        LOSSES[name] = Loss(function, on_intensities)
        return function

    return add


def find_loss(name: str) -> Loss:
    """Loss of a name.

    Parameters
    ----------
    name : str
        Name that it was registered by.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If there is none of that name; the message lists those that there are.
    """
    import_group("bsn.losses")
    if name not in LOSSES:
        raise ValueError(f"there is no loss {name!r}; use auto, {' or '.join(sorted(LOSSES))}")
    return LOSSES[name]


@register_loss("l1")
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


@register_loss("l2")
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


@register_loss("poisson-l2", on_intensities=True)
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
