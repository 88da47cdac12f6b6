"""The block of NAFNet: simple gates and simplified channel attention on our layer norm."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsn.ops import layer_norm
from restoration.models.nafnet.pooling import local_mean

__all__ = ["Block", "simple_gate"]

_EPS = 1e-6
# Pixels of a feature map above which a block works through strips of rows, so that its wide intermediate images never exist
# whole.
STRIP_PIXELS = 2**18


def simple_gate(x: Tensor) -> Tensor:
    """Product of the two halves of the channels.

    Parameters
    ----------
    x : Tensor, shape (N, 2 C, H, W)
        Features.

    Returns
    -------
    Tensor, shape (N, C, H, W)
    """
    first, second = x.chunk(2, 1)
    return first * second


class Block(nn.Module):
    """Gated depth-wise convolution with channel attention, then a gated feed-forward layer, each added with a learned factor.

    Parameters
    ----------
    width : int
        Channels.
    window : int, optional
        Side of the window that the channel attention averages over, in pixels of this level; None for the whole image.

    Notes
    -----
    In the equations of the paper, with LN the norm over channels, and the gate SG(a, b) = a b::

        g = SG(dwconv3x3(conv1x1(LN(x))))            C -> 2 C -> C
        y = x + beta conv1x1(g * conv1x1(mean(g)))
        z = y + gamma conv1x1(SG(conv1x1(LN(y))))    C -> 2 C -> C -> C
    """

    def __init__(self, width: int, window: int | None = None) -> None:
        super().__init__()
        self.window = window
        self.norm1, self.norm2 = _Norm(width), _Norm(width)
        self.expand = nn.Conv2d(width, 2 * width, 1)
        self.depthwise = nn.Conv2d(2 * width, 2 * width, 3, padding=1, groups=2 * width)
        self.attention = nn.Conv2d(width, width, 1)
        self.project = nn.Conv2d(width, width, 1)
        self.feed_in = nn.Conv2d(width, 2 * width, 1)
        self.feed_out = nn.Conv2d(width, width, 1)
        self.beta = nn.Parameter(torch.zeros(width))
        self.gamma = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block; without gradients, large images with global pooling strip by strip, which gives the same.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        height, width = x.shape[-2:]
        if self.window is None and not torch.is_grad_enabled() and height * width > STRIP_PIXELS:
            return self._in_strips(x, max(1, STRIP_PIXELS // width))
        gated = self._gated(x)
        mean = gated.mean((-2, -1), keepdim=True) if self.window is None else local_mean(gated, self.window)
        return self._rest(x, gated, mean)

    def _gated(self, x: Tensor) -> Tensor:
        return simple_gate(self.depthwise(self.expand(self.norm1(x))))

    def _rest(self, x: Tensor, gated: Tensor, mean: Tensor) -> Tensor:
        y = x + _per_channel(self.beta) * self.project(gated * self.attention(mean))
        fed = self.feed_out(simple_gate(self.feed_in(self.norm2(y))))
        return y + _per_channel(self.gamma) * fed

    def _in_strips(self, x: Tensor, rows: int) -> Tensor:
        """Two passes over strips of rows: the first adds up the mean, the second computes the gate again and goes on."""
        height = x.shape[-2]
        edges = [(top, min(top + rows, height)) for top in range(0, height, rows)]
        total = torch.zeros(x.shape[0], x.shape[1], 1, 1, dtype=torch.float64, device=x.device)
        for top, bottom in edges:
            total += self._gated_rows(x, top, bottom).sum((-2, -1), keepdim=True, dtype=torch.float64)
        mean = (total / (height * x.shape[-1])).to(x.dtype)
        result = torch.empty_like(x)
        for top, bottom in edges:
            result[..., top:bottom, :] = self._rest(x[..., top:bottom, :], self._gated_rows(x, top, bottom), mean)
        return result

    def _gated_rows(self, x: Tensor, top: int, bottom: int) -> Tensor:
        """Rows of the gated image; the convolution needs one more on each side, and zeros only beyond the image."""
        height = x.shape[-2]
        above, below = min(1, top), min(1, height - bottom)
        expanded = self.expand(self.norm1(x[..., top - above : bottom + below, :]))
        padded = F.pad(expanded, (1, 1, 1 - above, 1 - below))
        weight, bias = self.depthwise.weight, self.depthwise.bias
        return simple_gate(F.conv2d(padded, weight, bias, groups=self.depthwise.groups))


class _Norm(nn.Module):
    """Layer norm over the channels, with offsets."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return layer_norm(x, self.weight, self.bias, eps=_EPS)


def _per_channel(factor: Tensor) -> Tensor:
    return factor[:, None, None]
