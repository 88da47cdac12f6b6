"""A 3x3 convolution that is trained as a sum of three branches and shipped as one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["MergedConv"]


class MergedConv(nn.Module):
    """3x3 convolution with a 1x1 branch, and an identity where the widths are equal, added in the kernel.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    bias : bool
        Whether the convolution has offsets.
    merged : bool
        Hold the one kernel that is left after training.

    Notes
    -----
    Structural re-parameterisation (RepVGG, Ding et al., CVPR 2021). All branches are linear and none has a normalisation,
    so they can be added as kernels before the convolution instead of as images after it: training costs what one
    convolution costs. What is won is another path of descent, not another set of functions.
    """

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True, merged: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
        self.point: nn.Parameter | None = None
        self.identity: nn.Parameter | None = None
        if not merged:
            self.point = nn.Parameter(nn.Conv2d(inputs, outputs, 1, bias=False).weight.detach()[:, :, 0, 0])
            if inputs == outputs:
                self.identity = nn.Parameter(torch.zeros(outputs))

    def kernel(self) -> Tensor:
        """Sum of the branches, shape (outputs, inputs, 3, 3)."""
        if self.point is None:
            return self.conv.weight
        centre = self.point if self.identity is None else self.point + torch.diag(self.identity)
        return self.conv.weight + F.pad(centre[:, :, None, None], (1, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (N, inputs, H, W) to (N, outputs, H, W), zeros outside.

        Parameters
        ----------
        x : Tensor, shape (N, inputs, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, outputs, H, W)
        """
        return F.conv2d(x, self.kernel().to(x.dtype), self.conv.bias, padding=1)

    @torch.no_grad()
    def merge(self) -> None:
        """Keep the sum of the branches only."""
        self.conv.weight.copy_(self.kernel())
        self.point = self.identity = None
