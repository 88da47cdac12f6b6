"""Exact gradients of outputs with respect to inputs: does a pixel see itself?"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["JacobianCheck", "jacobian_check", "sample_positions"]


@dataclass(frozen=True)
class JacobianCheck:
    """Gradients d out_p / d x_r at sampled pixels p, as largest absolute values over channels.

    Parameters
    ----------
    positions : tuple of (int, int)
        The pixels p (row, column).
    centre : float
        Largest at r = p.
    lattice : float
        Largest over r in p + d Z x d Z, the blind lattice that was asked about.
    largest : float
        Largest over all r.
    """

    positions: tuple[tuple[int, int], ...]
    centre: float
    lattice: float
    largest: float

    @property
    def blind(self) -> bool:
        """True if every centre gradient is exactly zero, and not because all gradients are."""
        return self.centre == 0 and self.largest > 0

    @property
    def ratio(self) -> float:
        """Centre gradient relative to the largest."""
        return self.centre / self.largest if self.largest else float("nan")


def sample_positions(height: int, width: int, count: int, seed: int = 0) -> list[tuple[int, int]]:
    """Pixels worth checking: corners, middles of the borders, the centre, then random ones.

    Parameters
    ----------
    height, width, count : int
    seed : int
    """
    rows, columns = (0, height // 2, height - 1), (0, width // 2, width - 1)
    fixed = list(dict.fromkeys((r, c) for r in rows for c in columns))
    fixed.sort(key=lambda p: (p[0] in (0, height - 1)) + (p[1] in (0, width - 1)), reverse=True)
    generator = torch.Generator().manual_seed(seed)
    random = [
        (int(torch.randint(height, (), generator=generator)), int(torch.randint(width, (), generator=generator)))
        for _ in range(max(count - len(fixed), 0))
    ]
    return (fixed + random)[:count]


def jacobian_check(
    network: nn.Module,
    shape: tuple[int, int, int],
    *,
    positions: Sequence[tuple[int, int]] | None = None,
    lattice: int = 1,
    seed: int = 0,
) -> JacobianCheck:
    """Measure exact gradients of a network in float64.

    Parameters
    ----------
    network : nn.Module
        Maps (1, C, H, W) to the same shape. A float64 copy is measured in its present mode (eval or train); the network
        itself is not changed.
    shape : tuple of int
        (C, H, W) of the random input.
    positions : sequence of (int, int), optional
        Pixels p; default: nine at corners, borders and centre, and seven random ones.
    lattice : int
        d of the lattice p + d Z x d Z that is also looked at; 1 looks at all pixels.
    seed : int
        Of the input and the random positions.

    Returns
    -------
    JacobianCheck
    """
    network = copy.deepcopy(network).double()
    channels, height, width = shape
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(1, channels, height, width, generator=generator, dtype=torch.float64).requires_grad_()
    chosen = list(positions) if positions is not None else sample_positions(height, width, 16, seed)
    centre = on_lattice = largest = 0.0
    with torch.enable_grad():
        out = network(x)
        for row, column in chosen:
            gradient = _largest_over_channels(out[0, :, row, column], x)
            centre = max(centre, float(gradient[row, column]))
            on_lattice = max(on_lattice, float(gradient[row % lattice :: lattice, column % lattice :: lattice].max()))
            largest = max(largest, float(gradient.max()))
    return JacobianCheck(tuple(chosen), centre, on_lattice, largest)


def _largest_over_channels(values: Tensor, x: Tensor) -> Tensor:
    """Map (H, W) of the largest |d value / d x| over output and input channels."""
    maps = [torch.autograd.grad(value, x, retain_graph=True)[0][0].abs().amax(0) for value in values]
    return torch.stack(maps).amax(0)
