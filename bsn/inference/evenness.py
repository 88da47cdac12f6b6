"""Rain is about alike over an image: what is taken away nowhere much exceeds what is taken away elsewhere.

A network that was trained on synthetic rain takes bright bars, columns and grass for streaks, and takes more away there than it
takes anywhere else. The strength of the removal around each pixel tells: its typical value is that of the rain, and where it is
far higher, the removal is scaled down. Places from which little is taken, such as a sky before which no streak is seen, do not
count for the typical value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from typing_extensions import override

from bsn.inference.explanation import Explanation
from bsn.noise.gaussian_mean import gaussian_mean

__all__ = ["EVENNESS", "REACH", "EvenRemoval", "Evened", "EvennessSettings"]


@dataclass(frozen=True)
class EvennessSettings:
    """Constants, chosen on images whose truth is known and that no table scores.

    They are 15 of the training part of Rain800, five each of those of Rain100L and Rain100H, and eight free photographs with
    the rain of the tasks ``rain-light`` and ``rain-heavy``; all but the first also with rain in their lower part alone.

    Parameters
    ----------
    width : float
        Standard deviation in pixels of the Gaussian weights of the surroundings.
    quantile : float
        The typical strength: the surroundings that lose less make up this share of all that is removed.
    factor : float
        By how much the strength may exceed it.
    part, parts : int
        Side in pixels of the parts from which the typical strength of a large plane is measured, and their number in each
        direction.
    told : float
        Share of the removal that is given back, from which on a line says so.
    """

    width: float = 24.0
    quantile: float = 0.25
    factor: float = 1.5
    part: int = 128
    parts: int = 3
    told: float = 0.15


EVENNESS = EvennessSettings()
REACH = round(3 * EVENNESS.width)
"""Pixels to each side on which the result of a pixel depends."""


@dataclass(frozen=True)
class Evened(Explanation):
    """How much of what was taken away is given back.

    Parameters
    ----------
    share : float
        Share of the power of the removal, from 0 to 1.
    limit : float
        Highest strength of the removal around a pixel, in image values.
    """

    share: float = 0.0
    limit: float = 0.0

    @property
    @override
    def changes(self) -> bool:
        """Whether it is worth a word."""
        return self.share >= EVENNESS.told

    @override
    def line(self) -> str:
        """One line: what was given back, and why."""
        return (
            f"{self.share:.0%} of what the model took away is given back: it took more from some places than rain adds to the "
            "others; --no_guard keeps the result"
        )

    @override
    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Nothing was compared."""
        return (), []

    @override
    def as_dict(self) -> dict[str, object]:
        """The same as data for JSON."""
        return {"share_given_back": self.share, "highest_strength": self.limit}

    def __call__(self, noisy: Tensor, result: Tensor) -> Tensor:
        """Give back what was taken too much.

        Parameters
        ----------
        noisy, result : Tensor, shape (N, C, H, W)
            A region before and after, image values.

        Returns
        -------
        Tensor, same shape
        """
        removed = noisy - result
        return noisy - removed * (self.limit / _strength(removed).clamp_min(1e-30)).clamp_max(1.0).to(removed)


@dataclass(frozen=True)
class EvenRemoval:
    """Measure how strong the removal typically is.

    Parameters
    ----------
    grid : int
        Regions start at multiples of this.
    """

    grid: int

    @torch.no_grad()
    def settle(
        self,
        restore: Callable[[Tensor, int, int], Tensor],
        own: Callable[[Tensor], Tensor],
        read: Callable[[int, int, int, int], Tensor],
        size: tuple[int, int],
    ) -> Evened:
        """Measure a plane, on some parts of it if it is large.

        Parameters
        ----------
        restore : callable
            Maps a region, as `read` gives it, and its first row and column to the result.
        own : callable
            Takes the frame itself from such a region, without its neighbours.
        read : callable
            ``read(top, left, height, width)`` gives a region, shape (1, C, h, w), image values.
        size : tuple of int
            (H, W) of the plane.

        Returns
        -------
        Evened
        """
        removed = []
        for place in _places(size, self.grid):
            region = read(*place)
            removed.append((own(region) - restore(region, *place[:2])).float())
        strengths = [_strength(part) for part in removed]
        limit = EVENNESS.factor * _typical(torch.cat([part.flatten() for part in strengths]))
        whole = sum(float(part.square().mean(1).sum()) for part in removed)
        kept = sum(
            float((part.square().mean(1, keepdim=True) * (limit / s.clamp_min(1e-30)).clamp_max(1.0).square()).sum())
            for part, s in zip(removed, strengths, strict=True)
        )
        return Evened("single", (), 0.0, 0.0, share=1 - kept / whole if whole > 0 else 0.0, limit=limit)


def _strength(removed: Tensor) -> Tensor:
    """Root mean square around each pixel of what is removed (N, C, H, W), mean over channels: (N, 1, H, W)."""
    grey = removed.mean(1, keepdim=True).float()
    return gaussian_mean(grey.square(), EVENNESS.width, REACH).sqrt()


def _typical(strengths: Tensor) -> float:
    """Quantile of strengths that count by themselves."""
    ranked = strengths.sort().values.double()
    passed = ranked.cumsum(0)
    if float(passed[-1]) <= 0:
        return 0.0
    return float(ranked[int(torch.searchsorted(passed, EVENNESS.quantile * passed[-1]))])


def _places(size: tuple[int, int], grid: int) -> list[tuple[int, int, int, int]]:
    """Boxes (top, left, height, width): the whole of a small plane, parts of a larger one."""
    side, number = EVENNESS.part, EVENNESS.parts
    spans = []
    for length in size:
        if length <= side * number // 2:
            spans.append([(0, length)])
        else:
            starts = [(length - side) * place // (number - 1) // grid * grid for place in range(number)]
            spans.append([(start, side) for start in starts])
    return [(top, left, height, width) for top, height in spans[0] for left, width in spans[1]]
