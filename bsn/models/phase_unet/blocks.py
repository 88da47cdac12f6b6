"""Blocks on phase images: feed-forward network, residual block, change of resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from bsn.models.phase_unet.config import PhaseUNetConfig
from bsn.ops import ChannelNorm, Coupling, phase_shuffle, phase_unshuffle

__all__ = ["Block", "Downsample", "FeedForward", "Upsample", "feed_forward"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": F.gelu, "relu": F.relu}


class FeedForward(nn.Module):
    """Two 3x3 convolutions with an activation between them (dilation 2 of the published form: 1 on phase images).

    Parameters
    ----------
    channels : int
        Channels in and out.
    expansion : float
        The hidden width is ``int(channels * expansion)``.
    bias : bool
        Whether the convolutions have offsets.
    activation : {"gelu", "relu"}
        Activation between the convolutions.
    """

    coupling = Coupling.WITHIN_PHASE
    reach = 2

    def __init__(self, channels: int, *, expansion: float = 1.0, bias: bool = False, activation: str = "gelu") -> None:
        super().__init__()
        hidden = int(channels * expansion)
        self.project_in = nn.Conv2d(channels, hidden, 3, padding=1, bias=bias)
        self.project_out = nn.Conv2d(hidden, channels, 3, padding=1, bias=bias)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        """Mix the channels of each pixel and its neighbours.

        Parameters
        ----------
        x : Tensor, shape (N, C, h, w)
            Features of the stacked phases.

        Returns
        -------
        Tensor, shape (N, C, h, w)
        """
        return self.project_out(self.activation(self.project_in(x)))


class Block(nn.Module):
    """Residual block: sub-layers, each behind a norm; attention, if any, is followed by a feed-forward network.

    Parameters
    ----------
    width : int
        Channels.
    layers : sequence of nn.Module
        Sub-layers that map (N, width, h, w) to the same shape.
    reach : int
        Sum of their reaches, in pixels of the phase image.
    norm : {"bias-free", "with-bias", "none"}
        Norm before each sub-layer.
    """

    def __init__(self, width: int, layers: Sequence[nn.Module], reach: int, norm: str) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(
            nn.Identity() if norm == "none" else ChannelNorm(width, bias=norm == "with-bias") for _ in self.layers
        )
        self.reach = reach

    def forward(self, x: Tensor) -> Tensor:
        """Apply the sub-layers, each with its residual.

        Parameters
        ----------
        x : Tensor, shape (N, C, h, w)
            Features of the stacked phases.

        Returns
        -------
        Tensor, shape (N, C, h, w)
        """
        branch: Tensor | None = None
        for norm, layer in zip(self.norms, self.layers, strict=True):
            if branch is None:
                normed = norm(x)
            elif isinstance(norm, ChannelNorm):
                x, normed = norm.add(x, branch)
            else:
                x = normed = x + branch
            branch = layer(normed)
        return x if branch is None else x + branch


def feed_forward(width: int, config: PhaseUNetConfig) -> FeedForward:
    """Feed-forward network of a block.

    Parameters
    ----------
    width : int
        Channels of the block.
    config : PhaseUNetConfig
        Configuration of the network.

    Returns
    -------
    FeedForward
    """
    return FeedForward(width, expansion=config.ffn_expansion, bias=config.bias, activation=config.activation)


class Downsample(nn.Module):
    """1x1 convolution to a quarter of the next width, then unshuffle by 2."""

    coupling = Coupling.WITHIN_PHASE

    def __init__(self, width: int, coarser: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(width, coarser // 4, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Halve the resolution.

        Parameters
        ----------
        x : Tensor, shape (N, width, h, w)
            Features of the stacked phases.

        Returns
        -------
        Tensor, shape (N, coarser, h / 2, w / 2)
        """
        return phase_unshuffle(self.project(x), dilation=1)


class Upsample(nn.Module):
    """1x1 convolution to four times the finer width, then shuffle by 2."""

    coupling = Coupling.WITHIN_PHASE

    def __init__(self, width: int, finer: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(width, 4 * finer, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Double the resolution.

        Parameters
        ----------
        x : Tensor, shape (N, width, h, w)
            Features of the stacked phases.

        Returns
        -------
        Tensor, shape (N, finer, 2 h, 2 w)
        """
        return phase_shuffle(self.project(x), dilation=1)
