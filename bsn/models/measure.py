"""Size, work and speed of a network."""

from __future__ import annotations

import copy
import statistics
import time

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from bsn.models.interface import ImageNetwork
from bsn.ops import use_backend

__all__ = ["count_parameters", "macs_per_pixel", "milliseconds"]

_SMALL = 64  # pixels: side of the image that is timed first
_LONGEST = 1.0  # seconds of a pass that is still measured at full size


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
    # Here, since it imports Triton, which takes a while and cannot be loaded beside the LLVM of OpenGL drivers.
    from torch.utils.flop_counter import FlopCounterMode

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
def milliseconds(network: ImageNetwork, size: int = 256, repeats: int = 3) -> tuple[float, bool]:
    """Median time of one forward pass of a square image on this machine, float32, in milliseconds.

    A network that would take longer than a second is timed on a small image only, and its time is scaled by the number of
    pixels, so that a list of all networks does not take minutes.

    Parameters
    ----------
    network : ImageNetwork
        Network to time.
    size, repeats : int
        Side of the image in pixels, and number of timed passes.

    Returns
    -------
    time : float
        Milliseconds.
    estimated : bool
        Whether the time was scaled from that of a small image.
    """
    small = min(size, _SMALL)
    network.eval()
    _seconds(network, small)  # warms up
    scaled = _seconds(network, small) * (size / small) ** 2
    if scaled > _LONGEST:
        return 1000 * scaled, small < size
    return 1000 * statistics.median(_seconds(network, size) for _ in range(repeats)), False


def _seconds(network: ImageNetwork, size: int) -> float:
    x = torch.rand(1, _input_channels(network), size, size, generator=torch.Generator().manual_seed(0))
    start = time.perf_counter()
    network(x)
    return time.perf_counter() - start
