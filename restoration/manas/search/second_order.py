"""Gradient of the architecture through the next step of the weights, by finite differences (DARTS, eq. 7 and 8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["WeightStep", "look_ahead_gradient"]

_RADIUS = 0.01

LossOf = Callable[[], Tensor]


@dataclass(frozen=True)
class WeightStep:
    """The step of the weights that is looked through: plain SGD.

    Parameters
    ----------
    rate, momentum, decay : float
        Learning rate, momentum and weight decay.
    velocity : sequence of Tensor, optional
        Momentum buffers of the weights' optimiser.
    """

    rate: float
    momentum: float = 0.0
    decay: float = 0.0
    velocity: Sequence[Tensor | None] | None = None


def look_ahead_gradient(
    training: LossOf,
    validation: LossOf,
    weights: Sequence[Tensor],
    architecture: Sequence[Tensor],
    step: WeightStep,
) -> tuple[Tensor, list[Tensor]]:
    """Gradient of the validation loss after a step of the weights on the training loss.

    Parameters
    ----------
    training, validation : callable
        Losses at the current values of `weights` and `architecture`, with a graph.
    weights, architecture : sequence of Tensor
        Leaves; the weights have their values back afterwards, in the same bits.
    step : WeightStep
        The step of the weights that is looked ahead.

    Returns
    -------
    loss : Tensor, shape ()
        The validation loss after the step.
    gradients : list of Tensor
        Gradients of each of `architecture`.

    References
    ----------
    Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019.
    """
    kept = [w.detach().clone() for w in weights]
    try:
        _move(weights, kept, _steps(training, weights, kept, step), -step.rate)
        loss = validation()
        gradients = torch.autograd.grad(loss, [*weights, *architecture], allow_unused=True)
        ahead = _filled(gradients[: len(weights)], weights)
        direct = _filled(gradients[len(weights) :], architecture)
        norm = torch.sqrt(sum((g.square().sum() for g in ahead), torch.zeros((), device=ahead[0].device)))
        radius = _RADIUS / float(norm.clamp_min(1e-12))
        sides = []
        for sign in (1, -1):
            _move(weights, kept, ahead, sign * radius)
            sides.append(_filled(torch.autograd.grad(training(), architecture, allow_unused=True), architecture))
    finally:
        _move(weights, kept, None, 0.0)
    pairs = zip(direct, *sides, strict=True)
    return loss.detach(), [g - step.rate * (plus - minus) / (2 * radius) for g, plus, minus in pairs]


def _steps(training: LossOf, weights: Sequence[Tensor], kept: Sequence[Tensor], step: WeightStep) -> list[Tensor]:
    gradients = _filled(torch.autograd.grad(training(), weights, allow_unused=True), weights)
    velocity = step.velocity or [None] * len(kept)
    return [
        g + step.decay * w + (0 if v is None else step.momentum * v)
        for g, w, v in zip(gradients, kept, velocity, strict=True)
    ]


def _filled(gradients: Sequence[Tensor | None], like: Sequence[Tensor]) -> list[Tensor]:
    """Zeros where there is no gradient."""
    return [torch.zeros_like(x) if g is None else g for g, x in zip(gradients, like, strict=True)]


@torch.no_grad()
def _move(weights: Sequence[Tensor], origin: Sequence[Tensor], steps: Sequence[Tensor] | None, factor: float) -> None:
    for number, (weight, start) in enumerate(zip(weights, origin, strict=True)):
        weight.copy_(start if steps is None else start + factor * steps[number])
