"""Size, work and speed of a network."""

from __future__ import annotations

import statistics
import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from bsn.models.interface import ImageNetwork

__all__ = ["count_parameters", "macs_per_pixel", "milliseconds"]


def count_parameters(network: nn.Module) -> int:
    """Number of trainable numbers."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


@torch.no_grad()
def macs_per_pixel(network: ImageNetwork, size: int = 128) -> float:
    """Multiply-accumulate operations of convolutions and matrix products per pixel of the image.

    Parameters
    ----------
    network : ImageNetwork
    size : int
        Side of the square image it is counted on; a multiple of the network's grid, so that padding does not count.
    """
    x = torch.zeros(1, network.channels, size, size)
    with FlopCounterMode(display=False) as counter:
        network.eval()(x)
    return counter.get_total_flops() / 2 / size**2


@torch.no_grad()
def milliseconds(network: ImageNetwork, size: int = 256, repeats: int = 3) -> float:
    """Median time of one forward pass of a square image on this machine, float32, in milliseconds.

    Parameters
    ----------
    network : ImageNetwork
    size, repeats : int
    """
    x = torch.rand(1, network.channels, size, size)
    network.eval()(x)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        network(x)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)
