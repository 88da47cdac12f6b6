"""Finite changes of the input, bit-by-bit comparison of the output: a certificate for every pixel of an image.

Changing all pixels of one class p + d Z x d Z at once and finding the outputs there unchanged, to the last bit, certifies all
of them with one forward pass, so a network that is blind on this lattice is certified for every pixel with d^2 + 2 passes
(the unchanged image twice, to see that runs repeat).
The lattice is found from exact gradients, not assumed; a network that is blind to nothing but the pixel itself has one as
well, wider than its receptive field. Where that is the whole image, pixels are changed one by one.

Changes are finite numbers: a masked kernel multiplies by zero, and zero times NaN is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.blindness.condition import NetworkRefusal, Subject
from bsn.blindness.jacobian import Position, sample_positions

__all__ = ["PerturbationCheck", "SelfView", "blind_lattices", "perturbation_check"]

_LARGEST_CONFIRMATION = 64
_BATCHED_VALUES = 1 << 16
_LARGEST_BATCH = 16


@dataclass(frozen=True)
class SelfView:
    """A pixel whose output changed when nothing but the pixel itself was changed.

    Parameters
    ----------
    position : (int, int)
        Row and column.
    change : float
        Largest change of the output there, over channels.
    ratio : float
        `change` relative to the largest change of the output at any pixel.
    """

    position: Position
    change: float
    ratio: float


@dataclass(frozen=True)
class PerturbationCheck:
    """What finite changes found.

    Parameters
    ----------
    pixels : int
        Certified blind, each of them.
    tested, total : int
        Pixels looked at, and pixels of the image.
    lattice : int, optional
        Side of the lattice that was changed together; None if pixels were changed one by one.
    leaks : tuple of SelfView
        Strongest first, at most 64 of them.
    leaking : int
        Pixels seen to depend on themselves. With more than 64 suspects the rest is counted without being confirmed singly.
    passes : int
        Forward passes of one image.
    moved : bool
        True if any output changed at all. A constant network is blind to everything and denoises nothing.
    """

    pixels: int
    tested: int
    total: int
    lattice: int | None
    leaks: tuple[SelfView, ...]
    leaking: int
    passes: int
    moved: bool

    @property
    def blind(self) -> bool:
        """True if no tested pixel leaks and the network is not constant."""
        return not self.leaking and self.moved

    @property
    def complete(self) -> bool:
        """True if every pixel of the image was tested."""
        return self.tested == self.total


def blind_lattices(maps: Tensor, positions: Sequence[Position]) -> list[int]:
    """Sides d for which the gradient is exactly zero on p + d Z x d Z at all the pixels p.

    Parameters
    ----------
    maps : Tensor, shape (P, ..., H, W)
        Result of :func:`bsn.blindness.jacobian_maps`.
    positions : sequence of P (int, int)
        Row and column of each pixel p.

    Returns
    -------
    list of int
        Ascending, up to the larger side (beyond which the lattice is a single pixel). Empty if some pixel sees itself.
    """
    zero = (maps == 0).flatten(1, -3).all(1)
    height, width = zero.shape[-2:]
    return [
        d
        for d in range(1, max(height, width) + 1)
        if all(bool(z[row % d :: d, column % d :: d].all()) for z, (row, column) in zip(zero, positions, strict=True))
    ]


class _Perturber:
    """Runs of one subject on changed inputs, against its output for the unchanged one."""

    def __init__(self, subject: Subject, seed: int) -> None:
        self.subject, self.passes, self.moved = subject, 0, 0.0
        self.x = subject.draw(seed)
        low, high = subject.condition.value_range
        # Beyond the range too, so that a saturated unit cannot hide a change.
        self.other = (subject.draw(seed + 1) - low) * 3 - (high - low) + low
        self.other = torch.where(self.other == self.x, self.other + (high - low), self.other)
        pixels = self.x[0].numel()
        alone = subject.network.training or pixels > _BATCHED_VALUES
        self.largest_batch = 1 if alone else max(min(_BATCHED_VALUES // pixels, _LARGEST_BATCH), 1)
        self._clean: dict[int, Tensor] = {}
        if not torch.equal(self.clean(1), self._run(self.x)):
            raise NetworkRefusal(
                "two runs of the network on the same input differ; only a deterministic network can be certified"
            )

    def _run(self, x: Tensor) -> Tensor:
        self.passes += len(x)
        with torch.no_grad():
            return self.subject.run(x.contiguous())

    def clean(self, batch: int) -> Tensor:
        """Output for `batch` copies of the unchanged input: a batch of another size may end in other bits."""
        if batch not in self._clean:
            self._clean[batch] = self._run(self.x.expand(batch, -1, -1, -1))
        return self._clean[batch]

    def changes(self, masks: Sequence[Tensor]) -> Iterator[Tensor]:
        """Largest change over channels, shape (H, W), of the output for each mask (H, W) of changed pixels."""
        for start in range(0, len(masks), self.largest_batch):
            part = torch.stack(list(masks[start : start + self.largest_batch]))
            out = self._run(torch.where(part[:, None], self.other, self.x))
            for change in (out - self.clean(len(part))).abs().amax(1):
                self.moved = max(self.moved, float(change.max()))
                yield change


def perturbation_check(
    subject: Subject, lattices: Sequence[int] = (), *, max_passes: int = 1024, seed: int = 0
) -> PerturbationCheck:
    """Certify pixels by finite changes.

    Parameters
    ----------
    subject : Subject
        The network in its condition.
    lattices : sequence of int
        Sides worth trying, ascending, see :func:`blind_lattices`. If one fails although no pixel of it sees itself, the
        next is tried, and last of all single pixels (at once where a lattice would save less than half of the passes).
    max_passes : int
        Without a lattice that needs fewer passes, single pixels are changed: all of them if they are fewer, otherwise
        this many, with corners and borders.
    seed : int
        Seed of the input, the changes and the sampled pixels.

    Returns
    -------
    PerturbationCheck

    Raises
    ------
    NetworkRefusal
        If the network fails, or two runs on the same input differ.

    Notes
    -----
    The outputs are compared for equality, not closeness. What it cannot see: a leak below the last bit of the output, a
    leak through a unit that is switched off for this input, and leaks of several pixels that cancel to the last bit.
    """
    perturber = _Perturber(subject, seed)
    height, width = subject.condition.size
    for lattice in [d for d in lattices if d * d <= min(max_passes, height * width // 2)][:3]:
        suspects = _suspects_on_lattice(perturber, lattice)
        if not suspects:
            return _result(perturber, height * width, height * width, lattice, [], 0)
        confirmed = _confirm(perturber, suspects[:_LARGEST_CONFIRMATION])
        if confirmed:
            leaking = len(confirmed) + max(len(suspects) - _LARGEST_CONFIRMATION, 0)
            return _result(perturber, height * width, height * width, lattice, confirmed, leaking)
    positions = sample_positions(height, width, min(height * width, max_passes), seed)
    leaks = _confirm(perturber, positions)
    return _result(perturber, len(positions), height * width, None, leaks[:_LARGEST_CONFIRMATION], len(leaks))


def _suspects_on_lattice(perturber: _Perturber, d: int) -> list[Position]:
    """Pixels that changed with their class, strongest first."""
    height, width = perturber.subject.condition.size
    classes = [(row, column) for row in range(min(d, height)) for column in range(min(d, width))]
    masks = []
    for row, column in classes:
        mask = torch.zeros(height, width, dtype=torch.bool)
        mask[row::d, column::d] = True
        masks.append(mask)
    found: list[tuple[float, Position]] = []
    for mask, change in zip(masks, perturber.changes(masks), strict=True):
        hits = (change != 0) & mask
        found += [(float(change[r, c]), (r, c)) for r, c in hits.nonzero().tolist()]
    return [position for _, position in sorted(found, reverse=True)]


def _confirm(perturber: _Perturber, positions: Sequence[Position]) -> list[SelfView]:
    """Those of the pixels whose output changes when they alone are changed, strongest first."""
    height, width = perturber.subject.condition.size
    masks = []
    for row, column in positions:
        mask = torch.zeros(height, width, dtype=torch.bool)
        mask[row, column] = True
        masks.append(mask)
    leaks = []
    for (row, column), change in zip(positions, perturber.changes(masks), strict=True):
        own = float(change[row, column])
        if own:
            leaks.append(SelfView((row, column), own, own / float(change.max())))
    return sorted(leaks, key=lambda leak: leak.change, reverse=True)


def _result(
    perturber: _Perturber, tested: int, total: int, lattice: int | None, leaks: Sequence[SelfView], leaking: int
) -> PerturbationCheck:
    return PerturbationCheck(
        tested - leaking, tested, total, lattice, tuple(leaks), leaking, perturber.passes, perturber.moved > 0
    )
