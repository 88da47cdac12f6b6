"""Images in parts: brightness and colours, each in bands of frequencies, so that each part can be treated by itself.

A denoiser may be better than another in the fine structure and worse in slow changes, better in brightness and worse in
colours: the noise of cameras differs as much. Gaussian means of two widths divide an image into three bands that sum to it.
Their transfer functions h_b are not negative and sum to one, so the products x . h_b y of all parts sum to x . y, and for
mixtures with weights of their own in each band the sum of the parts' errors is an upper bound of the error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.noise.gaussian_mean import gaussian_mean
from bsn.noise.noise_covariance import NoiseCovariance, power_of
from bsn.noise.spectrum import colour_axes

__all__ = ["SUBBANDS", "SubbandSettings", "Subbands"]

_TORUS = 64  # side on which the power of the noise in each band is computed


@dataclass(frozen=True)
class SubbandSettings:
    """Constants of the bands.

    Parameters
    ----------
    widths : tuple of float
        Standard deviations of the Gaussian means in pixels, rising. Only these were tried.
    """

    widths: tuple[float, ...] = (1.0, 3.0)

    @property
    def reach(self) -> int:
        """Pixels to each side that a band looks at."""
        return math.ceil(3 * self.widths[-1])


SUBBANDS = SubbandSettings()


@dataclass(frozen=True)
class Subbands:
    """Parts of images of C channels: brightness and colours (for one channel one of the two), times three bands.

    Parameters
    ----------
    colours : Tensor, shape (C, C)
        Orthonormal rows, the colour axes; the first is brightness.
    """

    colours: Tensor

    @classmethod
    def of(cls, covariance: NoiseCovariance) -> Subbands:
        """Parts along the colour axes of a noise covariance.

        Parameters
        ----------
        covariance : NoiseCovariance
            Covariance of C channels; without axes of its own it gets the usual ones.

        Returns
        -------
        Subbands
        """
        if covariance.colours is not None:
            return cls(covariance.colours)
        return cls(torch.from_numpy(colour_axes(len(covariance.channels))))

    @property
    def groups(self) -> list[slice]:
        """Axes of brightness and of colours."""
        return [slice(0, 1)] + ([slice(1, len(self.colours))] if len(self.colours) > 1 else [])

    @property
    def names(self) -> list[str]:
        """Names of the parts, in their order: bands within brightness, then within colours."""
        words = ["fine", "middle", "coarse"] if len(SUBBANDS.widths) == 2 else [*map(str, range(self.bands))]
        return [f"{axis} {word}" for axis in ("brightness", "colours")[: len(self.groups)] for word in words]

    @property
    def bands(self) -> int:
        """Number of bands of frequencies."""
        return len(SUBBANDS.widths) + 1

    def turn(self, x: Tensor) -> Tensor:
        """Turn channels into colour axes.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Images.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return torch.einsum("kc,nchw->nkhw", self.colours.to(x), x)

    def turn_back(self, x: Tensor) -> Tensor:
        """Turn colour axes back into channels.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Images along the colour axes.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return torch.einsum("kc,nkhw->nchw", self.colours.to(x), x)

    def split(self, x: Tensor) -> list[Tensor]:
        """Divide images into bands of frequencies.

        Parameters
        ----------
        x : Tensor, shape (..., H, W)
            Images.

        Returns
        -------
        list of Tensor, each of shape (..., H, W)
            From fine to coarse; their sum is the image.
        """
        parts, rest = [], x
        for width in SUBBANDS.widths:
            smooth = gaussian_mean(x, width, math.ceil(3 * width))
            parts.append(rest - smooth)
            rest = smooth
        return [*parts, rest]

    def noise_power(self, covariance: NoiseCovariance, level: Tensor) -> Tensor:
        """Expected power of the noise in each part at each pixel.

        Parameters
        ----------
        covariance : NoiseCovariance
            Covariance of the noise.
        level : Tensor, shape (1, C, H, W)
            Strength of the noise, see :meth:`bsn.noise.NoiseCovariance.level`.

        Returns
        -------
        Tensor, shape (parts, H, W)
            Sum over the axes of each part.
        """
        share = self._shares(covariance).to(level)
        axes, channels = self.colours.to(level), covariance.channels.to(level)
        weights = torch.einsum("kc,cd,kd->kcd", axes, channels, axes)
        variance = torch.einsum("kcd,chw,dhw->khw", weights, level[0], level[0]).clamp_min(0)
        parts = [
            (variance[group] * share[group, band, None, None]).sum(0)
            for group in self.groups
            for band in range(self.bands)
        ]
        return torch.stack(parts)

    def _shares(self, covariance: NoiseCovariance) -> Tensor:
        """Share of each band in the noise of each axis, (C, bands)."""
        power = power_of(covariance.correlation.double(), _TORUS, _TORUS)
        impulse = torch.zeros(_TORUS, _TORUS, dtype=torch.float64)
        impulse[_TORUS // 2, _TORUS // 2] = 1
        centred = torch.fft.ifftshift(torch.stack(self.split(impulse)), dim=(-1, -2))
        transfer = torch.fft.fft2(centred).real
        shares = torch.einsum("...yx,byx->...b", power.to(transfer), transfer) / _TORUS**2
        return shares.expand(len(self.colours), -1)
