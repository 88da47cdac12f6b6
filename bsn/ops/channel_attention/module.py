"""Channel attention with its projections, as a block of a network uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from bsn.coupling import Coupling
from bsn.ops.channel_attention import DENSE, ChannelScope, Ratio, channel_mixing_matrices

__all__ = ["ChannelAttention", "CrossChannelAttention", "Fusion", "project_mixed"]

Fusion = Literal["scalar", "softmax"]


def project_mixed(weights: Tensor, v: Tensor, project_out: nn.Conv2d, phases: int = 1) -> Tensor:
    """Mix the channels of `v` and project them by a 1x1 convolution, in one product with the pixels.

    project_out (A v) = (project_out A) v.

    Parameters
    ----------
    weights : Tensor, shape (N / phases, heads, C / heads, C / heads)
        Matrices of :func:`bsn.ops.channel_attention.channel_mixing_matrices`.
    v : Tensor, shape (N, C, H, W)
        Queries, keys and values.
    project_out : nn.Conv2d
        1x1 from C channels.
    phases : int
        Entries of the batch that share a matrix.

    Returns
    -------
    Tensor, shape (N, channels of `project_out`, H, W), channels-last in memory
    """
    n, c, h, w = v.shape
    heads = weights.shape[1]
    projection = project_out.weight.view(-1, heads, c // heads).to(weights.dtype)
    matrices = torch.einsum("ohi,nhij->nohj", projection, weights).flatten(2).to(v.dtype)
    if phases > 1:
        matrices = matrices.repeat_interleave(phases, 0)
    pixels = v.permute(0, 2, 3, 1).reshape(n, h * w, c)
    if project_out.bias is None:
        out = torch.bmm(pixels, matrices.transpose(1, 2))
    else:
        out = torch.baddbmm(project_out.bias.to(v.dtype), pixels, matrices.transpose(1, 2))
    return out.view(n, h, w, -1).permute(0, 3, 1, 2)


class ChannelAttention(nn.Module):
    """Grouped channel attention: 1x1 and depth-wise 3x3 to q, k, v, attention, 1x1 projection back.

    Parameters
    ----------
    channels, heads : int
        Number of channels, and of the groups into which they are divided.
    scope : {"phase", "global"}
        See :func:`bsn.ops.channel_attention.channel_attention`. May be changed after construction.
    phases : int
        Entries of the batch that are phases of one image.
    bias : bool
        Whether there are offsets in the convolutions.
    ratios : sequence of (int, int)
        Branches of dense and top-k attention; more than one get learned factors ``mix`` that start at 0.2 (DDSA).
    fusion : {"scalar", "softmax"}
        Factors as they are, or their softmax.
    """

    def __init__(
        self,
        channels: int,
        *,
        heads: int,
        scope: ChannelScope = "phase",
        phases: int = 4,
        bias: bool = False,
        ratios: Sequence[Ratio] = DENSE,
        fusion: Fusion = "scalar",
    ) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"ChannelAttention: {channels} channels cannot be split into {heads} groups")
        if fusion not in ("scalar", "softmax"):
            raise ValueError(f"ChannelAttention: fusion {fusion!r} is unknown; use 'scalar' or 'softmax'")
        self.heads, self.scope, self.phases = heads, scope, phases
        self.ratios, self.fusion = tuple(ratios), fusion
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.mix = nn.Parameter(torch.full((len(self.ratios),), 0.2)) if len(self.ratios) > 1 else None
        self.qkv = nn.Conv2d(channels, 3 * channels, 1, bias=bias)
        self.qkv_dwconv = nn.Conv2d(3 * channels, 3 * channels, 3, padding=1, groups=3 * channels, bias=bias)
        self.project_out = nn.Conv2d(channels, channels, 1, bias=bias)

    @property
    def reach(self) -> int:
        """Reach of the depth-wise convolution; the Gram matrix pools over the whole image."""
        return 1

    @property
    def coupling(self) -> Coupling:
        """Within the phase, unless the Gram matrix is global."""
        return Coupling.WITHIN_PHASE if self.scope == "phase" else Coupling.ACROSS_PHASES

    def forward(self, x: Tensor) -> Tensor:
        """Mix the channels of an image.

        Parameters
        ----------
        x : Tensor, shape (N, C, h, w)
            Images or phase images.

        Returns
        -------
        Tensor, shape (N, C, h, w)
        """
        q, k, v = self.qkv_dwconv(self.qkv(x)).chunk(3, 1)
        mix: Tensor | None = self.mix
        if mix is not None and self.fusion == "softmax":
            mix = torch.softmax(mix, 0)
        weights = channel_mixing_matrices(
            q,
            k,
            self.temperature,
            heads=self.heads,
            scope=self.scope,
            phases=self.phases,
            ratios=self.ratios,
            mix=mix,
        )
        return project_mixed(weights, v, self.project_out, self.phases if self.scope == "global" else 1)


class CrossChannelAttention(nn.Module):
    """Channel attention of three sources: a depth-wise 3x3 for each of q, k and v, attention, 1x1 projection.

    The module of ELF's multi-input attention. There the query comes from the predicted rain, key and value from the rainy
    image: the rain picks channels of the image.

    Parameters
    ----------
    channels, heads : int
        Number of channels, and of the groups into which they are divided.
    bias : bool
        Whether there are offsets in the convolutions.
    """

    coupling = Coupling.ACROSS_PHASES

    def __init__(self, channels: int, *, heads: int, bias: bool = False) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"CrossChannelAttention: {channels} channels cannot be split into {heads} groups")
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.q, self.k, self.v = (
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=bias) for _ in range(3)
        )
        self.project_out = nn.Conv2d(channels, channels, 1, bias=bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Mix the channels of one source by the similarity of two others.

        Parameters
        ----------
        query, key, value : Tensor, shape (N, C, H, W)
            Features of the three sources.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        weights = channel_mixing_matrices(self.q(query), self.k(key), self.temperature, heads=self.heads)
        return project_mixed(weights, self.v(value), self.project_out)
