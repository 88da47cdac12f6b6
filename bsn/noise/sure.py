"""Error of a denoised image without knowing the clean one: Stein's unbiased risk estimate for correlated noise.

For y = x + n with n ~ N(0, S) and any denoiser f that is smooth nearly everywhere, the mean squared error has the expectation::

    E |f(y) - x|^2  =  E [ |f(y) - y|^2 + 2 tr(S J) - tr S ],        J the derivative of f at y

and one probe z ~ N(0, S) gives tr(S J) = E z . (f(y + e z) - f(y)) / e for a small step e. Where f does not see the pixels
whose noise a pixel shares, as a blind-spot network whose hole covers the correlation, tr(S J) is exactly zero.

References: Stein, Annals of Statistics 1981; Ramani, Blu, Unser, "Monte-Carlo SURE", IEEE TIP 2008, here with probes of the
noise's own covariance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.noise.noise_covariance import NoiseCovariance, draw_noise

__all__ = ["SURE", "Risk", "SureSettings", "estimate_risk"]


@dataclass(frozen=True)
class SureSettings:
    """Constants of the estimate; chosen on synthetic noise on smooth pictures.

    Parameters
    ----------
    step : float
        Length of the probe, in units of the noise: much more than the rounding of float32, and little enough for the
        derivative of thresholds and medians. Only this value was tried.
    """

    step: float = 0.05


SURE = SureSettings()


@dataclass(frozen=True)
class Risk:
    """Estimated mean squared error of denoised images.

    Parameters
    ----------
    value : Tensor, shape (N,)
        Estimate for each image. It may be negative: the error of the estimate is `error`.
    error : Tensor, shape (N,)
        Standard error over the probes; NaN for a single probe.
    divergence : Tensor, shape (N,)
        tr(S J), per value: 0 for a denoiser that does not see the noise of what it predicts.
    """

    value: Tensor
    error: Tensor
    divergence: Tensor


@torch.no_grad()
def estimate_risk(
    denoise: Callable[[Tensor], Tensor],
    noisy: Tensor,
    covariance: NoiseCovariance,
    *,
    level: Tensor | None = None,
    probes: int = 1,
    seed: int = 0,
) -> Risk:
    """Estimate the mean squared error of a denoiser on noisy images.

    Parameters
    ----------
    denoise : callable
        Maps (N, C, H, W) to the same shape; the same every time.
    noisy : Tensor, shape (N, C, H, W)
        Noisy images.
    covariance : NoiseCovariance
        Covariance of the noise, in squared units of the images.
    level : Tensor, optional
        Strength of the noise at each pixel relative to `covariance`, that broadcasts to (N, C, H, W): a standard deviation, see
        :meth:`bsn.noise.NoiseCovariance.level`.
    probes : int
        Number of probes, at least 1; each runs `denoise` once more.
    seed : int
        Seed of the probes.

    Returns
    -------
    Risk

    Raises
    ------
    ValueError
        If the channels do not fit or there is no probe.
    """
    count, channels, height, width = noisy.shape
    if channels != len(covariance.channels) or probes < 1:
        raise ValueError(
            f"estimate_risk: a covariance of {len(covariance.channels)} channels and {probes} probes for images of {channels} "
            "channels; give one of as many channels, and at least 1 probe"
        )
    strength = torch.ones_like(noisy[:, :1]) if level is None else level
    generator = torch.Generator().manual_seed(seed)
    denoised = denoise(noisy)
    traces = []
    for _ in range(probes):
        probe = draw_noise(covariance, (count, height, width), generator).to(noisy) * strength
        moved = (denoise(noisy + SURE.step * probe) - denoised) / SURE.step
        traces.append((probe.double() * moved.double()).flatten(1).mean(1))
    trace = torch.stack(traces)
    variance = covariance.variance().to(noisy)[None, :, None, None] * strength.square()
    own = variance.expand_as(noisy).double().flatten(1).mean(1)
    distance = (denoised - noisy).double().square().flatten(1).mean(1)
    error = trace.std(0) / math.sqrt(probes) if probes > 1 else torch.full_like(own, math.nan)
    return Risk(distance + 2 * trace.mean(0) - own, 2 * error, trace.mean(0))
