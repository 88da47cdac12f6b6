"""Noise level of a training with a posterior: known, learned with the network, or fitted to each crop."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bsn.noise.curve import fit_noise
from bsn.noise.model import NoiseModel
from bsn.noise.posterior import Prediction, affine_noise_variance
from bsn.noise.value_scale import ValueScale

__all__ = ["LEVEL", "LevelSettings", "NoiseLevel"]


@dataclass(frozen=True)
class LevelSettings:
    """Constants of a learned noise level; they were set by hand, and no trial of other values is recorded.

    Parameters
    ----------
    smallest : float
        Smallest slope and variance with which learning starts, in network units.
    pace : float
        Factor by which they move faster than weights: every pixel tells something of these two numbers.
    """

    smallest: float = 1e-6
    pace: float = 10.0


LEVEL = LevelSettings()


class NoiseLevel(nn.Module):
    """Variance of the noise at what a network predicts, in network units.

    It is the line slope * mean + constant for all images, or, where the noise differs from image to image, the curve that is
    fitted to what the network leaves of each crop (:func:`bsn.noise.fit_noise`). Learned numbers are kept as logarithms: the
    slope, and the variance at the value `darkest`, so that the variance is positive on all of the images.

    Parameters
    ----------
    start : NoiseModel
        The noise if it is known, otherwise where learning starts. ``per_image`` asks for the curves; the numbers are then
        only what the model stores.
    scale : ValueScale
        Map between image values and network values.
    darkest : float
        Lowest image value that occurs.
    learned : bool
        Whether slope and constant are parameters that training changes.

    Raises
    ------
    ValueError
        If the variance is not positive at `darkest`.
    """

    def __init__(self, start: NoiseModel, scale: ValueScale, *, darkest: float, learned: bool) -> None:
        super().__init__()
        self.start, self.scale, self.learned = start, scale, learned
        self.darkest = float(scale.to_network(torch.tensor(darkest, dtype=torch.float64)))
        self.logs = None if start.per_image else nn.Parameter(self._logs(darkest), requires_grad=learned)

    def _logs(self, darkest: float) -> Tensor:
        """Logarithms of the slope and of the variance at the darkest value, with which training starts."""
        slope, constant = self.start.in_network_units(self.scale)
        at_darkest = slope * self.darkest + constant
        if not self.learned and at_darkest <= 0:
            raise ValueError(
                f"noise of gain {self.start.gain:g} and variance {self.start.variance:g} has no positive variance at "
                f"{darkest:g}, the darkest pixel; raise the read noise"
            )
        return torch.tensor([math.log(max(value, LEVEL.smallest)) for value in (slope, at_darkest)]) / LEVEL.pace

    def forward(self, prediction: Prediction, noisy: Tensor) -> Tensor:
        """Noise variance at a prediction, float32 or more.

        Parameters
        ----------
        prediction : Prediction
            Mean and covariance that the network predicts for each pixel.
        noisy : Tensor, shape (N, C, H, W)
            The crops that it predicts, in network values.

        Returns
        -------
        Tensor, shape (N, C, H, W)
            Variance in squared network values.
        """
        if self.start.per_image:
            return fit_noise(prediction.mean, prediction.variance(), noisy)(prediction.mean)
        return self.on_line(prediction.mean)

    def on_line(self, mean: Tensor) -> Tensor:
        """Noise variance at clean values, where one line holds for all images.

        Parameters
        ----------
        mean : Tensor, shape (N, C, H, W)
            Clean values, in network values.

        Returns
        -------
        Tensor, shape (N, C, H, W)
            Variance in squared network values.
        """
        slope, constant = self._affine()
        return affine_noise_variance(mean, slope, constant)

    def _affine(self) -> tuple[Tensor, Tensor]:
        assert self.logs is not None
        at_darkest = (LEVEL.pace * self.logs[1]).exp()
        slope = (LEVEL.pace * self.logs[0]).exp() if self.start.gain > 0 else torch.zeros_like(at_darkest)
        return slope, at_darkest - slope * self.darkest

    @torch.no_grad()
    def model(self) -> NoiseModel:
        """Present state in image values, as a model file stores it."""
        if self.start.per_image:
            return self.start
        slope, constant = (float(value) for value in self._affine())
        return NoiseModel.from_network_units(slope, constant, self.scale)
