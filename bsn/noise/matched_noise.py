"""Measured camera noise put on clean images, as the files would hold it: rounded, clipped, compressed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.noise.noise_covariance import NoiseCovariance, draw_noise

__all__ = ["MatchedNoise"]

_CALIBRATED_ON = 192  # side in pixels of the grey image on which a compression is calibrated
_MOST_GAIN = 2.0


@dataclass(frozen=True)
class MatchedNoise:
    """Noise of a camera's files.

    Parameters
    ----------
    covariance : NoiseCovariance
        What was measured on the files: rounding and compression are in it.
    grey_level : float
        Distance of two values of the files (1/255 for 8 bits), to which the result is rounded; it is clipped to [0, 1]. 0 for
        floats, which are neither rounded nor clipped.
    compress : callable, optional
        What the files' compression does to images (N, C, H, W); it also gets the generator, for the place on its grid.
    gain : float
        Factor on the level of what is drawn, by which the noise behind `compress` is as strong as the covariance says, see
        :meth:`calibrated`.
    """

    covariance: NoiseCovariance
    grey_level: float = 0.0
    compress: Callable[[Tensor, torch.Generator], Tensor] | None = None
    gain: float = 1.0

    def calibrated(self, seed: int = 0) -> MatchedNoise:
        """The same, with the gain that makes up for what the compression takes off the noise of a grey image.

        Parameters
        ----------
        seed : int
            Seed of the noise that is looked at.

        Returns
        -------
        MatchedNoise
            Without a compression, this one.
        """
        if self.compress is None:
            return self
        generator = torch.Generator().manual_seed(seed)
        grey = torch.full((1, len(self.covariance.channels), _CALIBRATED_ON, _CALIBRATED_ON), 0.5)
        wanted = float((self.covariance.level(grey)[..., 0, 0] ** 2 * self.covariance.variance().to(grey)).mean())
        gain = 1.0
        for _ in range(3):
            found = MatchedNoise(self.covariance, self.grey_level, self.compress, gain)(grey, generator) - grey
            gain = min(max(gain * (wanted / max(float(found.var()), 1e-20)) ** 0.5, 1.0), _MOST_GAIN)
        return MatchedNoise(self.covariance, self.grey_level, self.compress, gain)

    def __call__(self, clean: Tensor, generator: torch.Generator) -> Tensor:
        """Put noise on clean images.

        Parameters
        ----------
        clean : Tensor, shape (N, C, H, W), image values
            The level of the noise follows them.
        generator : torch.Generator
            Generator on the CPU.

        Returns
        -------
        Tensor, same shape
            Values that the files could hold.
        """
        level = self.gain * self._drawn_level(self.covariance.level(clean))
        size = (len(clean), clean.shape[-2], clean.shape[-1])
        noisy = clean + draw_noise(self.covariance, size, generator, level=level).to(clean)
        if self.compress is not None:
            noisy = self.compress(noisy, generator)
        if not self.grey_level:
            return noisy
        return ((noisy / self.grey_level).round() * self.grey_level).clamp(0, 1)

    def _drawn_level(self, level: Tensor) -> Tensor:
        """Level without the part of the variance that rounding adds again: a twelfth of a squared grey level."""
        rounding = self.grey_level**2 / 12
        variance = self.covariance.variance().to(level)[:, None, None].clamp_min(1e-20)
        return (level.square() - rounding / variance).clamp_min(0).sqrt()
