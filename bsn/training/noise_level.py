"""Noise level of a run with a posterior: known, learned with the network, or measured on each image."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from bsn.models import NoiseModel, ValueScale
from bsn.selfsup import affine_noise_variance
from bsn.training.judgement import middle
from data import ImageSource

__all__ = ["ImageNoise", "MeasuredNoiseLevel", "NoiseLevel"]

_SMALLEST = 1e-6
_PACE = 10.0  # two numbers, of which every pixel tells something, may move faster than weights


class NoiseLevel(nn.Module):
    """Variance of the noise as a function of the predicted mean, in network units: slope * mean + constant.

    Learned numbers are kept as logarithms: the slope, and the variance at the value `darkest`, so that the variance is
    positive on all of the images.

    Parameters
    ----------
    start : NoiseModel
        The noise if it is known, otherwise where learning starts.
    scale : ValueScale
    darkest : float
        Lowest image value that occurs.
    learned : bool

    Raises
    ------
    ValueError
        If the variance is not positive at `darkest`.
    """

    def __init__(self, start: NoiseModel, scale: ValueScale, *, darkest: float, learned: bool) -> None:
        super().__init__()
        self.scale, self.learned, self.has_gain = scale, learned, start.gain > 0
        slope, constant, _ = start.in_network_units(scale)
        self.darkest = float(scale.to_network(torch.tensor(darkest, dtype=torch.float64)))
        at_darkest = slope * self.darkest + constant
        if not learned and at_darkest <= 0:
            raise ValueError(
                f"noise of gain {start.gain:g} and variance {start.variance:g} has no positive variance at {darkest:g}, the "
                "darkest pixel; raise the read noise"
            )
        logs = torch.tensor([math.log(max(slope, _SMALLEST)), math.log(max(at_darkest, _SMALLEST))])
        self.logs = nn.Parameter(logs / _PACE, requires_grad=learned)

    def forward(self, mean: Tensor, of_images: Tensor | None = None) -> Tensor:
        """Noise variance at a predicted mean (N, C, H, W), same shape, float32 or more; the same for all images."""
        slope, constant = self._affine()
        return affine_noise_variance(mean, slope, constant)

    def _affine(self) -> tuple[Tensor, Tensor]:
        at_darkest = (_PACE * self.logs[1]).exp()
        slope = (_PACE * self.logs[0]).exp() if self.has_gain else torch.zeros_like(at_darkest)
        return slope, at_darkest - slope * self.darkest

    @torch.no_grad()
    def model(self) -> NoiseModel:
        """Present state in image values."""
        slope, constant = (float(value) for value in self._affine())
        return NoiseModel.from_network_units(slope, constant, self.scale)


class MeasuredNoiseLevel(nn.Module):
    """Variance of the noise of each image: what was measured on it, times one factor that is learned.

    Parameters
    ----------
    common : NoiseModel
        Of all images together.
    scale : ValueScale
    """

    learned = True

    def __init__(self, common: NoiseModel, scale: ValueScale) -> None:
        super().__init__()
        self.common, self.scale = common, scale
        self.log = nn.Parameter(torch.zeros(()))

    def forward(self, mean: Tensor, of_images: Tensor | None = None) -> Tensor:
        """Noise variance at a predicted mean.

        Parameters
        ----------
        mean : Tensor, shape (N, C, H, W)
        of_images : Tensor, shape (N, 3)
            Of each sample's image, see :class:`ImageNoise`.

        Returns
        -------
        Tensor, shape (N, C, H, W), float32 or more
        """
        assert of_images is not None
        slope, constant, least = of_images[:, :, None, None, None].unbind(1)
        return affine_noise_variance(mean, slope, constant, least) * (_PACE * self.log).exp()

    @torch.no_grad()
    def model(self) -> NoiseModel:
        """Present state in image values."""
        return dataclasses.replace(self.common, per_image=True, factor=float((_PACE * self.log).exp()))


class ImageNoise:
    """Noise of single training images, measured when it is first asked for.

    Parameters
    ----------
    source : ImageSource
    common : NoiseModel
        Used for images on which nothing can be measured.
    scale : ValueScale
    """

    def __init__(self, source: ImageSource, common: NoiseModel, scale: ValueScale) -> None:
        self.source, self.common, self.scale = source, common, scale
        self._found: dict[int, tuple[float, float, float]] = {}

    def __call__(self, indices: Sequence[int]) -> np.ndarray:
        """Slope, constant and least value of the variance in network units, shape (N, 3), float32."""
        for index in set(indices) - self._found.keys():
            model = self.common.measured_on([middle(self.source, index)])
            self._found[index] = model.in_network_units(self.scale)
        return np.array([self._found[index] for index in indices], np.float32)
