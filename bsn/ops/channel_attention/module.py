"""Channel attention with its projections, as a block of a blind-spot network uses it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bsn.ops.channel_attention import ChannelScope, channel_mixing_matrices
from bsn.ops.coupling import Coupling

__all__ = ["ChannelAttention"]


class ChannelAttention(nn.Module):
    """Grouped channel attention on phase images: 1x1 and depth-wise 3x3 to q, k, v, attention, 1x1 projection back.

    Parameters
    ----------
    channels, heads : int
    scope : {"phase", "global"}
        See :func:`bsn.ops.channel_attention.channel_attention`. May be changed after construction.
    phases : int
        Entries of the batch that are phases of one image.
    bias : bool
        Of the convolutions.
    """

    def __init__(
        self, channels: int, *, heads: int, scope: ChannelScope = "phase", phases: int = 4, bias: bool = False
    ) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"ChannelAttention: {channels} channels cannot be split into {heads} groups")
        self.heads, self.scope, self.phases = heads, scope, phases
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
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
        """Map phase images (N, C, h, w) to the same shape."""
        n, c, h, w = x.shape
        q, k, v = self.qkv_dwconv(self.qkv(x)).chunk(3, 1)
        weights = channel_mixing_matrices(
            q, k, self.temperature, heads=self.heads, scope=self.scope, phases=self.phases
        )
        # project_out (A v) = (project_out A) v: one product with the pixels instead of two.
        projection = self.project_out.weight.view(c, self.heads, c // self.heads).to(weights.dtype)
        matrices = torch.einsum("ohi,nhij->nohj", projection, weights).reshape(-1, c, c).to(v.dtype)
        if self.scope == "global":
            matrices = matrices.repeat_interleave(self.phases, 0)
        pixels = v.permute(0, 2, 3, 1).reshape(n, h * w, c)
        if self.project_out.bias is None:
            out = torch.bmm(pixels, matrices.transpose(1, 2))
        else:
            out = torch.baddbmm(self.project_out.bias.to(v.dtype), pixels, matrices.transpose(1, 2))
        return out.view(n, h, w, c).permute(0, 3, 1, 2)
