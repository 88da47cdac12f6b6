"""The noisy pixel as a witness: prediction and noise model combined by Bayes' rule.

A blind-spot network gives the distribution of a clean pixel x (C channels) given its surroundings, here a Gaussian with
mean mu and covariance S. The noisy pixel y = x + n with n ~ N(0, D) is independent of the surroundings given x, so

    y | surroundings        ~  N(mu, S + D)                       trained by its negative log-likelihood
    x | y, surroundings     ~  N(mu + S (S + D)^-1 (y - mu),      the posterior mean is the result
                                 S - S (S + D)^-1 S)              its diagonal the uncertainty map

D is diagonal (noise independent between channels); the same formulas hold with y's noise variance from any model. All of it is
computed in float32 at least, by a Cholesky factorisation written out over the few channels, which is positive definite
by construction: S = A A^T with a positive diagonal of A, D bounded from below.

References
----------
Laine, Karras, Lehtinen, Aila, "High-Quality Self-Supervised Deep Image Denoising", NeurIPS 2019, arXiv 1901.10277,
section 3 and equations 4 to 6 (there with S = A^T A).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bsn.noise.gaussian_mean import gaussian_mean

__all__ = [
    "CALIBRATION_REACH",
    "LEAST_VARIANCE",
    "Prediction",
    "affine_noise_variance",
    "calibrate",
    "outputs_for_posterior",
    "posterior",
    "posterior_nll",
    "split_prediction",
]

LEAST_VARIANCE = 1e-6
"""Smallest noise variance, in network units, that keeps the factorisation safe in float32."""

CALIBRATION_REACH = 24
"""Pixels to each side that :func:`calibrate` looks at."""

_WINDOW = 12.0
_WINDOW_PIXELS = 4 * torch.pi * _WINDOW**2  # independent squares that a Gaussian window of that width averages over
_ERROR_OF_PREDICTED_VARIANCE = 0.25  # relative

_ONE = 0.5413248546129181  # softplus of this is 1: an untrained network starts with S near the identity

Rows = list[list[Tensor]]


@dataclass(frozen=True)
class Prediction:
    """Gaussian over the clean value of every pixel.

    Parameters
    ----------
    mean : Tensor, shape (N, C, H, W)
    factor : list of lists of Tensor, shape (N, H, W)
        Lower triangle A of the covariance S = A A^T: ``factor[i][j]`` for j <= i.
    """

    mean: Tensor
    factor: Rows

    def covariance(self) -> Rows:
        """Lower triangle of S."""
        a = self.factor
        return [[_dot(a[i][: j + 1], a[j]) for j in range(i + 1)] for i in range(len(a))]

    def variance(self) -> Tensor:
        """Diagonal of S, shape (N, C, H, W)."""
        return torch.stack([_dot(row, row) for row in self.factor], 1)


def outputs_for_posterior(channels: int) -> int:
    """Outputs of a network that predicts mean and covariance over `channels` channels.

    Examples
    --------
    >>> outputs_for_posterior(1), outputs_for_posterior(3)
    (2, 9)
    """
    return channels + channels * (channels + 1) // 2


def split_prediction(outputs: Tensor, channels: int) -> Prediction:
    """Read mean and covariance from the outputs of a network.

    Parameters
    ----------
    outputs : Tensor, shape (N, C + C (C + 1) / 2, H, W)
        The means, then the rows of the lower triangle. Half precision is raised to float32.
    channels : int
        C.

    Returns
    -------
    Prediction

    Raises
    ------
    ValueError
        If the number of outputs does not fit.
    """
    if outputs.shape[1] != outputs_for_posterior(channels):
        raise ValueError(
            f"{outputs.shape[1]} outputs cannot be mean and covariance of {channels} channels; "
            f"{outputs_for_posterior(channels)} are needed"
        )
    outputs = _at_least_float32(outputs)
    entries = iter(outputs[:, channels:].unbind(1))
    rows = [[next(entries) for _ in range(i + 1)] for i in range(channels)]
    for i, row in enumerate(rows):
        row[i] = F.softplus(row[i] + _ONE)
    return Prediction(outputs[:, :channels], rows)


def affine_noise_variance(mean: Tensor, slope: Tensor | float, constant: Tensor | float) -> Tensor:
    """Variance of Poisson-Gaussian noise at the predicted mean, bounded from below.

    Parameters
    ----------
    mean : Tensor, shape (N, C, H, W)
        Its gradient is not followed: the noise level shall not pull the prediction.
    slope, constant : float or Tensor
        variance = slope * mean + constant; slope 0 is Gaussian noise. Tensors may be learned.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    value = slope * _at_least_float32(mean.detach()) + constant
    return value.clamp_min(LEAST_VARIANCE)


