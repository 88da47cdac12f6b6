"""Noise of single images, from what a blind-spot network leaves of them.

The network's prediction does not hold the noise of the pixel that it predicts, so the squared residual of a pixel has the
expectation S + D: its own squared error, of which it predicts the variance S, and the noise variance D. D is taken to be a
function of the predicted intensity, of any form, which also holds after a gamma curve or clipping. From the residual alone
D and S cannot be told apart but by where they are: what the surest fifth of the pixels of one intensity have in common counts
as noise. That makes D a little too large, which is the safe side: the noisy pixel gets less weight. (A line through the
noise curve is not good enough. Where a prediction is fifteen decibels better than the noisy pixel, as in micrographs, noise
that is taken to be three percent less than it is costs more than the noisy pixel can give.)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["NoiseCurve", "fit_noise"]

_PARTS = 8
_ROUNDS = 4
_SUREST = 0.2
_LEAST = 0.2
_FEWEST = 512


@dataclass(frozen=True)
class NoiseCurve:
    """Noise variance over intensity, a curve for each sample: straight between its points, constant beyond them.

    Parameters
    ----------
    intensity : Tensor, shape (N, K)
        In rising order.
    variance : Tensor, shape (N, K)
    """

    intensity: Tensor
    variance: Tensor

    def __call__(self, mean: Tensor) -> Tensor:
        """Variance at intensities (N, C, H, W), same shape; one curve for all samples if there is only one."""
        n = len(mean)
        x, y = (part.expand(n, -1).to(mean).contiguous() for part in (self.intensity, self.variance))
        at = mean.flatten(1).contiguous()
        right = torch.searchsorted(x, at).clamp(1, x.shape[1] - 1)
        (x0, x1), (y0, y1) = ((part.gather(1, right - 1), part.gather(1, right)) for part in (x, y))
        share = ((at - x0) / (x1 - x0).clamp_min(1e-12)).clamp(0, 1)
        return (y0 + share * (y1 - y0)).reshape(mean.shape)


@torch.no_grad()
def fit_noise(mean: Tensor, uncertainty: Tensor, noisy: Tensor) -> NoiseCurve:
    """Noise variance over intensity of each image.

    Parameters
    ----------
    mean : Tensor, shape (N, C, H, W)
        Blind prediction; one curve for all channels.
    uncertainty : Tensor, shape (N, C, H, W)
        Variance S of its error, predicted.
    noisy : Tensor, shape (N, C, H, W)

    Returns
    -------
    NoiseCurve
        Points for eight parts of as many pixels each, and more for the darkest and the brightest.

    Raises
    ------
    ValueError
        For images of less than eight values.
    """
    values, order = mean.flatten(1).double().sort(1)
    sizes = _sizes(values.shape[1])

    def parts(x: Tensor) -> tuple[Tensor, ...]:
        return x.gather(1, order)[:, : sum(sizes)].split(sizes, 1)

    squares = parts((noisy.flatten(1) - mean.flatten(1)).double().square())
    spreads = parts(uncertainty.flatten(1).double())
    levels = [_level(*pair) for pair in zip(squares, spreads, strict=True)]
    centres = [part.mean(1) for part in parts(mean.flatten(1).double())]
    return NoiseCurve(torch.stack(centres, 1), torch.stack(levels, 1))


def _sizes(count: int) -> list[int]:
    """Eight equal parts, the first and the last halved again and again: intensities at the ends are far apart."""
    size = count // _PARTS
    if not size:
        raise ValueError(f"fit_noise: {count} values are too few; {_PARTS} are needed")
    tail = [size]
    while tail[-1] >= 2 * _FEWEST:
        half = tail.pop() // 2
        tail += [size - sum(tail) - half, half]
    return [*tail[::-1], *[size] * (_PARTS - 2), *tail]


def _level(squares: Tensor, spread: Tensor) -> Tensor:
    """Noise variance (N,) of pixels (N, K) of one intensity, by maximum likelihood given what is uncertain beyond it."""
    surest = spread.kthvalue(max(int(_SUREST * spread.shape[1]), 1), dim=1, keepdim=True).values
    spread = (spread - surest).clamp_min(0)
    total = squares.mean(1, keepdim=True).clamp_min(1e-12)
    noise = total
    for _ in range(_ROUNDS):
        weights = (noise + spread).pow(-2)
        noise = (weights * (squares - spread)).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
        noise = noise.clamp_min(_LEAST * total)
    return noise[:, 0]
