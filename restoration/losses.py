"""Losses of supervised restoration: pure functions of a prediction and the truth, each a mean over everything.

Published recipes add several; :class:`LossWeights` says with which factors, :func:`total_loss` adds them up. Networks that
also return an image of half the size (ELF) are supervised on it too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from bsn.constants import device_constant

__all__ = [
    "LossWeights",
    "agreement",
    "charbonnier",
    "edge_loss",
    "laplacian",
    "ssim",
    "total_loss",
    "total_variation",
]


@dataclass(frozen=True)
class LossWeights:
    """Factors of the terms of a loss; terms of factor 0 are not computed.

    Parameters
    ----------
    l1 : float
        Mean absolute error.
    l2 : float
        Mean squared error.
    charbonnier : float
        See :func:`charbonnier`.
    edge : float
        See :func:`edge_loss`.
    ssim : float
        Factor of 1 - SSIM.
    tv : float
        See :func:`total_variation`.
    internal : float
        See :func:`agreement`; for batches of several degraded images of each background.
    half : float
        Weight of the half-size output in the terms ``l1``, ``l2``, ``charbonnier`` and ``edge``, relative to the full-size one.

    Raises
    ------
    ValueError
        For negative factors, or if no term is left.
    """

    l1: float = 0.0
    l2: float = 0.0
    charbonnier: float = 0.0
    edge: float = 0.0
    ssim: float = 0.0
    tv: float = 0.0
    internal: float = 0.0
    half: float = 0.8

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 0:
                raise ValueError(f"loss.{field.name} {getattr(self, field.name)} is negative; use 0 or more")
        if not any((self.l1, self.l2, self.charbonnier, self.edge, self.ssim)):
            raise ValueError("all factors of the loss are 0; set at least one, for example loss.l1 to 1")


def charbonnier(prediction: Tensor, target: Tensor, eps: float = 1e-3) -> Tensor:
    """Mean of sqrt(d^2 + eps^2): the absolute error, rounded at zero.

    Parameters
    ----------
    prediction, target : Tensor, any equal shape
        Result and truth.
    eps : float
        Error below which the loss is rounded, positive.
    """
    return torch.sqrt((prediction - target).square() + eps**2).mean()


@device_constant()
def _pyramid_kernel() -> Tensor:
    weights = torch.tensor([0.05, 0.25, 0.4, 0.25, 0.05], dtype=torch.float64)
    return weights[:, None] * weights[None, :]


def _blur(x: Tensor) -> Tensor:
    channels = x.shape[1]
    kernel = _pyramid_kernel(device=x.device, dtype=x.dtype).expand(channels, 1, 5, 5)
    return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), kernel, groups=channels)


def laplacian(x: Tensor) -> Tensor:
    """Detail of an image: what a pyramid of one level loses.

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Images.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        x - blur(up(blur(x)[::2, ::2])), `up` placing the samples, times 4, among zeros.
    """
    sparse = torch.zeros_like(x)
    sparse[..., ::2, ::2] = 4 * _blur(x)[..., ::2, ::2]
    return x - _blur(sparse)


def edge_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Charbonnier error of the details, see :func:`laplacian`.

    Parameters
    ----------
    prediction, target : Tensor, shape (N, C, H, W)
        Result and truth.

    Returns
    -------
    Tensor, shape ()
    """
    return charbonnier(laplacian(prediction), laplacian(target))


@device_constant()
def _gaussian(size: int = 11, sigma: float = 1.5) -> Tensor:
    position = torch.arange(size, dtype=torch.float64) - size // 2
    weights = torch.exp(-(position**2) / (2 * sigma**2))
    return weights / weights.sum()


