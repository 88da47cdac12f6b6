"""Exact gradients of outputs with respect to inputs: does a pixel see itself?"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from bsn.blindness.condition import Condition, Subject
from bsn.hole import Hole

__all__ = ["JacobianCheck", "Position", "hole_gradient", "jacobian_check", "jacobian_maps", "sample_positions"]

Position = tuple[int, int]


@dataclass(frozen=True)
class JacobianCheck:
    """Gradients d out_p / d x_r at sampled pixels p, as largest absolute values over channels.

    Parameters
    ----------
    positions : tuple of (int, int)
        The pixels p (row, column).
    centre : float
        Largest at r = p.
    lattice : float
        Largest over r in p + d Z x d Z, the blind lattice that was asked about.
    largest : float
        Largest over all r.
    channels : tuple of tuple of float
        The largest at r = p for each output channel (rows) and input channel (columns).
    worst : (int, int), optional
        The pixel with the largest centre gradient, None if there is none.
    """

    positions: tuple[Position, ...]
    centre: float
    lattice: float
    largest: float
    channels: tuple[tuple[float, ...], ...] = field(default=())
    worst: Position | None = None

    @property
    def blind(self) -> bool:
        """True if every centre gradient is exactly zero, and not because all gradients are."""
        return self.centre == 0 and self.largest > 0

    @property
    def ratio(self) -> float:
        """Centre gradient relative to the largest."""
        return self.centre / self.largest if self.largest else float("nan")


def sample_positions(height: int, width: int, count: int, seed: int = 0) -> list[Position]:
    """Pixels worth checking: corners, middles of the borders, the centre, then random ones.

    Parameters
    ----------
    height, width, count : int
        No pixel is repeated; there are fewer than `count` where the image has fewer.
    seed : int
        Seed of the random pixels.
    """
    rows, columns = (0, height // 2, height - 1), (0, width // 2, width - 1)
    fixed = list(dict.fromkeys((r, c) for r in rows for c in columns))
    fixed.sort(key=lambda p: (p[0] in (0, height - 1)) + (p[1] in (0, width - 1)), reverse=True)
    order = torch.randperm(height * width, generator=torch.Generator().manual_seed(seed)).tolist()
    random = [position for position in (divmod(i, width) for i in order) if position not in set(fixed)]
    return (fixed + random)[:count]


def jacobian_maps(
    subject: Subject, positions: Sequence[Position], *, x: Tensor | None = None, mixtures: int | None = None
) -> Tensor:
    """Gradients of single output pixels with respect to the whole input, by autograd.

    Parameters
    ----------
    subject : Subject
        The network in its condition; float64 for exact zeros that mean something.
    positions : sequence of (int, int)
        The pixels p.
    x : Tensor, shape (1, C, H, W), optional
        Input; default: random.
    mixtures : int, optional
        Differentiate this many random mixtures of the output channels instead of each channel. One mixture has the same
        zeros, and saves a pass per channel.

    Returns
    -------
    Tensor, shape (len(positions), C_out, C, H, W)
        Entry (i, o, c) is d out[o, p_i] / d x[c]. With mixtures they take the place of the C_out channels.
    """
    x = (subject.draw(subject.seed) if x is None else x).detach().clone().requires_grad_()
    with torch.enable_grad():
        out = subject.run(x)[0].to(torch.float64)
        weights = torch.eye(out.shape[0], dtype=torch.float64)
        if mixtures is not None:
            generator = torch.Generator().manual_seed(subject.seed)
            weights = torch.randn(mixtures, out.shape[0], generator=generator, dtype=torch.float64)
        maps = [[_gradient((w * out[:, row, column]).sum(), x) for w in weights] for row, column in positions]
    return torch.stack([torch.stack(rows) for rows in maps])


def _gradient(value: Tensor, x: Tensor) -> Tensor:
    if not value.requires_grad:  # the output does not depend on the input at all
        return torch.zeros_like(x[0])
    (gradient,) = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)
    return torch.zeros_like(x[0]) if gradient is None else gradient[0]


def jacobian_check(
    network: nn.Module,
    shape: tuple[int, int, int],
    *,
    positions: Sequence[Position] | None = None,
    lattice: int = 1,
    seed: int = 0,
    condition: Condition | None = None,
) -> JacobianCheck:
    """Measure exact gradients of a network in float64.

    Parameters
    ----------
    network : nn.Module
        Maps (1, C, H, W) to (1, C_out, H, W). A float64 copy is measured in its present mode (eval or train); the network
        itself is not changed.
    shape : tuple of int
        (C, H, W) of the random input.
    positions : sequence of (int, int), optional
        Pixels p; default: nine at corners, borders and centre, and seven random ones.
    lattice : int
        d of the lattice p + d Z x d Z that is also looked at; 1 looks at all pixels.
    seed : int
        Seed of the input and the random positions.
    condition : Condition, optional
        Another mode, precision or range of values; its size gives way to `shape`.

    Returns
    -------
    JacobianCheck

    Raises
    ------
    NetworkRefusal
        If the network fails on such an input.

    Examples
    --------
    >>> check = jacobian_check(torch.nn.Conv2d(1, 1, 1), (1, 9, 9))
    >>> check.blind, check.ratio
    (False, 1.0)
    """
    channels, height, width = shape
    condition = dataclasses.replace(condition or Condition("float64", (height, width)), size=(height, width))
    chosen = list(positions) if positions is not None else sample_positions(height, width, 16, seed)
    maps = jacobian_maps(Subject(network, channels, condition, seed), chosen).abs()
    return summarise(maps, chosen, lattice)


def summarise(maps: Tensor, positions: Sequence[Position], lattice: int) -> JacobianCheck:
    """Numbers of a :class:`JacobianCheck`.

    Parameters
    ----------
    maps : Tensor, shape (len(positions), C_out, C, H, W)
        Absolute values of :func:`jacobian_maps`.
    positions : sequence of (int, int)
        Row and column of each pixel whose outputs were differentiated.
    lattice : int
        Side of the blind lattice in pixels.

    Returns
    -------
    JacobianCheck
    """
    centres = torch.stack([m[..., row, column] for m, (row, column) in zip(maps, positions, strict=True)])
    on_lattice = max(
        float(m[..., row % lattice :: lattice, column % lattice :: lattice].max())
        for m, (row, column) in zip(maps, positions, strict=True)
    )
    worst = int(centres.flatten(1).amax(1).argmax())
    return JacobianCheck(
        tuple(positions),
        float(centres.max()),
        on_lattice,
        float(maps.max()),
        tuple(tuple(row) for row in centres.amax(0).tolist()),
        positions[worst] if float(centres.max()) > 0 else None,
    )


def hole_gradient(maps: Tensor, positions: Sequence[Position], hole: Hole) -> tuple[float, Position | None]:
    """Largest gradient of an output with respect to an input in its hole.

    Parameters
    ----------
    maps : Tensor, shape (len(positions), C_out, C, H, W)
        Result of :func:`jacobian_maps`.
    positions : sequence of (int, int)
        The pixels whose outputs were differentiated.
    hole : Hole
        Region around each pixel that its output must not see.

    Returns
    -------
    value : float
        0 for a network that is blind to the whole hole.
    position : (int, int) or None
        The pixel where it was found.
    """
    rows, columns = torch.arange(maps.shape[-2])[:, None], torch.arange(maps.shape[-1])[None, :]
    largest = [
        float(m.abs()[..., hole.contains(rows - row, columns - column)].max())
        for m, (row, column) in zip(maps, positions, strict=True)
    ]
    worst = max(range(len(largest)), key=largest.__getitem__)
    return largest[worst], positions[worst] if largest[worst] else None
