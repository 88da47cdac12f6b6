"""Shape of a search space: what a search does not choose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Shape"]


@dataclass(frozen=True)
class Shape:
    """Widths, lengths and nodes of a multi-scale network; the defaults are the published ones.

    Parameters
    ----------
    widths : tuple of int
        Channels at full resolution, at a half, a quarter, an eighth ... Each is divisible by `nodes` and at least 16.
    modules : tuple of int
        Blocks of the stem, then modules of each cell; as many entries as `widths`. Cell s (from 0) has s + 2 branches.
    nodes : int
        Nodes of an attention block.
    stem : bool
        True: a residual stem widens the image to 4 widths[0] channels. False: the image itself enters the first
        transition. Both exist as published revisions.

    Raises
    ------
    ValueError
        For shapes that cannot be built.
    """

    widths: tuple[int, ...] = (32, 64, 128, 256)
    modules: tuple[int, ...] = (2, 4, 4, 4)
    nodes: int = 2
    stem: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "modules", tuple(self.modules))
        if len(self.widths) < 2 or len(self.modules) != len(self.widths):
            raise ValueError(
                f"{len(self.widths)} widths and {len(self.modules)} numbers of modules; give two scales or more and one number "
                "per scale, the first for the stem"
            )
        if self.nodes < 1 or min(self.modules) < 1:
            raise ValueError(f"nodes {self.nodes} and modules {list(self.modules)} must be 1 or more")
        for width in self.widths:
            if width < 16 or width % self.nodes or width // self.nodes < 4:
                raise ValueError(
                    f"width {width} cannot be split into {self.nodes} groups of 4 or more channels with a gate of a sixteenth; "
                    f"use multiples of {self.nodes}, {max(16, 4 * self.nodes)} or more"
                )

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.widths) - 1

    @property
    def edges(self) -> int:
        """Edges of an attention block: one from its group to each node, one from each earlier node."""
        return self.nodes * (self.nodes + 1) // 2

    @property
    def multiple(self) -> int:
        """Sides of an image are padded to multiples of this."""
        return 2**self.cells

    def branches(self, cell: int) -> int:
        """Number of branches of a cell, and of attention blocks behind it.

        Parameters
        ----------
        cell : int
            Number of the cell, from 0.

        Returns
        -------
        int
        """
        return cell + 2

    def places(self) -> Iterator[tuple[int, int]]:
        """Cell and number of every searched module, in the order of the rows of alpha."""
        return ((cell, index) for cell in range(self.cells) for index in range(self.modules[cell + 1]))

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Cell and branch of every attention block; each owns `edges` rows of beta, in this order."""
        return ((cell, branch) for cell in range(self.cells) for branch in range(self.branches(cell)))

    def edge_names(self) -> list[str]:
        """What each edge of a block connects: groups X to nodes U."""
        return [
            f"{source}→U{node}"
            for node in range(self.nodes)
            for source in (f"X{node}", *(f"U{j}" for j in range(node)))
        ]
