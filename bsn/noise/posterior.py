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

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bsn.noise.calibration import calibrate
from bsn.noise.pixel_matrices import LEAST_VARIANCE, Rows, add_diagonal, cholesky, dot, entry, solve_lower

__all__ = [
    "Prediction",
    "affine_noise_variance",
    "expected_nll",
    "outputs_for_posterior",
    "posterior",
    "posterior_nll",
    "split_prediction",
]

_ONE = 0.5413248546129181  # softplus of this is 1: an untrained network starts with S near the identity


@dataclass(frozen=True)
class Prediction:
    """Gaussian over the clean value of every pixel.

    Parameters
    ----------
    mean : Tensor, shape (N, C, H, W)
        Expected clean value.
    factor : list of lists of Tensor, shape (N, H, W)
        Lower triangle A of the covariance S = A A^T: ``factor[i][j]`` for j <= i.
    """

    mean: Tensor
    factor: Rows

    def covariance(self) -> Rows:
        """Lower triangle of S."""
        a = self.factor
        return [[dot(a[i][: j + 1], a[j]) for j in range(i + 1)] for i in range(len(a))]

    def variance(self) -> Tensor:
        """Diagonal of S, shape (N, C, H, W)."""
        return torch.stack([dot(row, row) for row in self.factor], 1)


def outputs_for_posterior(channels: int) -> int:
    """Outputs of a network that predicts mean and covariance over `channels` channels.

    Parameters
    ----------
    channels : int
        C, 1 or more.

    Returns
    -------
    int
        C for the mean and C (C + 1) / 2 for the covariance.

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
        Predicted mean. No gradient flows through it, so that the noise level does not pull the prediction.
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
        Mean and covariance S that the network predicts.
    noisy : Tensor, shape (N, C, H, W)
        Noisy pixels, in network values.
    noise_variance : Tensor, shape (N, C, H, W)
        Diagonal of D, positive.

    Returns
    -------
    Tensor, shape (N,)
        Mean over pixels.
    """
    factor = cholesky(add_diagonal(prediction.covariance(), noise_variance))
    white = solve_lower(factor, (noisy.to(noise_variance) - prediction.mean).unbind(1))
    log_determinant = sum(factor[i][i].log() for i in range(len(factor)))
    return (0.5 * dot(white, white) + log_determinant).flatten(1).mean(1)


def expected_nll(prediction: Prediction, clean: Tensor, noise_variance: Tensor) -> Tensor:
    """Expectation of :func:`posterior_nll` over the noise of the pixels, for a clean image that is known.

    Parameters
    ----------
    prediction : Prediction
        Mean mu and covariance S that a blind network predicts.
    clean : Tensor, shape (N, C, H, W)
        Clean pixels x, in network values.
    noise_variance : Tensor, shape (N, C, H, W)
        Diagonal of D; bounded from below here.

    Returns
    -------
    Tensor, shape (N,)
        ``((x - mu)^T (S + D)^-1 (x - mu) + trace((S + D)^-1 D)) / 2 + log det(S + D) / 2``, mean over pixels.
    """
    variance = noise_variance.clamp_min(LEAST_VARIANCE)
    factor = cholesky(add_diagonal(prediction.covariance(), variance))
    white = solve_lower(factor, (clean - prediction.mean).unbind(1))
    total = 0.5 * dot(white, white)
    for channel in range(len(factor)):
        unit = [torch.ones_like(white[0]) if i == channel else torch.zeros_like(white[0]) for i in range(len(factor))]
        column = solve_lower(factor, unit)
        total = total + 0.5 * variance[:, channel] * dot(column, column) + factor[channel][channel].log()
    return total.flatten(1).mean(1)


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
        Mean and covariance S that the network predicts.
    noisy : Tensor, shape (N, C, H, W)
        Noisy pixels, in network values.
    noise_variance : Tensor, shape (N, C, H, W)
        Diagonal of D, positive, in squared network values.
    propagated : Tensor, optional, shape (N, C, H, W)
        Variance to be added to S, see :meth:`bsn.noise.NoiseCurve.propagated_at`.
    calibrated : bool
        Correct the predicted covariance by the residuals around each pixel, see :func:`bsn.noise.calibrate`.

    Returns
    -------
    mean, variance : Tensor, shape (N, C, H, W)
    """
    covariance = prediction.covariance()
    if propagated is not None:
        covariance = add_diagonal(covariance, propagated)
    if calibrated:
        covariance = calibrate(covariance, (noisy.to(noise_variance) - prediction.mean).unbind(1), noise_variance)
    factor = cholesky(add_diagonal(covariance, noise_variance))
    white = solve_lower(factor, (noisy.to(noise_variance) - prediction.mean).unbind(1))
    means, variances = [], []
    for channel in range(len(factor)):
        column = [entry(covariance, i, channel) for i in range(len(factor))]
        weights = solve_lower(factor, column)
        means.append(prediction.mean[:, channel] + dot(weights, white))
        variances.append((covariance[channel][channel] - dot(weights, weights)).clamp_min(0))
    return torch.stack(means, 1), torch.stack(variances, 1)


def _at_least_float32(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()
