"""DBSNl: the dilated convolutional blind-spot network of AP-BSN, the CNN baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bsn.frames import check_context
from bsn.models.context import NeighbourHead, linear_projection, split_window
from bsn.models.published import PublishedConfigError, load_published
from bsn.ops import Coupling, MaskedConv2d

__all__ = ["DBSNl", "DBSNlConfig"]


@dataclass(frozen=True)
class DBSNlConfig:
    """Shape of a :class:`DBSNl`; the defaults are the published network.

    Parameters
    ----------
    channels : int
        Channels of the image, in and out (published: ``in_ch``, ``out_ch``).
    width : int
        Inner channels (``base_ch``), even.
    modules : int
        Residual dilated convolutions in each branch (``num_module``).
    outputs : int, optional
        Outputs per pixel, if they are not the channels of the image (:func:`bsn.noise.outputs_for_posterior`).
    context, context_hole : int, bool
        Neighbouring frames on each side, and whether they have the hole of the frame itself, see
        :class:`bsn.models.PhaseUNetConfig`.

    Raises
    ------
    ValueError
        For shapes that cannot be built.
    """

    channels: int = 3
    width: int = 128
    modules: int = 9
    outputs: int | None = None
    context: int = 0
    context_hole: bool = False

    def __post_init__(self) -> None:
        check_context(self.context, hole=self.context_hole)
        if self.channels < 1 or self.modules < 0:
            raise ValueError(
                f"{self.channels} channels and {self.modules} modules cannot be built; use 1 and 0 or more"
            )
        if self.width < 2 or self.width % 2:
            raise ValueError(f"width {self.width} cannot be halved in the tail; use an even number of 2 or more")


class _DilatedResidual(nn.Module):
    """x + [3x3 dilated convolution, ReLU, 1x1](x)."""

    coupling = Coupling.WITHIN_PHASE

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation), nn.ReLU(), nn.Conv2d(width, width, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class _Branch(nn.Module):
    """Centre-masked convolution of 2 s - 1 taps a side, then convolutions of dilation s: blind on s Z x s Z."""

    def __init__(self, width: int, dilation: int, modules: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            MaskedConv2d(width, width, lattice=dilation),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            *(_DilatedResidual(width, dilation) for _ in range(modules)),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
        )

    def forward(self, x: Tensor, added: Tensor | None = None) -> Tensor:
        """Features of the branch; `added` joins those of the masked convolution."""
        if added is None:
            return self.body(x)
        return self.body[1:](self.body[0](x) + added)


def _neighbour_head(config: DBSNlConfig, dilation: int) -> NeighbourHead:
    project = linear_projection(
        2 * config.context * config.channels,
        config.width,
        kernel_size=2 * dilation - 1,
        lattice=dilation if config.context_hole else None,
    )
    return NeighbourHead(config.channels, config.width, config.context, project)


class DBSNl(nn.Module):
    """Two branches of dilation 2 and 3 behind a common 1x1 head, joined by 1x1 convolutions.

    Branch s never sees the lattice s Z x s Z of a pixel, so together the network is strictly blind on 6 Z x 6 Z. It has
    no statistics over the image: tiles equal the whole.

    Parameters
    ----------
    config : DBSNlConfig, optional
        Shape of the network.

    References
    ----------
    Lee, Son, Lee, "AP-BSN: Self-Supervised Denoising for Real-World Images via Asymmetric PD and Blind-Spot Network",
    CVPR 2022, arXiv 2203.11799; after Wu et al., ECCV 2020.

    Examples
    --------
    >>> DBSNl(DBSNlConfig(channels=1, width=8, modules=2))(torch.rand(1, 1, 13, 21)).shape
    torch.Size([1, 1, 13, 21])
    """

    lattice = 6
    size_multiple = 1
    global_statistics = False

    def __init__(self, config: DBSNlConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or DBSNlConfig()
        b = config.width
        self.head = nn.Sequential(nn.Conv2d(config.channels, b, 1), nn.ReLU())
        self.branch1 = _Branch(b, 2, config.modules)
        self.branch2 = _Branch(b, 3, config.modules)
        self.tail = nn.Sequential(
            nn.Conv2d(2 * b, b, 1),
            nn.ReLU(),
            nn.Conv2d(b, b // 2, 1),
            nn.ReLU(),
            nn.Conv2d(b // 2, b // 2, 1),
            nn.ReLU(),
            nn.Conv2d(b // 2, config.outputs or config.channels, 1),
        )
        # Last, so that the other weights start as those of a network without context do.
        self.neighbours = (
            nn.ModuleList(_neighbour_head(config, dilation) for dilation in (2, 3)) if config.context else None
        )

    @classmethod
    def from_official(cls, state_dict: Mapping[str, Tensor], config: Mapping[str, Any]) -> DBSNl:
        """Network with published weights.

        Parameters
        ----------
        state_dict : mapping of str to Tensor
            Under the official keys; stored masks may be present or absent and are ignored.
        config : mapping
            ``in_ch``, ``out_ch``, ``base_ch``, ``num_module``; what is missing takes the official default, notes are
            ignored.

        Returns
        -------
        DBSNl
            The network in eval mode, in the dtype of the weights, taking and returning values 0..255.

        Raises
        ------
        ValueError
            If keys or shapes do not fit; the first differences are named.
        """
        channels = config.get("in_ch", 3)
        if config.get("out_ch", channels) != channels:
            raise PublishedConfigError(f"in_ch {channels} and out_ch {config['out_ch']} differ; a denoiser keeps them")
        ours = DBSNlConfig(channels, config.get("base_ch", 128), config.get("num_module", 9))
        network = load_published(cls(ours), state_dict, lambda key: None if key.endswith(".mask") else key)
        for module in network.modules():
            if isinstance(module, MaskedConv2d):
                module.clear_blind_taps()
        return network

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
    def halo(self) -> int:
        """Farthest pixel that can influence an output: 2 + 3 (modules) of the branch of dilation 3, in pixels."""
        return 2 + 3 * self.config.modules

    def forward(self, x: Tensor, available: Tensor | None = None) -> Tensor:
        """Denoise a batch.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Any size, in the value range the weights were trained on (published weights: 0..255). A network with context takes
            windows (N, (2 k + 1) C, H, W) of :func:`bsn.frames.windows`; a frame alone has no neighbours.
        available : Tensor, shape (N, 2 k), optional
            1 for the neighbours that are there, 0 for the others; None: all of a window are.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        added: list[Tensor | None] = [None, None]
        if self.neighbours is not None:
            x, others = split_window(x, self.channels, self.context)
            added = [head(others, available) for head in self.neighbours]
        x = self.head(x.contiguous(memory_format=torch.channels_last))
        return self.tail(torch.cat([self.branch1(x, added[0]), self.branch2(x, added[1])], 1)).contiguous()
