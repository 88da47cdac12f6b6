"""Can a network learn to copy noise? The test that tells a harmless leak from a harmful one.

Independent noise cannot be predicted from other pixels, so a blind network that is trained to reproduce its own input of
fresh noise explains nothing of its variance, whatever it does. What it explains has leaked.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["Learnability", "LearnabilityConfig", "explained_variance", "learnability"]


@dataclass(frozen=True)
class Learnability:
    """Share of fresh noise that a network explains after it was trained to.

    Parameters
    ----------
    size : int
        Side of the crops.
    explained : float
        1 - (mean square error) / (variance): 1 for a perfect copy, 0 for what a blind network can reach.
    low, high : float
        95 % confidence interval.
    steps : int
        Training steps spent up to here.
    """

    size: int
    explained: float
    low: float
    high: float
    steps: int

    @property
    def leaks(self) -> bool:
        """True if more than nothing is explained, with 97.5 % confidence."""
        return self.low > 0


@dataclass(frozen=True)
class LearnabilityConfig:
    """How long and how hard the network is trained to copy.

    Parameters
    ----------
    steps : int
        Number of steps at each crop size.
    pixels : int
        Number of pixels of a batch; the number of crops follows from their size.
    learning_rate : float
        Peak of a one-cycle schedule of Adam, at each size.
    evaluation_batches : int
        Fresh batches behind the confidence interval, at least 2.
    seed : int
        Seed of everything random.

    Raises
    ------
    ValueError
        For values outside their range.
    """

    steps: int = 300
    pixels: int = 8192
    learning_rate: float = 3e-3
    evaluation_batches: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 0 or self.pixels < 1 or self.evaluation_batches < 2 or not self.learning_rate > 0:
            raise ValueError(f"{self} cannot be run; use positive numbers, and 2 or more evaluation batches")


def learnability(
    network: nn.Module,
    channels: int,
    sizes: Sequence[int],
    config: LearnabilityConfig | None = None,
    *,
    say: Callable[[str], None] | None = None,
) -> list[Learnability]:
    """Train a copy of the network to reproduce fresh noise and measure what it explains.

    Parameters
    ----------
    network : nn.Module
        Maps (N, C, H, W) to the same shape. It is not changed.
    channels : int
        C.
    sizes : sequence of int
        Sides of the crops, in the order in which they are trained: small ones first is a curriculum, since leaks are
        easiest to find in small crops. Each starts from the weights of the last.
    config : LearnabilityConfig, optional
        Length and settings of the training; the defaults if left out.
    say : callable, optional
        Gets a line of progress per tenth of the training.

    Returns
    -------
    list of Learnability
        One for each size. A lower bound of what can leak: longer training may find more.

    Raises
    ------
    ValueError
        If the network does not return as many channels as it takes.

    Examples
    --------
    >>> quick = LearnabilityConfig(steps=40, pixels=1024, learning_rate=0.1)
    >>> (copied,) = learnability(torch.nn.Conv2d(1, 1, 1), 1, [16], quick)
    >>> copied.explained > 0.9, copied.leaks
    (True, True)
    """
    config = config or LearnabilityConfig()
    student = copy.deepcopy(network).float().train()
    generator = torch.Generator().manual_seed(config.seed)
    found = []
    for index, size in enumerate(sizes):
        batch = max(config.pixels // size**2, 1)
        _train(student, (batch, channels, size, size), config, generator, say)
        mean, low, high = explained_variance(
            student, (batch, channels, size, size), config.evaluation_batches, generator
        )
        found.append(Learnability(size, mean, low, high, (index + 1) * config.steps))
    return found


def _train(
    student: nn.Module,
    shape: tuple[int, int, int, int],
    config: LearnabilityConfig,
    generator: torch.Generator,
    say: Callable[[str], None] | None,
) -> None:
    weights = [p for p in student.parameters() if p.requires_grad]
    if not weights or not config.steps:
        return
    optimizer = torch.optim.Adam(weights, lr=config.learning_rate)
    ramp = max(config.steps // 10, 1)
    with torch.enable_grad():
        for step in range(config.steps):
            rise, fall = (step + 1) / ramp, (1 + math.cos(math.pi * step / config.steps)) / 2
            optimizer.param_groups[0]["lr"] = config.learning_rate * min(rise, fall)
            x = torch.randn(shape, generator=generator)
            out = student(x)
            if out.shape != x.shape:
                raise ValueError(
                    f"the network turns {tuple(x.shape)} into {tuple(out.shape)}, which is not a copy of it"
                )
            loss = (out - x).square().mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            if say is not None and (step + 1) % max(config.steps // 10, 1) == 0:
                say(
                    f"{shape[-1]} x {shape[-1]}: step {step + 1}/{config.steps}, explained {1 - float(loss.detach()):.3f}"
                )


@torch.no_grad()
def explained_variance(
    network: Callable[[Tensor], Tensor],
    shape: tuple[int, int, int, int],
    batches: int,
    generator: torch.Generator | None = None,
) -> tuple[float, float, float]:
    """Share of the variance of fresh standard normal noise that a network explains, with a 95 % confidence interval.

    Parameters
    ----------
    network : callable
        Maps (N, C, H, W) to the same shape.
    shape : tuple of int
        (N, C, H, W) of a batch.
    batches : int
        Number of batches, at least 2.
    generator : torch.Generator, optional
        Source of the noise; torch's global generator if left out.

    Returns
    -------
    mean, low, high : float
        The interval comes from the spread between batches (normal approximation).
    """
    values = []
    for _ in range(batches):
        x = torch.randn(shape, generator=generator)
        values.append(1 - float((network(x) - x).square().mean() / x.square().mean()))
    sample = torch.tensor(values, dtype=torch.float64)
    mean, error = float(sample.mean()), float(sample.std()) / batches**0.5
    return mean, mean - 1.96 * error, mean + 1.96 * error
