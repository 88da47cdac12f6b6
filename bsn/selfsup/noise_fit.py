"""Noise of single images, fitted to what a blind-spot network leaves of them.

The network's prediction does not hold the noise of the pixel that it predicts, so the squared residual of a pixel has the
expectation S + D: its own squared error, of which it predicts the variance S, and the noise variance D. A line D over the
predicted intensity, fitted by maximum likelihood, is the noise curve of that image. With hundreds of thousands of pixels it
is found to a percent, much better than on the flat places of the noisy image.

S and D are told apart by where they are: what the surest fifth of the pixels have in common counts as noise. That makes D a
little too large, which is the safe side: the noisy pixel gets less weight.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["fit_noise"]

_ROUNDS = 8
_CLIP = 9.0  # squared residuals beyond three standard deviations are edges that the network has missed
_CLIPPED_MEAN = 0.9950  # of squared standard Gaussian numbers, clipped there
_SUREST = 0.2
_DARKEST = 0.01
_SORTED = 1 << 16


@torch.no_grad()
def fit_noise(mean: Tensor, uncertainty: Tensor, noisy: Tensor, *, gain: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """Fit variance = slope * mean + constant to the residual of each image.

    Parameters
    ----------
    mean : Tensor, shape (N, C, H, W)
        Blind prediction; one curve for all channels.
    uncertainty : Tensor, shape (N, C, H, W)
        Variance S of its error, predicted.
    noisy : Tensor, shape (N, C, H, W)
    gain : bool
        False: slope 0, Gaussian noise.

    Returns
    -------
    slope, constant, least : Tensor, shape (N, 1, 1, 1), float32 or more
        Slope 0 or more. `least` is the variance at the darkest percent of the pixels, which the line shall not go below.
    """
    x, spread = mean.detach().flatten(1).double(), uncertainty.detach().flatten(1).double()
    squares = (noisy.flatten(1) - x).square()
    level = squares.mean(1, keepdim=True).clamp_min(1e-12)
    darkest, surest = _quantile(x, _DARKEST), _quantile(spread, _SUREST)
    spread = (spread - surest).clamp_min(0)
    slope, constant, least = torch.zeros_like(level), level, level
    for _ in range(_ROUNDS):
        variance = torch.maximum(slope * x + constant, least) + spread
        weights = variance.pow(-2)
        weights = weights / weights.sum(1, keepdim=True)
        noise = torch.minimum(squares, _CLIP * variance) / _CLIPPED_MEAN - spread
        middle, height = ((weights * values).sum(1, keepdim=True) for values in (x, noise))
        if gain:
            offset = weights * (x - middle)
            slope = (offset * noise).sum(1, keepdim=True) / (offset * x).sum(1, keepdim=True).clamp_min(1e-12)
            slope = slope.clamp_min(0)
        constant = height - slope * middle
        least = torch.maximum(slope * darkest + constant, 0.01 * level)
    kind = torch.float64 if mean.dtype == torch.float64 else torch.float32
    return tuple(value[:, :, None, None].to(kind) for value in (slope, constant, least))  # type: ignore[return-value]


def _quantile(values: Tensor, share: float) -> Tensor:
    """Quantile of each row, from every so many of its values."""
    return values[:, :: max(values.shape[1] // _SORTED, 1)].quantile(share, dim=1, keepdim=True)
