"""Blind-spot networks of four rotated half-plane branches: a hole of any size, at full resolution."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.coupling import Coupling
from bsn.hole import Hole
from bsn.models.context import NeighbourHead, deep_projection, split_window
from bsn.models.halfplane.bodies import SLOPE, make_body
from bsn.models.halfplane.config import HalfPlaneConfig
from bsn.models.halfplane.official import at_bsn_key, merge_key, tm_bsn_key
from bsn.models.published import load_published
from bsn.ops.halfplane import DirectionalConv2d, moved_away, rotated

__all__ = ["ATBSN", "TMBSN", "HalfPlane"]

Network = TypeVar("Network", bound="HalfPlane")

_TURNS = {"rows": (0, 2), "columns": (1, 3)}  # which of the four branches lie outside the hole


class HalfPlane(nn.Module):
    """Four rotated copies of one directional network, moved away from each pixel, joined by 1x1 convolutions.

    A branch sees the half-plane on one side of a pixel. Moving its features by s leaves a hole between the four sides, so
    one set of weights serves every hole: train with one that hides correlated noise, use a smaller one that keeps detail.

    Parameters
    ----------
    config : HalfPlaneConfig, optional
        Shape of the network.

    Attributes
    ----------
    hole : Hole
        Used where a call names none.

    Notes
    -----
    The hole "rows" leaves out the branches that look to the left and to the right, "columns" those that look up and down:
    their features are zero.

    References
    ----------
    Laine et al., NeurIPS 2019; Chen et al., "Exploring Efficient Asymmetric Blind-Spots for Self-Supervised Denoising in
    Real-World Scenarios", CVPR 2024, arXiv 2303.16783; TM-BSN, CVPR 2026.

    Examples
    --------
    >>> network = HalfPlane(HalfPlaneConfig(channels=1, width=4, levels=2))
    >>> network(torch.rand(1, 1, 13, 21), hole="square:5").shape
    torch.Size([1, 1, 13, 21])
    """

    coupling = Coupling.OUTSIDE_HOLE
    lattice = 0
    global_statistics = False

    def __init__(self, config: HalfPlaneConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or HalfPlaneConfig()
        self.hole = Hole.parse(config.hole)
        self.body = make_body(config)
        self._slope = 0.0 if config.body == "residual" else SLOPE
        merged = 4 * self.body.outputs * (2 if config.plane == "diagonal" else 1)
        self.merge1 = nn.Conv2d(merged, merged, 1)
        self.merge2 = nn.Conv2d(merged, 2 * config.features, 1)
        self.merge3 = nn.Conv2d(2 * config.features, config.cell**2 * (config.outputs or config.channels), 1)
        # Last, so that the other weights start as those of a network without context do.
        self.neighbours = self._neighbour_head(merged) if config.context else None
        self.reset_parameters()

    def _neighbour_head(self, width: int) -> NeighbourHead:
        """Neighbours that are seen whole pass convolutions of their own; others pass the half-planes."""
        config, project = self.config, None
        if not config.context_hole:
            inputs = 2 * config.context * config.channels
            project = deep_projection(inputs, width, hidden=config.features, cell=config.cell, slope=SLOPE)
        return NeighbourHead(config.channels, width, config.context, project)

    def reset_parameters(self) -> None:
        """He-normal weights for the activation that follows, biases of zero."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | DirectionalConv2d):
                linear = module is self.merge3
                nn.init.kaiming_normal_(module.weight, a=self._slope, nonlinearity="linear" if linear else "leaky_relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def open_hole(self, hole: Hole) -> None:
        """Change the hole that is used where a call names none, and that is stored.

        Parameters
        ----------
        hole : Hole
            One of those that the half-planes can open.

        Raises
        ------
        ValueError
            For a hole of another shape.
        """
        self.config.check_hole(hole)
        self.hole, self.config = hole, dataclasses.replace(self.config, hole=str(hole))

    def at_hole(self, hole: Hole) -> HalfPlane:
        """The same network, weights shared, with another hole where a call names none.

        Parameters
        ----------
        hole : Hole
            One of those that the half-planes can open.

        Returns
        -------
        HalfPlane

        Raises
        ------
        ValueError
            For a hole of another shape.
        """
        other = copy.copy(self)
        other.open_hole(hole)
        return other

    @property
    def channels(self) -> int:
        """Channels of the image."""
        return self.config.channels

    @property
    def context(self) -> int:
        """Neighbouring frames on each side."""
        return self.config.context

    @property
    def context_hole(self) -> bool:
        """Whether the neighbours have the hole of the frame itself."""
        return self.config.context_hole

    @property
    def size_multiple(self) -> int:
        """Grid on which tiles have to start: the cells of the coarsest level, or the windows of its attention."""
        window = self.config.window if self.config.attention_heads else 1
        return self.config.cell * 2**self.config.halvings * window

    @property
    def halo(self) -> int:
        """Farthest pixel that can influence an output, with the network's own hole."""
        cell = self.config.cell
        return cell * (int(self.body.reach) + self.config.cells_of(self.hole)) + cell - 1 + self.size_multiple - 1

    def branches(self, x: Tensor, hole: Hole, wanted: Sequence[int] = (0, 1, 2, 3)) -> list[Tensor | None]:
        """Features of the four branches, moved away and turned back; None for those that are left out.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            H and W multiples of :attr:`size_multiple`; whole windows where the neighbours have the hole, too.
        hole : Hole
            Region around each pixel that its output must not see.
        wanted : sequence of int
            Branches that are computed, by their counter-clockwise quarter turns: straight ones look up, left, down, right,
            diagonal ones up right, up left, down left, down right.

        Returns
        -------
        list of 4 Tensor or None, each of shape (N, K, H / cell, W / cell)
        """
        found: list[Tensor | None] = [None] * 4
        outside = _TURNS.get(hole.shape, (0, 1, 2, 3))
        for pair in ((0, 2), (1, 3)):
            turns = [turn for turn in pair if turn in outside and turn in wanted]
            if turns:
                features = self.body(
                    F.pixel_unshuffle(torch.cat([rotated(x, turn) for turn in turns]), self.config.cell)
                )
                features = moved_away(features, self.config.cells_of(hole), plane=self.config.plane)
                for turn, part in zip(turns, features.chunk(len(turns)), strict=True):
                    found[turn] = rotated(part, -turn)
        return found

    def merge(self, branches: list[Tensor | None], added: Tensor | None = None) -> Tensor:
        """Join the branches, cell by cell.

        Parameters
        ----------
        branches : list of 4 Tensor or None, each of shape (N, K, H / cell, W / cell)
            Features from :meth:`branches`; None for a branch that is left out.
        added : Tensor, optional
            What the neighbouring frames add to the features of the first layer.

        Returns
        -------
        Tensor, shape (N, outputs, H, W)
        """
        like = next(part for part in branches if part is not None)
        x = torch.cat([torch.zeros_like(like) if part is None else part for part in branches], 1)
        x = self.merge1(x) if added is None else self.merge1(x) + added
        x = F.leaky_relu(self.merge2(F.leaky_relu(x, self._slope)), self._slope)
        return F.pixel_shuffle(self.merge3(x), self.config.cell)

    def forward(self, x: Tensor, hole: Hole | str | None = None, available: Tensor | None = None) -> Tensor:
        """Denoise a batch.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size, in the value range the weights were trained on. A network with context takes windows
            (N, (2 k + 1) C, H, W) of :func:`bsn.frames.windows`; a frame alone has no neighbours.
        hole : Hole or str, optional
            Offsets that the output must not depend on; default :attr:`hole`.
        available : Tensor, shape (N, 2 k), optional
            1 for the neighbours that are there, 0 for the others; None: all of a window are.

        Returns
        -------
        Tensor, shape (N, outputs, H, W)

        Raises
        ------
        ValueError
            For holes that these half-planes cannot open.
        """
        hole = self.hole if hole is None else Hole.parse(hole)
        self.config.check_hole(hole)
        height, width = x.shape[-2:]
        unit = self.size_multiple
        # Zeros, as beyond every border: a mirrored pixel could lie in the half-plane of the one it repeats.
        x = F.pad(x, (0, -width % unit, 0, -height % unit))
        x, added = self.with_neighbours(x, available)
        return self.merge(self.branches(x, hole), added)[..., :height, :width].contiguous()

    def with_neighbours(self, x: Tensor, available: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """What the half-planes see, and what the neighbours add behind them.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W) or (N, (2 k + 1) C, H, W)
            Frames or windows, padded.
        available : Tensor, shape (N, 2 k), optional
            See :meth:`forward`.

        Returns
        -------
        seen : Tensor
            Input of :meth:`branches`.
        added : Tensor or None
            Second input of :meth:`merge`; None without context.
        """
        if self.neighbours is None:
            return x, None
        own, others = split_window(x, self.channels, self.context)
        added = self.neighbours(others, available)
        if not self.context_hole:
            return own, added
        if others is None:
            others = own.new_zeros(len(own), 2 * self.context * self.channels, *own.shape[-2:])
        return torch.cat([own, self.neighbours.present(others, available)], 1), added


class ATBSN(HalfPlane):
    """AT-BSN as published: a U-Net on straight half-planes, called as ``network(x, hole=N)`` with ``hole_size`` N.

    Examples
    --------
    >>> ATBSN(HalfPlaneConfig(channels=1, width=4))(torch.rand(1, 1, 32, 32), hole=3).shape
    torch.Size([1, 1, 32, 32])
    """

    def forward(self, x: Tensor, hole: Hole | str | int | None = None, available: Tensor | None = None) -> Tensor:
        """Denoise a batch.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Noisy images in 0..255 or [0, 1], as the weights were trained.
        hole : Hole, str or int, optional
            An integer is the published ``hole_size``: 0 (sees everything), or odd.
        available : Tensor, shape (N, 2 k), optional
            See :meth:`HalfPlane.forward`.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        if isinstance(hole, int):
            hole = Hole("square", hole) if hole else Hole("none", 0)
        return super().forward(x, hole, available)

    @classmethod
    def from_official(cls, state_dict: Mapping[str, Tensor], config: Mapping[str, Any]) -> ATBSN:
        """Network with published weights.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            Under the official keys (specs/halfplane.md, section 3).
        config : mapping
            ``n_channels``, ``mid_channels``, ``n_output``; what is missing takes the official default.

        Returns
        -------
        ATBSN
            The network in eval mode, in the dtype of the weights.

        Raises
        ------
        ValueError
            If keys or shapes do not fit; the first differences are named.
        """
        channels, outputs = config.get("n_channels", 3), config.get("n_output", config.get("n_channels", 3))
        ours = HalfPlaneConfig(
            channels, config.get("mid_channels", 48), outputs=None if outputs == channels else outputs, hole="square:3"
        )
        return load_published(cls(ours), state_dict, lambda key: merge_key(key) or at_bsn_key(key))


class TMBSN(HalfPlane):
    """TM-BSN as published: residual blocks on diagonal half-planes, called as ``network(x, hole=s)``.

    Examples
    --------
    >>> config = HalfPlaneConfig(channels=1, width=4, body="residual", plane="diagonal", groups=1, blocks=1, hole="pixel")
    >>> TMBSN(config)(torch.rand(1, 1, 9, 12), hole=2).shape
    torch.Size([1, 1, 9, 12])
    """

    def forward(self, x: Tensor, hole: Hole | str | int | None = None, available: Tensor | None = None) -> Tensor:
        """Denoise a batch.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W), range [0, 1]
            Noisy images.
        hole : Hole, str or int, optional
            An integer is the published shift s: the diamond abs(dy) + abs(dx) < s; 0 sees everything.
        available : Tensor, shape (N, 2 k), optional
            See :meth:`HalfPlane.forward`.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        if isinstance(hole, int):
            hole = Hole("diamond", 2 * hole - 1) if hole else Hole("none", 0)
        return super().forward(x, hole, available)

    @classmethod
    def from_official(cls, state_dict: Mapping[str, Tensor], config: Mapping[str, Any]) -> TMBSN:
        """Network with published weights.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            Under the official keys (specs/halfplane.md, section 4); stored masks are ignored.
        config : mapping
            ``in_channels``, ``feat_channels``, ``block_nums``; what is missing takes the official default.

        Returns
        -------
        TMBSN
            The network in eval mode, in the dtype of the weights.

        Raises
        ------
        ValueError
            If keys or shapes do not fit; the first differences are named.
        """
        blocks = config.get("block_nums", 5)
        ours = HalfPlaneConfig(
            config.get("in_channels", 3),
            config.get("feat_channels", 48),
            body="residual",
            plane="diagonal",
            groups=blocks,
            blocks=blocks,
            hole="diamond:7",
        )
        network = load_published(cls(ours), state_dict, lambda key: merge_key(key) or tm_bsn_key(key))
        for module in network.modules():
            if isinstance(module, DirectionalConv2d):
                module.clear_unseen_taps()
        return network
