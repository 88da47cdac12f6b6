"""Size, work and speed of a network."""

from __future__ import annotations

import copy
import statistics
import time

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from bsn.models.interface import ImageNetwork
from bsn.ops import use_backend

__all__ = ["count_parameters", "macs_per_pixel", "milliseconds"]


def count_parameters(network: nn.Module) -> int:
    """Count the trainable parameters.

    Parameters
    ----------
    network : nn.Module
        Any module.

    Returns
    -------
    int
    """
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


@torch.no_grad()
def macs_per_pixel(network: ImageNetwork, size: int = 128) -> float:
    """Multiply-accumulate operations of convolutions and matrix products per pixel of the image.

    They are counted on the reference operators, so that the number does not depend on the kernels that a machine has, and on
    an image that the network does not pad. Only shapes are computed (on PyTorch's meta device), no values.

    Parameters
    ----------
    network : ImageNetwork
        Network to measure.
    size : int
        Side of the square image that is counted, in pixels; the next multiple of the network's grid is taken.

    Returns
    -------
    float
        Multiply-accumulate operations per pixel of a frame, those of attention and of all neighbours included.
    """
    grid = network.size_multiple
    size = -(-size // grid) * grid
    shapes = copy.deepcopy(network).to("meta").eval()
    x = torch.zeros(1, _input_channels(network), size, size, device="meta")
    # The fused attention of PyTorch would count as nothing.
    with use_backend("reference"), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        shapes(x)
    return counter.get_total_flops() / 2 / size**2


def _input_channels(network: ImageNetwork) -> int:
    """Channels of a frame and of all its neighbours."""
    return network.channels * (2 * getattr(network, "context", 0) + 1)


@torch.no_grad()
def milliseconds(network: ImageNetwork, size: int = 256, repeats: int = 3) -> float:
    """Median time of one forward pass of a square image on this machine, float32, in milliseconds.

    Parameters
    ----------
    network : ImageNetwork
        Network to time.
    size, repeats : int
        Side of the image in pixels, and number of timed passes.
    """
    x = torch.rand(1, _input_channels(network), size, size, generator=torch.Generator().manual_seed(0))
    network.eval()(x)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        network(x)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)
