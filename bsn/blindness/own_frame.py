"""A network with context as a map of images: its neighbouring frames are fixed, so that every check of images applies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.blindness.region import HalfPlaneBranches
from bsn.frames import neighbour_offsets
from bsn.hole import Hole

__all__ = ["OwnFrame", "context_of", "own_frame"]


def context_of(network: nn.Module) -> int:
    """Neighbouring frames that a network takes on each side, by what it says of itself.

    Parameters
    ----------
    network : nn.Module
        Any network.

    Returns
    -------
    int
        0 for networks that say nothing.
    """
    context = getattr(network, "context", 0)
    return context if isinstance(context, int) else 0


def own_frame(
    network: nn.Module, channels: int, seed: int = 0, value_range: tuple[float, float] = (0.0, 1.0)
) -> nn.Module:
    """What the checks of images examine.

    Parameters
    ----------
    network : nn.Module
        Any network.
    channels : int
        Channels of a frame.
    seed : int
        Seed of the fixed neighbours.
    value_range : tuple of float
        Range of their values.

    Returns
    -------
    nn.Module
        The network itself if it has no context, else an :class:`OwnFrame`.
    """
    if not context_of(network):
        return network
    kind = OwnFrameBranches if isinstance(network, HalfPlaneBranches) else OwnFrame
    return kind(network, channels, seed, value_range)


class OwnFrame(nn.Module):
    """A network with context and random neighbours, as a function of the frame itself.

    Where the network claims to have the hole in its neighbours, too, what is added to the frame is added to each neighbour,
    in different strengths so that their influences do not cancel: a gradient of zero then holds for all frames.

    Parameters
    ----------
    network : nn.Module
        Takes windows of :func:`bsn.frames.windows`, and says in ``context`` and ``context_hole`` which.
    channels : int
        Channels of a frame.
    seed : int
        Seed of the neighbours.
    value_range : tuple of float
        Range of their values.
    """

    network: Any

    def __init__(self, network: nn.Module, channels: int, seed: int, value_range: tuple[float, float]) -> None:
        super().__init__()
        self.network, self.channels, self.seed, self.value_range = network, channels, seed, value_range
        self.context, self.shared = 0, bool(getattr(network, "context_hole", False))  # no context of its own is left
        self.frames = len(neighbour_offsets(context_of(network)))

    def window(self, x: Tensor) -> Tensor:
        """Frames with their neighbours.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Frames.

        Returns
        -------
        Tensor, shape (N, (2 k + 1) C, H, W)
        """
        neighbours = self._neighbours((x.shape[-2], x.shape[-1])).to(x).expand(len(x), -1, -1, -1)
        if self.shared:
            strengths = torch.linspace(0.5, 1.5, self.frames).to(x).repeat_interleave(self.channels)
            neighbours = neighbours + strengths[:, None, None] * x.repeat(1, self.frames, 1, 1)
        return torch.cat([x, neighbours], 1)

    def _neighbours(self, size: tuple[int, int]) -> Tensor:
        generator = torch.Generator().manual_seed(self.seed + 7919)
        low, high = self.value_range
        shape = (1, self.frames * self.channels, *size)
        return low + (high - low) * torch.rand(shape, generator=generator, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        """Output between the neighbours.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Frames.

        Returns
        -------
        Tensor, shape (N, C', H, W)
        """
        return self.network(self.window(x))


class OwnFrameBranches(OwnFrame):
    """The same for networks of half-plane branches, see :class:`bsn.blindness.region.HalfPlaneBranches`."""

    def __init__(self, network: nn.Module, channels: int, seed: int, value_range: tuple[float, float]) -> None:
        super().__init__(network, channels, seed, value_range)
        self.config: Any = self.network.config
        self.hole: Hole = self.network.hole
        self._size = (0, 0)
        self._added: Tensor | None = None

    @property
    def size_multiple(self) -> int:
        """Grid to which images are padded."""
        return int(self.network.size_multiple)

    def forward(self, x: Tensor) -> Tensor:
        """Output between the neighbours, see :meth:`OwnFrame.forward`.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Frames.

        Returns
        -------
        Tensor, shape (N, C', H, W)
        """
        self._size = (x.shape[-2], x.shape[-1])
        return self.network(self.window(x), hole=self.hole)

    def _padded(self, x: Tensor) -> Tensor:
        """Windows of frames that were padded with zeros: so are their neighbours, of the size of the last call."""
        height, width = self._size
        inside = self.window(x[..., :height, :width])
        return F.pad(inside, (0, x.shape[-1] - width, 0, x.shape[-2] - height))

    def branches(self, x: Tensor, hole: Hole, wanted: Sequence[int]) -> list[Tensor | None]:
        """Features of the branches, see :class:`bsn.blindness.region.HalfPlaneBranches`.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Frames, padded with zeros.
        hole : Hole
            Region around each pixel that its output must not see.
        wanted : sequence of int
            Numbers of the branches that are computed.

        Returns
        -------
        list of 4 Tensor or None
        """
        seen, self._added = self.network.with_neighbours(self._padded(x), None)
        return self.network.branches(seen, hole, wanted)

    def merge(self, branches: list[Tensor | None]) -> Tensor:
        """Output of the joined branches, with what the neighbours add.

        Parameters
        ----------
        branches : list of 4 Tensor or None
            Features from :meth:`branches`.

        Returns
        -------
        Tensor, shape (N, C', H, W)
        """
        return self.network.merge(branches, self._added)
