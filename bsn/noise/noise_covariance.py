"""Covariance of camera noise: its strength follows the intensity, its correlation is the same everywhere.

The noise at a pixel is its level there times stationary noise of the colour axes, each with a correlation of its own (JPEG
stores colours more coarsely than brightness, and demosaicing smooths them more)::

    n  =  D M F w        w white noise,  F the square root of the correlation of each axis, M from axes to channels,
                         D the level at each pixel, 1 where the noise is as strong as `channels` says
    S  =  D M F F' M' D

All operations are products of frequencies, so they cost two Fourier transforms. They take opposite edges of the image for
neighbours; :func:`draw_noise` does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.noise.curve import NoiseCurve

__all__ = ["COVARIANCE", "CovarianceSettings", "NoiseCovariance", "draw_noise"]


@dataclass(frozen=True)
class CovarianceSettings:
    """Constants of the covariance.

    Parameters
    ----------
    least_power : float
        Least power of a frequency relative to the mean over all: a measured correlation gives some frequencies none or less,
        and an inverse root needs all of them. Only this value was tried.
    """

    least_power: float = 0.002


COVARIANCE = CovarianceSettings()


@dataclass(frozen=True)
class NoiseCovariance:
    """Covariance of noise that is stationary but for its strength.

    Parameters
    ----------
    channels : Tensor, shape (C, C)
        Covariance between the channels of one pixel, positive semidefinite; at level 1.
    correlation : Tensor, shape (2 R + 1, 2 R + 1) or (C, 2 R + 1, 2 R + 1)
        Over the distance, 1 in the middle, see :class:`bsn.noise.NoiseCorrelation`: one for all, or one for each colour axis.
    colours : Tensor, optional, shape (C, C)
        Orthonormal rows: the colour axes along which noise is uncorrelated: ``colours @ channels @ colours.T`` is diagonal.
        Needed where each axis has its own correlation.
    curve : NoiseCurve, optional
        Variance of each channel over its intensity, a row for each channel or one for all. Without it, noise is equally strong
        everywhere.

    Raises
    ------
    ValueError
        If shapes do not fit together, or noise is correlated between the colour axes.
    """

    channels: Tensor
    correlation: Tensor
    colours: Tensor | None = None
    curve: NoiseCurve | None = None

    def __post_init__(self) -> None:
        count = len(self.channels)
        if self.correlation.ndim == 3 and (self.colours is None or len(self.correlation) != count):
            raise ValueError(
                f"NoiseCovariance: {len(self.correlation)} correlations for {count} channels"
                f"{'' if self.colours is not None else ' without colour axes'}; give the axes, and one correlation for each"
            )
        if self.colours is None:
            return
        turned = self.colours @ self.channels.to(self.colours) @ self.colours.T
        if (turned - turned.diagonal().diag()).abs().max() > 1e-3 * turned.diagonal().abs().max():
            raise ValueError(
                "NoiseCovariance: noise is correlated between these colour axes; give the eigenvectors of `channels` as rows"
            )

    def variance(self) -> Tensor:
        """Variance of each channel at level 1, shape (C,)."""
        return self.channels.diagonal()

    def level(self, intensity: Tensor) -> Tensor:
        """Strength of the noise at each pixel relative to `channels`.

        Parameters
        ----------
        intensity : Tensor, shape (N, C, H, W)
            Image values without noise, or nearly so: a denoised or a smoothed image. The noise of a noisy one would move along.

        Returns
        -------
        Tensor, same shape
            A standard deviation: 1 where the noise is as strong as `channels` says.
        """
        if self.curve is None:
            return torch.ones_like(intensity)
        variance = self.curve(intensity.transpose(0, 1)).transpose(0, 1)
        return (variance / self.variance().to(intensity)[:, None, None].clamp_min(1e-20)).clamp_min(0).sqrt()

    def multiply(self, x: Tensor, level: Tensor | None = None) -> Tensor:
        """S x.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any image.
        level : Tensor, optional
            Result of :meth:`level`, or anything that broadcasts to `x`; 1 if left out.

        Returns
        -------
        Tensor, same shape
        """
        mixing = self._mixing(x)
        axes = torch.einsum("ck,nchw->nkhw", mixing, _scaled(x, level))
        return _scaled(torch.einsum("ck,nkhw->nchw", mixing, _filtered(axes, self._power(x))), level)

    def root(self, white: Tensor, level: Tensor | None = None) -> Tensor:
        """Give white noise the covariance: B w, where S = B B'.

        Parameters
        ----------
        white : Tensor, shape (N, C, H, W)
            Noise of variance 1, independent between pixels and channels.
        level : Tensor, optional
            As in :meth:`multiply`.

        Returns
        -------
        Tensor, same shape
        """
        axes = _filtered(white, self._power(white).sqrt())
        return _scaled(torch.einsum("ck,nkhw->nchw", self._mixing(white), axes), level)

    def inverse_root(self, noise: Tensor, level: Tensor | None = None) -> Tensor:
        """Make noise of this covariance white: the inverse of :meth:`root`.

        Parameters
        ----------
        noise : Tensor, shape (N, C, H, W)
            Noise.
        level : Tensor, optional
            As in :meth:`multiply`; positive.

        Returns
        -------
        Tensor, same shape
            Channels without noise, or that are copies of others, stay empty.
        """
        flat = noise if level is None else noise / level.to(noise)
        axes = torch.einsum("kc,nchw->nkhw", torch.linalg.pinv(self._mixing(noise)), flat)
        return _filtered(axes, self._power(noise).rsqrt())

    def _mixing(self, like: Tensor) -> Tensor:
        """From the axes, of variance 1 each, to the channels, (C, C)."""
        channels = self.channels.double()
        if self.colours is None:
            values, vectors = torch.linalg.eigh(channels)
            mixing = vectors @ values.clamp_min(0).sqrt().diag() @ vectors.T
        else:
            colours = self.colours.to(channels)
            mixing = colours.T @ (colours @ channels @ colours.T).diagonal().clamp_min(0).sqrt().diag()
        return mixing.to(like)

    def _power(self, like: Tensor) -> Tensor:
        """Power of each frequency of each axis of an image (N, C, H, W), positive and of mean 1."""
        return power_of(self.correlation.double(), like.shape[-2], like.shape[-1]).to(like)


def draw_noise(
    covariance: NoiseCovariance,
    shape: tuple[int, int, int],
    generator: torch.Generator | None = None,
    *,
    level: Tensor | None = None,
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
    level : Tensor, optional
        Strength at each pixel, see :meth:`NoiseCovariance.level`; broadcasts to (N, C, H, W). 1 if left out.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        In the dtype of the covariance, on its device. Of the measured correlation, the next one that is possible is taken:
        frequencies of negative power have hardly any.

    Examples
    --------
    >>> white = NoiseCovariance(4 * torch.eye(1), torch.ones(1, 1))
    >>> round(float(draw_noise(white, (1, 200, 200), torch.Generator().manual_seed(0)).std()), 1)
    2.0
    """
    count, height, width = shape
    # A frame keeps opposite edges of the image from being neighbours.
    reach = covariance.correlation.shape[-1] // 2
    size = (count, len(covariance.channels), height + 2 * reach, width + 2 * reach)
    white = torch.randn(size, generator=generator, dtype=torch.float64).to(covariance.channels.device)
    noise = covariance.root(white)[..., reach : reach + height, reach : reach + width]
    return _scaled(noise.to(covariance.channels.dtype), level)


def power_of(correlation: Tensor, rows: int, columns: int) -> Tensor:
    """Power of each frequency of noise of variance 1 on a torus.

    Parameters
    ----------
    correlation : Tensor, shape (..., 2 R + 1, 2 R + 1)
        Over the distance.
    rows, columns : int
        Size of the torus, which may be smaller than the correlation.

    Returns
    -------
    Tensor, shape (..., rows, columns)
        Positive, of mean 1.
    """
    torus = correlation.new_zeros(*correlation.shape[:-2], rows, columns)
    reach = correlation.shape[-1] // 2
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            torus[..., dy % rows, dx % columns] += correlation[..., reach + dy, reach + dx]
    power = torch.fft.fft2(torus).real
    power = torch.maximum(power, COVARIANCE.least_power * power.clamp_min(0).mean((-1, -2), keepdim=True))
    return power / power.mean((-1, -2), keepdim=True)


def _filtered(x: Tensor, power: Tensor) -> Tensor:
    return torch.fft.ifft2(torch.fft.fft2(x) * power).real


def _scaled(x: Tensor, level: Tensor | None) -> Tensor:
    return x if level is None else x * level.to(x)
