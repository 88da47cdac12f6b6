"""Noise level of a run with a posterior: known, learned with the network, or fitted to each image."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bsn.noise.curve import fit_noise
from bsn.noise.model import NoiseModel
from bsn.noise.posterior import affine_noise_variance
from bsn.noise.value_scale import ValueScale

__all__ = ["LEVEL", "FittedNoiseLevel", "LevelSettings", "NoiseLevel"]


@dataclass(frozen=True)
class LevelSettings:
    """Constants of a learned noise level; set by hand, no trial of other values is recorded.

    Parameters
    ----------
    smallest : float
        Slope and variance where learning starts, at least, in network units.
    pace : float
        How much faster they move than weights: two numbers, of which every pixel tells something.
    """

    smallest: float = 1e-6
    pace: float = 10.0


LEVEL = LevelSettings()


class NoiseLevel(nn.Module):
    """Variance of the noise as a function of the predicted mean, in network units: slope * mean + constant.

    Learned numbers are kept as logarithms: the slope, and the variance at the value `darkest`, so that the variance is
    positive on all of the images.

    Parameters
    ----------
    start : NoiseModel
        The noise if it is known, otherwise where learning starts.
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
        self.scale, self.learned, self.has_gain = scale, learned, start.gain > 0
        slope, constant = start.in_network_units(scale)
        self.darkest = float(scale.to_network(torch.tensor(darkest, dtype=torch.float64)))
        at_darkest = slope * self.darkest + constant
        if not learned and at_darkest <= 0:
            raise ValueError(
                f"noise of gain {start.gain:g} and variance {start.variance:g} has no positive variance at {darkest:g}, the "
                "darkest pixel; raise the read noise"
            )
        logs = torch.tensor([math.log(max(slope, LEVEL.smallest)), math.log(max(at_darkest, LEVEL.smallest))])
        self.logs = nn.Parameter(logs / LEVEL.pace, requires_grad=learned)

    def forward(self, mean: Tensor) -> Tensor:
        """Noise variance at a predicted mean (N, C, H, W), same shape, float32 or more.

        Parameters
        ----------
        mean : Tensor, shape (N, C, H, W)
            Predicted mean, in network values.

        Returns
        -------
        Tensor, shape (N, C, H, W)
            Variance in squared network values.
        """
        slope, constant = self._affine()
        return affine_noise_variance(mean, slope, constant)

    def _affine(self) -> tuple[Tensor, Tensor]:
        at_darkest = (LEVEL.pace * self.logs[1]).exp()
        slope = (LEVEL.pace * self.logs[0]).exp() if self.has_gain else torch.zeros_like(at_darkest)
        return slope, at_darkest - slope * self.darkest

    @torch.no_grad()
    def model(self) -> NoiseModel:
        """Present state in image values."""
        slope, constant = (float(value) for value in self._affine())
        return NoiseModel.from_network_units(slope, constant, self.scale)


class FittedNoiseLevel(nn.Module):
    """Variance of the noise of each crop, fitted to what the network leaves of it.

    Parameters
    ----------
    common : NoiseModel
        Noise of all images together.
    """

    def __init__(self, common: NoiseModel) -> None:
        super().__init__()
        self.common = dataclasses.replace(common, per_image=True)

    def forward(self, mean: Tensor, uncertainty: Tensor, noisy: Tensor) -> Tensor:
        """Noise variance at a predicted mean.

        Parameters
        ----------
        mean, uncertainty, noisy : Tensor, shape (N, C, H, W)
            Prediction, its variance, and the crops that it is of; network units.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        return fit_noise(mean, uncertainty, noisy)(mean)

    def model(self) -> NoiseModel:
        """What the model stores."""
        return self.common
