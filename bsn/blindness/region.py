"""Certificate of a region: no output depends on any input in the hole around it.

Two ways lead there, both by finite changes that are compared bit by bit.

*Pixel by pixel*, for any network: one pixel is changed, and the outputs of all pixels in whose hole it lies must stay as they
are. One pass certifies one pixel.

*By half-planes*, for networks that say how they are built (:class:`HalfPlaneBranches`): all pixels on one side of a line are
changed at once. Behind the line the features of the branch that looks away from it must stay as they are; in front of it
those of the opposite branch must be those of the wholly changed image. Sweeping the line over the image certifies every
pixel and every offset of the hole with as many passes as there are lines. Two more passes show that the branches are
joined pixel by pixel. A network may keep one feature for each square cell of several pixels: then the line sweeps over cells,
the hole is that of all cells into which an offset can lead from any pixel of a cell, and the branches are joined cell by cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from bsn.blindness.condition import NetworkRefusal, Subject
from bsn.blindness.jacobian import Position, sample_positions
from bsn.hole import Hole

__all__ = ["HalfPlaneBranches", "RegionCheck", "RegionLeak", "region_check"]

_LARGEST_LIST = 64


@runtime_checkable
class HalfPlaneBranches(Protocol):
    """A network of four rotated half-plane branches that are joined pixel by pixel."""

    config: Any
    hole: Hole

    def branches(self, x: Tensor, hole: Hole, wanted: Sequence[int]) -> list[Tensor | None]:
        """Features of the branches, in the order of counter-clockwise quarter turns.

        Straight branches look up, left, down and right, diagonal ones up right, up left, down left and down right.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Images.
        hole : Hole
            Region around each pixel that its output must not see.
        wanted : sequence of int
            Numbers of the branches that are computed.

        Returns
        -------
        list of 4 Tensor or None, each of shape (N, K, H / cell, W / cell)
            One feature for each pixel, or for each square cell of pixels.
        """
        ...

    def merge(self, branches: list[Tensor | None]) -> Tensor:
        """Output of the joined branches.

        Parameters
        ----------
        branches : list of 4 Tensor or None, each of shape (N, K, H, W)
            Features of the branches, in the order of :meth:`branches`; None for a branch that is left out.

        Returns
        -------
        Tensor, shape (N, C', H, W)
        """
        ...

    def __call__(self, x: Tensor) -> Tensor: ...  # noqa: D102


@dataclass(frozen=True)
class RegionLeak:
    """An output that changed with an input in its hole.

    Parameters
    ----------
    position : (int, int)
        Row and column of the output.
    offset : (int, int), optional
        Where in the hole the input lies; None where a whole half-plane was changed.
    change : float
        Largest change of the output, or of the feature, over channels.
    """

    position: Position
    offset: Position | None
    change: float


@dataclass(frozen=True)
class RegionCheck:
    """What was certified.

    Parameters
    ----------
    hole : Hole
        Region that was certified.
    pixels : int
        Pixels that are certified for every offset of the hole inside the image.
    total : int
        Pixels of the image.
    leaks : tuple of RegionLeak
        The largest first, 64 at most.
    method : str
        "half-planes" or "pixels".
    passes : int
        Images that the network, or a pair of its branches, was run on.
    moved : bool
        Whether any output changed at all.
    """

    hole: Hole
    pixels: int
    total: int
    leaks: tuple[RegionLeak, ...]
    method: str
    passes: int
    moved: bool

    @property
    def blind(self) -> bool:
        """True if nothing leaked, and not because the network ignores its input."""
        return not self.leaks and self.moved

    @property
    def complete(self) -> bool:
        """True if every pixel was certified."""
        return self.blind and self.pixels == self.total


def region_check(subject: Subject, hole: Hole, *, max_passes: int = 1024, seed: int = 0) -> RegionCheck:
    """Certify that no output sees the hole around it.

    Parameters
    ----------
    subject : Subject
        The network in its condition. A half-plane network is run with `hole`, other networks as they are.
    hole : Hole
        Region around each pixel that its output must not see.
    max_passes : int
        Pixel by pixel: number of pixels that are changed, if the image has more; corners and borders come first.
    seed : int
        Seed of the input, its changes and the sampled pixels.

    Returns
    -------
    RegionCheck

    Raises
    ------
    NetworkRefusal
        If the network fails, two runs differ, or it cannot open this hole.
    """
    network = subject.network
    if isinstance(network, HalfPlaneBranches):
        try:
            network.config.check_hole(hole)
        except ValueError as error:
            raise NetworkRefusal(str(error)) from None
        network.hole = hole
        if hole.shape != "none":
            return _Sweeps(subject, network, hole, seed).check()
    return _pixel_by_pixel(subject, hole, max_passes, seed)


def _changed(subject: Subject, seed: int) -> tuple[Tensor, Tensor]:
    """Two random images that differ in every value."""
    first, second = subject.draw(seed), subject.draw(seed + 1)
    low, high = subject.condition.value_range
    return first, torch.where(first == second, second + (high - low), second)


def _pixel_by_pixel(subject: Subject, hole: Hole, max_passes: int, seed: int) -> RegionCheck:
    height, width = subject.condition.size
    x, other = _changed(subject, seed)
    run = _Repeatable(subject, x)
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None, :]
    leaks: list[RegionLeak] = []
    moved, sampled = False, sample_positions(height, width, min(height * width, max_passes), seed)
    for row, column in sampled:
        changed = x.clone()
        changed[..., row, column] = other[..., row, column]
        change = (run(changed) - run.clean).abs().amax((0, 1))
        moved = moved or bool((change != 0).any())
        hit = (change != 0) & hole.contains(row - rows, column - columns)
        leaks += [RegionLeak((r, c), (row - r, column - c), float(change[r, c])) for r, c in hit.nonzero().tolist()]
    leaks.sort(key=lambda leak: leak.change, reverse=True)
    seen = 0 if leaks else len(sampled)
    return RegionCheck(hole, seen, height * width, tuple(leaks[:_LARGEST_LIST]), "pixels", len(sampled) + 2, moved)


class _Repeatable:
    """The network as a function of the input, which is shown to give the same bits twice."""

    def __init__(self, subject: Subject, x: Tensor) -> None:
        self.subject = subject
        self.clean = self(x)
        if not torch.equal(self.clean, self(x)):
            raise NetworkRefusal(
                "two runs of the network on the same input differ; only a deterministic network can be certified"
            )

    def __call__(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return self.subject.run(x)


class _Sweeps:
    """Lines swept over an image, for the two pairs of opposite branches."""

    def __init__(self, subject: Subject, network: HalfPlaneBranches, hole: Hole, seed: int) -> None:
        self.subject, self.network, self.hole = subject, network, hole
        self.passes, self.moved = 0, False
        self.leaks: list[RegionLeak] = []
        self.x, self.other = _changed(subject, seed)
        self.run = _Repeatable(subject, self.x)
        unit = getattr(network, "size_multiple", 1)
        height, width = subject.condition.size
        self.padding = (0, -width % unit, 0, -height % unit)
        self.diagonal = network.config.plane == "diagonal"
        self.clean, self.changed = self._branches(self.x), self._branches(self.other)
        features = next(part for part in self.clean if part is not None)
        self.cell = (height + self.padding[3]) // int(features.shape[-2])
        self.shift = _shift_in_cells(hole, self.cell, diagonal=self.diagonal)
        self.rows, self.columns = torch.arange(features.shape[-2])[:, None], torch.arange(features.shape[-1])[None, :]

    def check(self) -> RegionCheck:
        self._joined_pixel_by_pixel()
        for pair in ((0, 2), (1, 3)):
            self._sweep(pair)
        height, width = self.subject.condition.size
        self.leaks.sort(key=lambda leak: leak.change, reverse=True)
        certified = 0 if self.leaks else height * width
        return RegionCheck(
            self.hole,
            certified,
            height * width,
            tuple(self.leaks[:_LARGEST_LIST]),
            "half-planes",
            self.passes,
            self.moved,
        )

    def _branches(self, x: Tensor, wanted: Sequence[int] = (0, 1, 2, 3)) -> list[Tensor | None]:
        """Features of some branches, under the subject's precision."""
        self.passes += 1
        with self._precision():
            return self.network.branches(torch.nn.functional.pad(x, self.padding), self.hole, wanted)

    @contextmanager
    def _precision(self) -> Iterator[None]:
        kind = self.subject.condition.autocast
        with torch.no_grad(), torch.autocast("cpu", dtype=kind or torch.bfloat16, enabled=kind is not None):
            yield

    def _joined_pixel_by_pixel(self) -> None:
        """The output is that of the joined branches, and changing half of the features changes no output elsewhere."""
        height, width = self.subject.condition.size
        joined = self._merged(self.clean)
        if not torch.equal(joined[..., :height, :width], self.run.clean):
            raise NetworkRefusal(
                "the output of the network is not that of its joined branches; it cannot be certified by them"
            )
        board = (self.rows + self.columns) % 2 == 0
        for changed in (board, ~board):
            mixed = [
                None if a is None or b is None else torch.where(changed, b, a)
                for a, b in zip(self.clean, self.changed, strict=True)
            ]
            difference = (self._merged(mixed) - joined).abs().amax((0, 1))
            self.moved = self.moved or bool((difference != 0).any())
            self._note((difference != 0) & ~self._pixels(changed), difference)

    def _merged(self, branches: list[Tensor | None]) -> Tensor:
        with self._precision():
            return self.network.merge(branches)

    def _sweep(self, pair: tuple[int, int]) -> None:
        """Move a line along the normal of two opposite branches."""
        depth = self._depth(pair[0])
        if self.clean[pair[0]] is None:
            return
        height, width = self.subject.condition.size
        inside = (self.rows * self.cell < height) & (self.columns * self.cell < width)
        for line in range(int(depth[inside].min()), int(depth[inside].max()) + 1):
            # `depth` grows towards what the first branch sees; everything nearer than the line is changed.
            nearer = self._pixels(depth < line)[:height, :width]
            mixed = self._branches(torch.where(nearer, self.other, self.x), pair)
            for branch, clean, out in (
                (pair[0], self.clean, depth + self.shift >= line),
                (pair[1], self.changed, depth - self.shift < line),
            ):
                self._compare(mixed[branch], clean[branch], out & inside)

    def _pixels(self, cells: Tensor) -> Tensor:
        """A mask of cells as one of pixels."""
        return cells.repeat_interleave(self.cell, 0).repeat_interleave(self.cell, 1)

    def _compare(self, found: Tensor | None, expected: Tensor | None, where: Tensor) -> None:
        if found is None or expected is None:
            return
        difference = (found.double() - expected.double()).abs().amax((0, 1))
        self.moved = self.moved or bool((difference != 0).any())
        self._note((difference != 0) & where, difference, self.cell)

    def _note(self, hit: Tensor, difference: Tensor, cell: int = 1) -> None:
        for row, column in hit.nonzero().tolist()[:_LARGEST_LIST]:
            self.leaks.append(RegionLeak((row * cell, column * cell), None, float(difference[row, column])))

    def _depth(self, branch: int) -> Tensor:
        """Distance of each cell along the direction in which a branch looks."""
        rows, columns = torch.broadcast_tensors(self.rows, self.columns)
        straight = (-rows, -columns)
        diagonal = (columns - rows, -rows - columns)
        return (diagonal if self.diagonal else straight)[branch]


def _shift_in_cells(hole: Hole, cell: int, *, diagonal: bool) -> int:
    """Distance in cells from which on no pixel of a cell meets its hole, whichever branch looks there."""
    rows, columns = (hole.mask().nonzero() - (hole.shift - 1)).unbind(1)
    within = torch.arange(cell)[:, None]
    across, along = ((within + offsets).div(cell, rounding_mode="floor").abs().amax(0) for offsets in (rows, columns))
    if diagonal:
        return 1 + int((across + along).max())
    return 1 + max(int(far.max()) for far, shape in ((across, "columns"), (along, "rows")) if hole.shape != shape)
