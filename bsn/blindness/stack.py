"""Certificate of a function of stacks: no frame of the result depends on its own noisy pixels, at the ends neither.

Checks of one window cannot see how windows are made: a repeated end frame, a window that is off by one, statistics over all
frames put the frame itself into the slot of a neighbour, and the network is right to look at it there. So the whole function,
frames in and frames out, is examined: all pixels of one class of frame s are changed by finite amounts, and the result of frame
s there must stay as it is, to the bit. Gradients would not do: flow, sorting and rounding have none and depend all the same.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bsn.blindness.condition import NetworkRefusal
from bsn.blindness.jacobian import Position, sample_positions
from bsn.blindness.own_frame import context_of
from bsn.frames import windows
from bsn.hole import Hole

__all__ = ["StackCheck", "StackLeak", "frames_worth_checking", "network_on_stacks", "stack_check"]

_FEW_POSITIONS = 6

StackFunction = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class StackLeak:
    """A pixel of a frame whose result changed with the noisy pixels that it must not see.

    Parameters
    ----------
    frame : int
        Number of the frame.
    position : (int, int)
        Row and column.
    change : float
        Largest change of the result there, over channels.
    """

    frame: int
    position: Position
    change: float


@dataclass(frozen=True)
class StackCheck:
    """What finite changes of a stack found.

    Parameters
    ----------
    count : int
        Frames of the stack.
    frames : tuple of int
        Frames that were examined.
    leaks : tuple of StackLeak
        The strongest of each examined frame that leaks.
    passes : int
        Runs of the function.
    moved : bool
        True if any result changed at all.
    """

    count: int
    frames: tuple[int, ...]
    leaks: tuple[StackLeak, ...]
    passes: int
    moved: bool

    @property
    def blind(self) -> bool:
        """True if nothing leaked and the function is not constant."""
        return not self.leaks and self.moved


def frames_worth_checking(count: int, context: int) -> tuple[int, ...]:
    """Frames at which windows differ: the ends, the first and last whole window, the middle.

    Parameters
    ----------
    count : int
        Frames of the stack.
    context : int
        Neighbours on each side.

    Returns
    -------
    tuple of int

    Examples
    --------
    >>> frames_worth_checking(9, 2), frames_worth_checking(2, 2)
    ((0, 1, 2, 4, 6, 8), (0, 1))
    """
    wanted = {0, 1, context, count // 2, count - context - 1, count - 1}
    return tuple(sorted(frame for frame in wanted if 0 <= frame < count))


def stack_check(
    function: StackFunction,
    shape: tuple[int, int, int, int],
    *,
    lattice: int = 0,
    hole: Hole | None = None,
    frames: Sequence[int] | None = None,
    neighbours: bool = False,
    value_range: tuple[float, float] = (0.0, 1.0),
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
) -> StackCheck:
    """Certify a function from stacks to stacks.

    Parameters
    ----------
    function : callable
        Maps a stack (T, C, H, W) to a stack (T, C', H, W): a network with the code that makes its windows, or a whole program
        that returns what is predicted from the surroundings alone.
    shape : tuple of int
        (T, C, H, W) of the stack.
    lattice : int
        Side d of the lattice that no result may see; all its d^2 classes are changed, so that every pixel is certified. 0 for a
        hole.
    hole : Hole, optional
        Region that no result may see, where there is no lattice; None: the pixel alone. Some pixels are changed, one by one.
    frames : sequence of int, optional
        Frames that are examined; None for all.
    neighbours : bool
        Change these pixels of all frames at once: for functions that claim to have the hole in the neighbours, too.
    value_range : tuple of float
        Range of the random stack.
    dtype : torch.dtype
        Type of the stack.
    seed : int
        Seed of the stack and of the changes.

    Returns
    -------
    StackCheck

    Raises
    ------
    NetworkRefusal
        If the function changes the number or the size of the frames, or two runs differ.
    """
    low, high = value_range
    generator = torch.Generator().manual_seed(seed)
    x, other = (low + (high - low) * torch.rand(2, *shape, generator=generator, dtype=torch.float64)).to(dtype)
    other = torch.where(other == x, other + (high - low), other)
    clean = function(x)
    _refuse_other_shapes(x, clean)
    if not torch.equal(clean, function(x)):
        raise NetworkRefusal("two runs on the same stack differ; only a deterministic function can be certified")
    passes, moved, leaks = 2, False, []
    examined = range(shape[0]) if frames is None else frames
    for frame in examined:
        worst: StackLeak | None = None
        for changed, unseen in _masks(shape[-2:], lattice, hole or Hole("pixel", 1), seed):
            mixed = x.clone()
            where: Any = slice(None) if neighbours else frame
            mixed[where] = torch.where(changed, other[where], x[where])
            result = function(mixed)
            passes += 1
            moved = moved or not torch.equal(result, clean)
            change = torch.where(unseen, (result[frame] - clean[frame]).abs().amax(0), 0)
            if float(change.max()) > (worst.change if worst is not None else 0.0):
                row, column = divmod(int(change.argmax()), shape[-1])
                worst = StackLeak(frame, (row, column), float(change.max()))
        if worst is not None:
            leaks.append(worst)
    return StackCheck(shape[0], tuple(examined), tuple(leaks), passes, moved)


def _masks(size: Sequence[int], lattice: int, hole: Hole, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pixels that are changed together, and those whose results must stay."""
    height, width = size
    if lattice:
        for row in range(min(lattice, height)):
            for column in range(min(lattice, width)):
                mask = torch.zeros(height, width, dtype=torch.bool)
                mask[row::lattice, column::lattice] = True
                yield mask, mask
        return
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None, :]
    for row, column in sample_positions(height, width, _FEW_POSITIONS, seed):
        yield (rows == row) & (columns == column), hole.contains(row - rows, column - columns)


def _refuse_other_shapes(x: Tensor, result: Tensor) -> None:
    if result.ndim != 4 or len(result) != len(x) or result.shape[-2:] != x.shape[-2:]:
        raise NetworkRefusal(
            f"the function turns a stack of shape {tuple(x.shape)} into {tuple(result.shape)}; every frame has to come back"
        )


def network_on_stacks(network: nn.Module) -> StackFunction:
    """A network with context as a function of stacks, in float64 and eval mode.

    Parameters
    ----------
    network : nn.Module
        Takes windows of :func:`bsn.frames.windows`; a copy is used.

    Returns
    -------
    callable
        Maps (T, C, H, W) to (T, C', H, W).
    """
    own: Any = copy.deepcopy(network).to("cpu", torch.float64).eval()

    @torch.no_grad()
    def run(stack: Tensor) -> Tensor:
        window, available = windows(stack, context_of(network))
        return own(window, available=available)

    return run
