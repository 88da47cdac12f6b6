"""The multi-scale network around modules and attention blocks, whether they are searched or chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from restoration.manas.space.attention import AttentionBlock
from restoration.manas.space.layers import EXPANSION, Stem, Transition
from restoration.manas.space.modules import FusionModule
from restoration.manas.space.shape import Shape

__all__ = ["MultiScaleBody"]

MakeModule = Callable[[int, int, Sequence[int]], nn.Module]
MakeAttention = Callable[[int, int, int], AttentionBlock]


class MultiScaleBody(nn.Module):
    """Stem, cells with one scale more each, an attention block behind every branch of a cell, fusion to full resolution.

    Parameters
    ----------
    shape : Shape
        Cells, branches and blocks of the network.
    channels : int
        Channels of the image, in and out.
    make_module : callable
        ``make_module(cell, number, widths)``.
    make_attention : callable
        ``make_attention(cell, branch, channels)``.
    unused_stem : bool
        Own a stem even where the shape has none, as published checkpoints do.
    """

    def __init__(
        self,
        shape: Shape,
        channels: int,
        make_module: MakeModule,
        make_attention: MakeAttention,
        *,
        unused_stem: bool = False,
    ) -> None:
        super().__init__()
        self.shape = shape
        widths = shape.widths
        self.stem = Stem(channels, widths[0], shape.modules[0]) if shape.stem or unused_stem else nn.Identity()
        before: tuple[int, ...] = (EXPANSION * widths[0] if shape.stem else channels,)
        self.transitions, self.cells, self.attention = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for cell in range(shape.cells):
            after = widths[: shape.branches(cell)]
            self.transitions.append(Transition(before, after))
            self.cells.append(
                nn.ModuleList(make_module(cell, number, after) for number in range(shape.modules[cell + 1]))
            )
            self.attention.append(nn.ModuleList(make_attention(cell, branch, c) for branch, c in enumerate(after)))
            before = after
        self.fusion = FusionModule(widths, outputs=1)
        self.last = nn.Conv2d(widths[0], channels, 1, bias=False)

    def forward(self, x: Tensor, alpha: Tensor | None = None, beta: Tensor | None = None) -> Tensor:
        """Map (N, C, H, W), sides multiples of the shape's, to the same shape.

        Parameters
        ----------
        x : Tensor
            Features, shape (N, C, H, W).
        alpha : Tensor, shape (modules, 2) or (modules,), optional
            Weights of mixed modules, a row each; or the numbers of those that are computed alone.
        beta : Tensor, shape (blocks * edges, candidates) or (blocks * edges,), optional
            Weights of mixed edges, or numbers.
        """
        branches = [self.stem(x) if self.shape.stem else x]
        rows = iter(() if alpha is None else alpha)
        blocks = iter(() if beta is None else beta.split(self.shape.edges))
        for transition, cell, attention in zip(self.transitions, self.cells, self.attention, strict=True):
            branches = transition(branches)
            for module in cell.children():
                branches = module(branches) if alpha is None else module(branches, next(rows))
            branches = [
                block(y) if beta is None else block(y, next(blocks))
                for block, y in zip(attention.children(), branches, strict=True)
            ]
        return self.last(self.fusion(branches)[0])