def posterior_nll(prediction: Prediction, noisy: Tensor, noise_variance: Tensor) -> Tensor:
    """Negative log-likelihood of the noisy pixels, without the constant C/2 log(2 pi).

    Parameters
    ----------
    prediction : Prediction
    noisy : Tensor, shape (N, C, H, W)
    noise_variance : Tensor, shape (N, C, H, W)
        Diagonal of D, positive.

    Returns
    -------
    Tensor, shape (N,)
        Mean over pixels.
    """
    factor = _cholesky(_add_diagonal(prediction.covariance(), noise_variance))
    white = _solve_lower(factor, (noisy.to(noise_variance) - prediction.mean).unbind(1))
    log_determinant = sum(factor[i][i].log() for i in range(len(factor)))
    return (0.5 * _dot(white, white) + log_determinant).flatten(1).mean(1)


def posterior(
    prediction: Prediction,
    noisy: Tensor,
    noise_variance: Tensor,
    *,
    propagated: Tensor | None = None,
    calibrated: bool = False,
) -> tuple[Tensor, Tensor]:
    """Posterior mean and variance of the clean pixels.

    Parameters
    ----------
    prediction : Prediction
    noisy : Tensor, shape (N, C, H, W)
    noise_variance : Tensor, shape (N, C, H, W)
    propagated : Tensor, optional, shape (N, C, H, W)
        Variance to be added to S, see :meth:`bsn.selfsup.NoiseCurve.propagated_at`.
    calibrated : bool
        Correct the predicted covariance by the residuals around each pixel, see :func:`calibrate`.

    Returns
    -------
    mean, variance : Tensor, shape (N, C, H, W)
    """
    covariance = prediction.covariance()
    if propagated is not None:
        covariance = _add_diagonal(covariance, propagated)
    if calibrated:
        covariance = calibrate(covariance, (noisy.to(noise_variance) - prediction.mean).unbind(1), noise_variance)
    factor = _cholesky(_add_diagonal(covariance, noise_variance))
    white = _solve_lower(factor, (noisy.to(noise_variance) - prediction.mean).unbind(1))
    means, variances = [], []
    for channel in range(len(factor)):
        column = [_symmetric(covariance, i, channel) for i in range(len(factor))]
        weights = _solve_lower(factor, column)
        means.append(prediction.mean[:, channel] + _dot(weights, white))
        variances.append((covariance[channel][channel] - _dot(weights, weights)).clamp_min(0))
    return torch.stack(means, 1), torch.stack(variances, 1)


