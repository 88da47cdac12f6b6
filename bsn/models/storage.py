"""Weights in fewer bits than they are computed with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

__all__ = ["Bits", "restored", "shortened"]

Bits = Literal[8, 16, 32]

_STEP = ".int8_step"
_FEWEST = 10_000  # values of a tensor from which on eight bits save more than they cost


def shortened(tensors: Mapping[str, Tensor], bits: Bits) -> dict[str, Tensor]:
    """Weights as a file holds them.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        State of a network.
    bits : {8, 16, 32}
        32 leaves them as they are, 16 makes float16 of them. 8 rounds large ones to 255 steps, whose size is that of one output
        and one place in the kernel (for a transposed convolution: of one input), and makes float16 of the others.

    Returns
    -------
    dict of str to Tensor
    """
    found: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if bits == 32 or not value.is_floating_point():
            found[name] = value
        elif bits == 16 or value.ndim < 2 or value.numel() < _FEWEST:
            found[name] = value.half()
        else:
            step = (value.abs().amax(1, keepdim=True) / 127).half()
            whole = (value / step.float().clamp(min=1e-12)).round().clamp(-127, 127)
            found[name], found[name + _STEP] = whole.to(torch.int8), step
    return found


def restored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a file as a network takes them.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        What :func:`shortened` gave.

    Returns
    -------
    dict of str to Tensor
        What was in eight bits in float32, the rest as it was.
    """
    return {
        name: value.float() * tensors[name + _STEP].float() if name + _STEP in tensors else value
        for name, value in tensors.items()
        if not name.endswith(_STEP)
    }
