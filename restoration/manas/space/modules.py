"""Modules of a cell: branches side by side, branches exchanged, and the mixture that a search sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from restoration.manas.space.layers import conv_norm, halving

__all__ = ["MODULES", "FusionModule", "MixInput", "MixedModule", "ParallelModule", "make_module", "module_reach"]

MODULES = ("parallel", "fusion")

MixInput = Literal["input", "chained"]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut.

    Parameters
    ----------
    width : int
        Channels in and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv_norm(width, width)
        self.conv2, self.bn2 = conv_norm(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve twice and add the input.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Features.

        Returns
        -------
        Tensor, shape (N, C, H, W)
        """
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + x).relu()


class ParallelModule(nn.Module):
    """A residual block on every branch.

    Parameters
    ----------
    widths : sequence of int
        Channels of the branches, from fine to coarse.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(width) for width in widths)

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        """Process each branch on its own.

        Parameters
        ----------
        branches : sequence of Tensor
            Entry i has the shape (N, C_i, H / 2^i, W / 2^i).

        Returns
        -------
        list of Tensor
            Features of the same shapes.
        """
        return [block(x) for block, x in zip(self.blocks, branches, strict=True)]


class FusionModule(nn.Module):
    """Every branch becomes a sum of all: strided convolutions downwards, nearest neighbours upwards.

    Parameters
    ----------
    widths : sequence of int
        Channels of the branches, from fine to coarse.
    outputs : int, optional
        How many branches come out, from full resolution down; all by default.
    """

    def __init__(self, widths: Sequence[int], outputs: int | None = None) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            nn.ModuleList(self._path(widths, source, target) for source in range(len(widths)))
            for target in range(outputs or len(widths))
        )

    @staticmethod
    def _path(widths: Sequence[int], source: int, target: int) -> nn.Module:
        if source > target:
            up = nn.Upsample(scale_factor=2 ** (source - target), mode="nearest")
            return nn.Sequential(*conv_norm(widths[source], widths[target], 1), up)
        if source < target:
            return halving(widths[source], widths[target], target - source, last_relu=False)
        return nn.Identity()

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        """Exchange features between the branches.

        Parameters
        ----------
        branches : sequence of Tensor
            Entry i has the shape (N, C_i, H / 2^i, W / 2^i).

        Returns
        -------
        list of Tensor
            Features of the same shapes, the first ``outputs`` of them.
        """
        fused = []
        for paths in self.paths:
            parts = [path(x) for path, x in zip(paths.children(), branches, strict=True)]
            fused.append(sum(parts[1:], parts[0]).relu())
        return fused


class MixedModule(nn.Module):
    """Weighted sum of a parallel and a fusion module, or one of them.

    Parameters
    ----------
    widths : sequence of int
        Channels of the branches, from fine to coarse.
    mix_input : {"input", "chained"}
        What the fusion module gets: the input, as the formula has it, or the parallel module's output, as the published
        program does.
    """

    def __init__(self, widths: Sequence[int], *, mix_input: MixInput = "input") -> None:
        super().__init__()
        self.parallel, self.fusion = ParallelModule(widths), FusionModule(widths)
        self.chained = mix_input == "chained"

    def forward(self, branches: Sequence[Tensor], weights: Tensor) -> list[Tensor]:
        """Map tensors (N, C_i, H / 2^i, W / 2^i) to the same shapes.

        Parameters
        ----------
        branches : sequence of Tensor
            Features of the branches, from fine to coarse.
        weights : Tensor, shape (2,), or whole number of shape ()
            Weights of parallel and fusion; or the number of the one that is computed alone.
        """
        if not weights.is_floating_point():
            return (self.fusion if int(weights) else self.parallel)(branches)
        side = self.parallel(branches)
        fused = self.fusion(side if self.chained else branches)
        return [weights[0] * a + weights[1] * b for a, b in zip(side, fused, strict=True)]


def make_module(name: str, widths: Sequence[int]) -> nn.Module:
    """Module that a genotype names.

    Parameters
    ----------
    name : {"parallel", "fusion"}
        Kind of the module.
    widths : sequence of int
        Channels of the branches.

    Returns
    -------
    nn.Module
    """
    return {"parallel": ParallelModule, "fusion": FusionModule}[name](widths)


def module_reach(name: str, branches: int) -> int:
    """Farthest pixel at full resolution that can influence a module's output.

    Parameters
    ----------
    name : str
        Kind of the module: "parallel" or "fusion".
    branches : int
        Number of branches.
    """
    coarsest = 2 ** (branches - 1)
    # Strided convolutions reach 1 + 2 + 4 ... pixels; a coarse pixel that is repeated was up to its own size away.
    return 2 * coarsest if name == "parallel" else 2 * coarsest - 1
