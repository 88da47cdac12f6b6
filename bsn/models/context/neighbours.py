"""How neighbouring frames enter a blind-spot network: by a head of their own, added to the features of the masked one.

The noise of neighbouring frames is independent of that of the frame itself, so they may be seen whole, the same pixel
included. What is behind the head never mixes phases, and the features have not seen the phase of the frame itself that they
stand for: the output stays blind to it, whatever this module does with the other frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bsn.coupling import Coupling
from bsn.ops import MaskedConv2d

__all__ = ["NeighbourHead", "deep_projection", "linear_projection"]


class NeighbourHead(nn.Module):
    """A projection of the neighbours, and an offset for each that is missing.

    Linear: f(s) = sum over j of a_j G_j y(s + j) + (1 - a_j) m_j, where a_j tells whether there is a neighbour j and m_j is the
    offset. A network adds it to the features of its own frame.

    Parameters
    ----------
    channels : int
        Channels C of a frame.
    width : int
        Features.
    context : int
        Neighbours k on each side.
    project : nn.Module, optional
        Maps (N, 2 k C, H, W) to (N, width, h, w), such as :func:`linear_projection`. None: the neighbours enter elsewhere, and
        this gives the offsets alone.

    Examples
    --------
    >>> NeighbourHead(1, 8, 2, linear_projection(4, 8, kernel_size=7))(torch.rand(3, 4, 9, 9), torch.ones(3, 4)).shape
    torch.Size([3, 8, 9, 9])
    """

    coupling = Coupling.OTHER_FRAMES

    def __init__(self, channels: int, width: int, context: int, project: nn.Module | None) -> None:
        super().__init__()
        self.channels, self.context, self.project = channels, context, project
        self.missing = nn.Parameter(torch.zeros(2 * context, width))

    def present(self, neighbours: Tensor, available: Tensor | None) -> Tensor:
        """Neighbours with zeros in the place of those that are missing.

        Parameters
        ----------
        neighbours : Tensor, shape (N, 2 k C, H, W)
            Neighbours in the order of :func:`bsn.frames.neighbour_offsets`.
        available : Tensor, shape (N, 2 k), optional
            1 for neighbours that are there, 0 for the others. None: all are there.

        Returns
        -------
        Tensor, shape (N, 2 k C, H, W)
        """
        if available is None:
            return neighbours
        return neighbours * available.to(neighbours.dtype).repeat_interleave(self.channels, 1)[..., None, None]

    def forward(self, neighbours: Tensor | None, available: Tensor | None = None) -> Tensor:
        """Features that the neighbours add.

        Parameters
        ----------
        neighbours : Tensor, shape (N, 2 k C, H, W), or None
            See :meth:`present`; None where all are missing.
        available : Tensor, shape (N, 2 k), optional
            See :meth:`present`.

        Returns
        -------
        Tensor, shape (N, width, h, w), or (1 or N, width, 1, 1) where there are offsets only
        """
        if neighbours is None:
            return self.missing.sum(0)[None, :, None, None]
        there = self.missing.new_ones(len(neighbours), 2 * self.context) if available is None else available
        offsets = ((1 - there.to(self.missing.dtype)) @ self.missing)[..., None, None]
        return offsets if self.project is None else self.project(self.present(neighbours, available)) + offsets


def linear_projection(inputs: int, width: int, *, kernel_size: int, lattice: int | None = None) -> nn.Module:
    """One convolution for each neighbour, summed.

    Parameters
    ----------
    inputs : int
        Channels of all neighbours together.
    width : int
        Features.
    kernel_size : int
        Side of the convolutions, odd, in pixels.
    lattice : int, optional
        The convolutions do not see the lattice of this side around their centre. None: they see everything.

    Returns
    -------
    nn.Module
    """
    if lattice is None:
        return nn.Conv2d(inputs, width, kernel_size, padding=kernel_size // 2, bias=False)
    return MaskedConv2d(inputs, width, kernel_size, lattice=lattice, bias=False)


def deep_projection(inputs: int, width: int, *, hidden: int, cell: int = 1, slope: float = 0.1) -> nn.Module:
    """Three 3x3 convolutions with leaky ReLUs between them: for networks that join branches by 1x1 convolutions only.

    There are no biases, so that neighbours of zeros, which stand for those that are missing, give zeros.

    Parameters
    ----------
    inputs : int
        Channels of all neighbours together.
    width, hidden : int
        Features given, and features between the convolutions.
    cell : int
        Pixels of a side that become one position.
    slope : float
        Slope of the activations for negative values.

    Returns
    -------
    nn.Module
    """
    return nn.Sequential(
        nn.PixelUnshuffle(cell),
        nn.Conv2d(inputs * cell**2, hidden, 3, padding=1, bias=False),
        nn.LeakyReLU(slope),
        nn.Conv2d(hidden, hidden, 3, padding=1, bias=False),
        nn.LeakyReLU(slope),
        nn.Conv2d(hidden, width, 3, padding=1, bias=False),
    )
