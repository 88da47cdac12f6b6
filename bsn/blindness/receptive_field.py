"""What a network sees: support, effective receptive field, blind lattice, halo; as numbers, an array and a picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bsn.blindness.condition import Condition, NetworkRefusal, Subject
from bsn.blindness.jacobian import Position, jacobian_maps, sample_positions
from bsn.blindness.perturbation import blind_lattices

__all__ = ["ReceptiveField", "measure_halo", "receptive_field"]

_DECADES = 6.0
_SMALLEST_IMAGE = 24


@dataclass(frozen=True)
class ReceptiveField:
    """Gradient of one output pixel with respect to the image.

    Parameters
    ----------
    position : (int, int)
        The output pixel p.
    gradient : Tensor, shape (H, W), float64
        Root mean square over random inputs, random mixtures of output channels, and input channels.
    """

    position: Position
    gradient: Tensor

    @property
    def support(self) -> tuple[int, int, int, int]:
        """First and last row, first and last column with a gradient that is not exactly zero; (0, -1, 0, -1) if none is."""
        rows, columns = self.gradient.nonzero(as_tuple=True)
        if not len(rows):
            return 0, -1, 0, -1
        return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())

    @property
    def halo(self) -> int:
        """Distance (larger of rows and columns) to the farthest pixel of the support, in pixels."""
        row, column = self.position
        top, bottom, left, right = self.support
        return max(row - top, bottom - row, column - left, right - column) if bottom >= top else 0

    @property
    def touches_border(self) -> bool:
        """True if the support reaches the border of the image, so that it may be larger than was seen."""
        height, width = self.gradient.shape
        top, bottom, left, right = self.support
        return bottom >= top and (top == 0 or left == 0 or bottom == height - 1 or right == width - 1)

    @property
    def blind_lattice(self) -> int | None:
        """Smallest d with an exactly zero gradient on p + d Z x d Z; None if the pixel sees itself."""
        lattices = blind_lattices(self.gradient[None, None], [self.position])
        return lattices[0] if lattices else None

    def effective_radius(self, share: float = 0.95) -> float:
        """Radius in pixels of the disc around p that holds this share of the squared gradient.

        Parameters
        ----------
        share : float
            Between 0 and 1.
        """
        height, width = self.gradient.shape
        row, column = self.position
        y, x = torch.meshgrid(torch.arange(height) - row, torch.arange(width) - column, indexing="ij")
        distance, order = (y**2 + x**2).double().sqrt().flatten().sort()
        energy = self.gradient.square().flatten()[order].cumsum(0)
        return float(distance[int((energy < share * energy[-1]).sum())]) if float(energy[-1]) else 0.0

    def picture(self) -> Tensor:
        """Picture of the gradient, shape (3, H, W), range [0, 1].

        Log gradient in grey over six decades, exact zeros blue, the pixel itself green or, if it sees itself, red.
        """
        largest = float(self.gradient.max())
        zero = self.gradient == 0
        safe = torch.where(zero, torch.ones_like(self.gradient), self.gradient / largest if largest else self.gradient)
        grey = (1 + safe.log10() / _DECADES).clamp(0, 1) * 0.8 + 0.2
        picture = torch.where(zero, torch.tensor([0.05, 0.1, 0.4], dtype=torch.float64)[:, None, None], grey)
        row, column = self.position
        own = [0.1, 0.8, 0.2] if bool(zero[row, column]) else [0.9, 0.1, 0.1]
        picture[:, row, column] = torch.tensor(own, dtype=torch.float64)
        return picture


def receptive_field(
    network: nn.Module,
    shape: tuple[int, int, int],
    position: Position | None = None,
    *,
    draws: int = 2,
    condition: Condition | None = None,
    seed: int = 0,
) -> ReceptiveField:
    """Measure what one output pixel sees, exactly, in float64.

    Parameters
    ----------
    network : nn.Module
        Maps (N, C, H, W) to (N, C', H, W); a copy is examined.
    shape : tuple of int
        (C, H, W) of the random inputs.
    position : (int, int), optional
        Default: the centre.
    draws : int
        Random inputs; a gradient that is zero for one of them by chance (a unit that is off) is seen with another.
    condition : Condition, optional
        Mode and range of values.
    seed : int
        Seed of the inputs.

    Returns
    -------
    ReceptiveField

    Raises
    ------
    NetworkRefusal

    Examples
    --------
    >>> field = receptive_field(torch.nn.Conv2d(1, 1, 3, padding=1), (1, 9, 9))
    >>> field.support, field.halo, field.blind_lattice
    ((3, 5, 3, 5), 1, None)
    """
    channels, height, width = shape
    position = position or (height // 2, width // 2)
    condition = dataclasses.replace(condition or Condition("float64", (height, width)), size=(height, width))
    subject = Subject(network, channels, condition, seed)
    return _field(subject, [position], draws)[0]


def _field(subject: Subject, positions: Sequence[Position], draws: int) -> list[ReceptiveField]:
    squares = torch.zeros(len(positions), *subject.condition.size, dtype=torch.float64)
    for draw in range(draws):
        maps = jacobian_maps(subject, positions, x=subject.draw(subject.seed + draw), mixtures=1)
        squares += maps.double().square().mean((1, 2)) / draws
    return [ReceptiveField(p, square.sqrt()) for p, square in zip(positions, squares, strict=True)]


def measure_halo(network: nn.Module, channels: int, *, limit: int = 512, multiple: int = 1, samples: int = 6) -> int:
    """Farthest pixel that can influence an output: the halo that tiles of an image need.

    The image grows until the support of none of the sampled pixels reaches its border.

    Parameters
    ----------
    network : nn.Module
        Without statistics over the image, which see all of it.
    channels : int
        Channels of the input images.
    limit : int
        Largest side that is tried, in pixels.
    multiple : int
        The sides tried are multiples of this (the network's grid).
    samples : int
        Pixels around the centre: windows and strides give neighbours different reaches.

    Returns
    -------
    int
        In pixels. Measured, hence a lower bound if the sampled pixels miss the one that reaches farthest.

    Raises
    ------
    NetworkRefusal
        If the support still reaches the border at `limit`.
    """
    size = -(-_SMALLEST_IMAGE // multiple) * multiple
    while size <= limit:
        subject = Subject(network, channels, Condition("halo", (size, size)), 0)
        offset = size // 2 - min(multiple, size // 4) // 2
        span = max(min(multiple, size // 4), 1)
        positions = [(offset + r, offset + c) for r, c in sample_positions(span, span, samples)]
        fields = _field(subject, positions, 1)
        if not any(field.touches_border for field in fields):
            return max(field.halo for field in fields)
        size *= 2
    raise NetworkRefusal(
        f"the receptive field reaches the border of an image of {size // 2} x {size // 2} pixels; a network that pools over "
        "the whole image has no halo, for others raise the limit"
    )
