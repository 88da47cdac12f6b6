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

__all__ = ["SURE", "NoiseCovariance", "Risk", "SureSettings", "draw_noise", "estimate_risk"]


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
class NoiseCovariance:
    """Covariance of noise that is stationary but for its strength: the same correlation everywhere and in all channels.

    Parameters
    ----------
    channels : Tensor, shape (C, C)
        Covariance between the channels of one pixel, positive semidefinite.
    correlation : Tensor, shape (2 R + 1, 2 R + 1)
        Over the distance, 1 in the middle, see :class:`bsn.noise.NoiseCorrelation`.
    """

    channels: Tensor
    correlation: Tensor

    def variance(self) -> Tensor:
        """Variance of each channel, shape (C,)."""
        return self.channels.diagonal()


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


def draw_noise(
    covariance: NoiseCovariance, shape: tuple[int, int, int], generator: torch.Generator | None = None
) -> Tensor:
    """Draw noise of a covariance.

    Parameters
    ----------
    covariance : NoiseCovariance
        Covariance between pixels and channels.
    shape : tuple of int
        (N, H, W).
    generator : torch.Generator, optional
        Generator on the CPU; torch's global one if left out.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        In the dtype of the covariance, on its device. Of the measured correlation, the next one that is possible is taken:
        frequencies of negative power have none.

    Examples
    --------
    >>> white = NoiseCovariance(4 * torch.eye(1), torch.ones(1, 1))
    >>> round(float(draw_noise(white, (1, 200, 200), torch.Generator().manual_seed(0)).std()), 1)
    2.0
    """
    count, height, width = shape
    channels, correlation = covariance.channels.double(), covariance.correlation.double()
    # A frame keeps opposite edges of the image from being neighbours.
    reach = correlation.shape[-1] // 2
    rows, columns = height + 2 * reach, width + 2 * reach
    white = torch.randn(count, len(channels), rows, columns, generator=generator, dtype=torch.float64)
    mixed = torch.einsum("kc,nchw->nkhw", _root(channels), white.to(channels.device))
    noise = torch.fft.ifft2(torch.fft.fft2(mixed) * _spectrum(correlation, rows, columns).sqrt()).real
    return noise[..., reach : reach + height, reach : reach + width].to(covariance.channels.dtype)


def _root(matrix: Tensor) -> Tensor:
    """Symmetric root of a positive semidefinite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ values.clamp_min(0).sqrt().diag() @ vectors.T


def _spectrum(correlation: Tensor, rows: int, columns: int) -> Tensor:
    """Power of each frequency of noise of variance 1 on a torus, not negative and of mean 1."""
    torus = correlation.new_zeros(rows, columns)
    reach = correlation.shape[-1] // 2
    away = torch.arange(-reach, reach + 1, device=correlation.device)
    torus.index_put_(((away % rows)[:, None], (away % columns)[None]), correlation, accumulate=True)
    power = torch.fft.fft2(torus).real.clamp_min(0)
    return power / power.mean()


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
        Strength of the noise at each pixel relative to `covariance`, that broadcasts to (N, C, H, W): a standard deviation.
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
