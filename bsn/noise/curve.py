"""Noise of single images, from what a blind-spot network leaves of them.

The network's prediction does not hold the noise of the pixel that it predicts, so the squared residual of a pixel has the
expectation S + D: its own squared error, of which it predicts the variance S, and the noise variance D. D is taken to be a
function of the predicted intensity, of any form, which also holds after a gamma curve or clipping. (A line through the
noise curve is not good enough. Where a prediction is fifteen decibels better than the noisy pixel, as in micrographs, noise
that is taken to be three percent less than it is costs more than the noisy pixel can give.)

From the residual alone D and S cannot be told apart but by where they are: what the surest fifth of the pixels of one
intensity have in common counts as noise. So it is in training, and the S that a network learns this way is only what
exceeds the common part. But most of the common part is known: a prediction is an average of noisy surroundings, and carries
a share q of their noise on. That share is seen when noise of the fitted strength is added and the prediction moves
(:func:`propagated_share`). The squared residual then has the expectation S + q D + D. (Ours.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["CURVE", "CurveSettings", "NoiseCurve", "fit_noise", "propagated_share"]


@dataclass(frozen=True)
class CurveSettings:
    """Constants of the fit.

    They were set by hand on synthetic noise and on w2s, whose scores the table of microscopy shows; no trial of other values is
    recorded.

    Parameters
    ----------
    parts : int
        Number of parts into which the pixels are divided by intensity.
    rounds : int
        Number of rounds of the fit of a level.
    surest : float
        Share of the pixels of one intensity whose predicted uncertainty counts as common.
    least : float
        Noise variance, at least, as a share of the squared residual.
    fewest : int
        Pixels in the parts at both ends, which are divided further.
    probe : float
        Step of the probe in units of the noise: little enough for a network to be linear, much more than its rounding.
    """

    parts: int = 8
    rounds: int = 4
    surest: float = 0.2
    least: float = 0.2
    fewest: int = 512
    probe: float = 0.3


CURVE = CurveSettings()


@dataclass(frozen=True)
class NoiseCurve:
    """Noise variance over intensity, a curve for each sample: straight between its points, constant beyond them.

    Parameters
    ----------
    intensity : Tensor, shape (N, K)
        Intensities in rising order.
    variance : Tensor, shape (N, K)
        Variance of the noise at each intensity, in squared units of the intensities.
    propagated : Tensor, optional, shape (N, K)
        Variance that the noise of the surroundings brings into the prediction.
    """

    intensity: Tensor
    variance: Tensor
    propagated: Tensor | None = None

    def __call__(self, mean: Tensor) -> Tensor:
        """Variance at intensities (N, C, H, W), same shape; one curve for all samples if there is only one."""
        return self._at(mean, self.variance)

    def propagated_at(self, mean: Tensor) -> Tensor | None:
        """Propagated variance at intensities (N, C, H, W), same shape; None where it was not measured.

        Parameters
        ----------
        mean : Tensor, shape (N, C, H, W)
            Intensities, in the units of the curve.

        Returns
        -------
        Tensor, shape (N, C, H, W), or None
        """
        return None if self.propagated is None else self._at(mean, self.propagated)

    def _at(self, mean: Tensor, variance: Tensor) -> Tensor:
        n = len(mean)
        if self.intensity.shape[1] == 1:
            return variance.to(mean).reshape(-1, 1, 1, 1).expand_as(mean)
        x, y = (part.expand(n, -1).to(mean).contiguous() for part in (self.intensity, variance))
        at = mean.flatten(1).contiguous()
        right = torch.searchsorted(x, at).clamp(1, x.shape[1] - 1)
        (x0, x1), (y0, y1) = ((part.gather(1, right - 1), part.gather(1, right)) for part in (x, y))
        share = ((at - x0) / (x1 - x0).clamp_min(1e-12)).clamp(0, 1)
        return (y0 + share * (y1 - y0)).reshape(mean.shape)


@torch.no_grad()
def propagated_share(
    predict: Callable[[Tensor], Tensor], noisy: Tensor, mean: Tensor, variance: Tensor, *, seed: int = 0
) -> Tensor:
    """Estimate the share of the noise variance that a blind prediction carries on from its surroundings.

    Parameters
    ----------
    predict : callable
        Blind prediction of images (N, C, H, W).
    noisy : Tensor, shape (N, C, H, W)
        Noisy images, or windows (N, F C, H, W) of F frames with the same noise.
    mean : Tensor, shape (N, C, H, W)
        Its prediction.
    variance : Tensor, shape (N, C, H, W)
        Variance of the noise in `noisy`, positive; a common factor does not matter.
    seed : int
        Seed of the random changes.

    Returns
    -------
    Tensor, shape (N, C, H, W)
        Of the expectation q = sum of w_k^2 D_k / D over the surroundings k, where w is the network's derivative. Single
        values are chance; average many.
    """
    generator = torch.Generator().manual_seed(seed)
    spread = variance.to(noisy).sqrt().repeat(1, noisy.shape[1] // mean.shape[1], 1, 1)
    noise = torch.randn(noisy.shape, generator=generator).to(noisy) * spread
    return ((predict(noisy + CURVE.probe * noise) - mean) / CURVE.probe).square() / variance


@torch.no_grad()
def fit_noise(mean: Tensor, uncertainty: Tensor, noisy: Tensor, propagated: Tensor | None = None) -> NoiseCurve:
    """Noise variance over intensity of each image.

    Parameters
    ----------
    mean : Tensor, shape (N, C, H, W)
        Blind prediction; one curve for all channels.
    uncertainty : Tensor, shape (N, C, H, W)
        Variance S of its error, predicted.
    noisy : Tensor, shape (N, C, H, W)
        Noisy images.
    propagated : Tensor, optional, shape (N, C, H, W)
        Result of :func:`propagated_share`; without it, what the network is equally unsure of everywhere counts as
        noise.

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
    centres = torch.stack([part.mean(1) for part in parts(mean.flatten(1).double())], 1)
    levels = torch.stack([_level(*pair) for pair in zip(squares, spreads, strict=True)], 1)
    if propagated is None:
        return NoiseCurve(centres, levels)
    share = torch.stack([part.mean(1) for part in parts(propagated.flatten(1).double())], 1)
    return NoiseCurve(centres, levels / (1 + share), levels * share / (1 + share))


def _sizes(count: int) -> list[int]:
    """Eight equal parts, the first and the last halved again and again: intensities at the ends are far apart."""
    size = count // CURVE.parts
    if not size:
        raise ValueError(f"fit_noise: {count} values are too few; {CURVE.parts} are needed")
    tail = [size]
    while tail[-1] >= 2 * CURVE.fewest:
        half = tail.pop() // 2
        tail += [size - sum(tail) - half, half]
    return [*tail[::-1], *[size] * (CURVE.parts - 2), *tail]


def _level(squares: Tensor, spread: Tensor) -> Tensor:
    """What the squares (N, K) of pixels of one intensity have in common, (N,): most likely, given what is unsure beyond it."""
    surest = spread.kthvalue(max(int(CURVE.surest * spread.shape[1]), 1), dim=1, keepdim=True).values
    spread = (spread - surest).clamp_min(0)
    total = squares.mean(1, keepdim=True).clamp_min(1e-12)
    noise = total
    for _ in range(CURVE.rounds):
        weights = (noise + spread).pow(-2)
        noise = (weights * (squares - spread)).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
        noise = noise.clamp_min(CURVE.least * total)
    return noise[:, 0]