def ssim(prediction: Tensor, target: Tensor) -> Tensor:
    """Structural similarity of images of range 1, as training losses take it.

    11 x 11 Gaussian window of sigma 1.5 with zeros around the image, mean over channels and pixels. For scores use
    :mod:`bsn.evaluation`.

    Parameters
    ----------
    prediction, target : Tensor, shape (N, C, H, W)
        Result and truth.
    """
    channels = prediction.shape[1]
    window = _gaussian(device=prediction.device, dtype=prediction.dtype)

    def mean(x: Tensor) -> Tensor:
        rows = F.conv2d(x, window.view(1, 1, -1, 1).expand(channels, 1, -1, 1), padding=(5, 0), groups=channels)
        return F.conv2d(rows, window.view(1, 1, 1, -1).expand(channels, 1, 1, -1), padding=(0, 5), groups=channels)

    mx, my = mean(prediction), mean(target)
    vx, vy = mean(prediction * prediction) - mx * mx, mean(target * target) - my * my
    covariance = mean(prediction * target) - mx * my
    luminance = (2 * mx * my + 0.01**2) / (mx * mx + my * my + 0.01**2)
    return (luminance * (2 * covariance + 0.03**2) / (vx + vy + 0.03**2)).mean()


def total_variation(x: Tensor) -> Tensor:
    """Twice the mean squared difference of neighbours, downwards plus to the right, of images (N, C, H, W).

    Parameters
    ----------
    x : Tensor, shape (N, C, H, W)
        Images, with H and W at least 2.

    Returns
    -------
    Tensor, shape ()
    """
    return 2 * ((x[..., 1:, :] - x[..., :-1, :]).square().mean() + (x[..., 1:] - x[..., :-1]).square().mean())


def agreement(outputs: Tensor, count: int) -> Tensor:
    """Mean squared difference between the results of the same background.

    Parameters
    ----------
    outputs : Tensor, shape (B * count, C, H, W)
        The `count` images of a background side by side.
    count : int
        2 or more.

    Returns
    -------
    Tensor, shape ()
        Mean over backgrounds, their pairs of images, and pixels.
    """
    images = outputs.unflatten(0, (-1, count))
    # Over all pairs k < l: sum (x_k - x_l)^2 = count * sum (x_k - mean)^2.
    return 2 * (images - images.mean(1, keepdim=True)).square().mean() * count / (count - 1)


_TERMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": F.l1_loss,
    "l2": F.mse_loss,
    "charbonnier": charbonnier,
    "edge": edge_loss,
}


def total_loss(
    outputs: Tensor | tuple[Tensor, ...], target: Tensor, weights: LossWeights, count: int = 1
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted sum of all terms.

    Parameters
    ----------
    outputs : Tensor, shape (N, C, H, W), or a tuple of it and the half-size image (N, C, H / 2, W / 2)
        What the network returns.
    target : Tensor, shape (N, C, H, W)
        Clean images.
    weights : LossWeights
        Factors of the terms; a term of factor 0 is left out.
    count : int
        Degraded images of each background, side by side in the batch.

    Returns
    -------
    loss : Tensor, shape ()
    terms : dict of str to Tensor, shape ()
        The terms without their factors, for the log.
    """
    pairs = [(outputs, target)] if isinstance(outputs, Tensor) else [(outputs[0], target)]
    if not isinstance(outputs, Tensor) and len(outputs) > 1 and weights.half:
        pairs.append((outputs[1], F.interpolate(target, scale_factor=0.5, mode="bilinear", align_corners=False)))
    total, terms = torch.zeros((), dtype=target.dtype, device=target.device), {}
    for name, function in _TERMS.items():
        factor = getattr(weights, name)
        for index, (prediction, truth) in enumerate(pairs if factor else ()):
            value = function(prediction, truth)
            total = total + factor * (weights.half if index else 1.0) * value
            terms[f"{name}{'_half' if index else ''}"] = value.detach()
    if weights.ssim:
        value = ssim(*pairs[0])
        total = total + weights.ssim * (1 - value)
        terms["ssim"] = value.detach()
    if weights.tv:
        total = total + weights.tv * total_variation(pairs[0][0])
    if weights.internal and count > 1:
        value = agreement(pairs[0][0], count)
        total = total + weights.internal * value
        terms["internal"] = value.detach()
    return total, terms