def calibrate(covariance: Rows, residual: Sequence[Tensor], noise_variance: Tensor) -> Rows:
    """Correct the predicted covariance by the residuals around each pixel.

    The residual r = noisy - mean has the covariance T = S + D. On pictures unlike those of the training the network is surer
    than it should be, above all of colours. The whitened residual L^-1 r, where L L^T = T, shows it: the mean of its squares
    and products around a pixel (Gaussian window, standard deviation of 12 pixels) is the identity where the prediction is
    right, and some Z where it is not; then T is L Z L^T. Both are averaged by their reliability, as a Gaussian prior
    (predicted variances S are wrong by a quarter) and a Gaussian measurement (of as many squares as the window holds) are:
    where the noise is much stronger than the uncertainty, S stays as it was predicted. (Ours; empirical Bayes.)

    Parameters
    ----------
    covariance : lower triangle of S, rows of Tensors (N, H, W)
    residual : sequence of Tensor (N, H, W), one per channel
    noise_variance : Tensor, shape (N, C, H, W)

    Returns
    -------
    lower triangle, rows of Tensors (N, H, W)
    """
    channels = range(len(covariance))
    factor = _cholesky(_add_diagonal(covariance, noise_variance))
    white = _solve_lower(factor, residual)
    parts = [covariance[c][c] / (covariance[c][c] + noise_variance[:, c]) for c in channels]
    prior = (_ERROR_OF_PREDICTED_VARIANCE * _window(torch.stack(parts).mean(0))).square()
    share = prior / (prior + 2 / _WINDOW_PIXELS)
    change = [[share * _window(white[i] * white[j] - float(i == j)) for j in range(i + 1)] for i in channels]
    corrected = []
    for i in channels:
        turned = [_dot(factor[i], [_symmetric(change, k, j) for k in range(i + 1)]) for j in channels]
        corrected.append([covariance[i][j] + _dot(turned[: j + 1], factor[j]) for j in range(i + 1)])
    # What the change leaves is no covariance where chance or an outlier has its say; there the prediction stays.
    sound = torch.stack([pivot > 0 for pivot in _pivots(corrected)]).all(0)
    return [[torch.where(sound, corrected[i][j], covariance[i][j]) for j in range(i + 1)] for i in channels]


def _pivots(lower: Rows) -> list[Tensor]:
    """Squared diagonal of the Cholesky factor, not positive from where on the matrix is not positive definite."""
    factor: Rows = []
    pivots: list[Tensor] = []
    for row in lower:
        done: list[Tensor] = []
        for j in range(len(row) - 1):
            rest = row[j] - _dot(done, factor[j]) if done else row[j]
            done.append(rest / pivots[j].clamp_min(LEAST_VARIANCE).sqrt())
        pivots.append(row[-1] - _dot(done, done) if done else row[-1])
        factor.append(done)
    return pivots


def _window(x: Tensor) -> Tensor:
    return gaussian_mean(x, _WINDOW, CALIBRATION_REACH)


def _at_least_float32(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()


def _dot(a: list[Tensor] | tuple[Tensor, ...], b: list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    total = a[0] * b[0]
    for left, right in zip(a[1:], b[1:], strict=False):
        total = total + left * right
    return total


def _symmetric(lower: Rows, i: int, j: int) -> Tensor:
    return lower[max(i, j)][min(i, j)]


def _add_diagonal(lower: Rows, diagonal: Tensor) -> Rows:
    return [[*row[:-1], row[-1] + diagonal[:, i]] for i, row in enumerate(lower)]


def _cholesky(lower: Rows) -> Rows:
    """Lower triangle L with L L^T = the symmetric positive definite matrix of that lower triangle."""
    factor: Rows = []
    for i, row in enumerate(lower):
        done: list[Tensor] = []
        for j in range(i):
            rest = row[j] - _dot(done, factor[j]) if done else row[j]
            done.append(rest / factor[j][j])
        rest = row[i] - _dot(done, done) if done else row[i]
        factor.append([*done, rest.clamp_min(LEAST_VARIANCE / 2).sqrt()])
    return factor


def _solve_lower(factor: Rows, right: Sequence[Tensor]) -> list[Tensor]:
    """Solve L z = right for z."""
    solution: list[Tensor] = []
    for i, row in enumerate(factor):
        rest = right[i] - _dot(solution, row) if solution else right[i]
        solution.append(rest / row[i])
    return solution
