"""Exponential moving average (EMA) of weights."""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["make_average", "update_average"]

_WARMUP = 10


def make_average(module: nn.Module) -> nn.Module:
    """Frozen copy of a module that :func:`update_average` moves along.

    Parameters
    ----------
    module : nn.Module
        Module to copy; it is not changed.

    Returns
    -------
    nn.Module
    """
    return copy.deepcopy(module).requires_grad_(False).eval()


@torch.no_grad()
def update_average(average: nn.Module, module: nn.Module, decay: float, step: int) -> None:
    """Move `average` towards `module`.

    Parameters
    ----------
    average, module : nn.Module
        Modules of equal structure. Buffers are copied.
    decay : float
        Share of the old average; at the start less, min(decay, (step + 1) / (step + 10)), so that the random
        initial weights are soon forgotten.
    step : int
        Number of the step, from 0.
    """
    decay = min(decay, (step + 1) / (step + _WARMUP))
    torch._foreach_lerp_(list(average.parameters()), [p.detach() for p in module.parameters()], 1 - decay)
    for old, new in zip(average.buffers(), module.buffers(), strict=True):
        old.copy_(new)
