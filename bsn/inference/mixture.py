"""Weights that are settled for a plane, and how they are applied to its tiles."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.inference.explanation import RESULT, Explanation
from bsn.noise import NoiseCovariance, NoiseSpectrum, Subbands
from bsn.noise.risk_terms import CELL

__all__ = ["Mixture", "Ready", "SurveyedNoise"]

_SPREAD_IMAGE = torch.finfo(torch.float32).eps


@dataclass(frozen=True)
class SurveyedNoise:
    """The noise of a plane, as the candidates need it.

    Parameters
    ----------
    covariance : NoiseCovariance
        Covariance, in image values.
    spectrum : NoiseSpectrum
        The same noise, for Wiener filters.
    means_strength : float
        Noise level for non-local means, relative to that of the covariance.
    """

    covariance: NoiseCovariance
    spectrum: NoiseSpectrum
    means_strength: float = 1.0


@dataclass(frozen=True)
class Ready:
    """Results that the choice of the weights has left, so that they need not be computed again.

    Parameters
    ----------
    noisy : Tensor, shape (1, C, H, W)
        The region.
    results : dict of str to Tensor
        Results of the candidates.
    """

    noisy: Tensor
    results: dict[str, Tensor]


@dataclass(frozen=True)
class Mixture:
    """What is mixed, with which weights.

    Parameters
    ----------
    names : tuple of str
        Candidates, K.
    weights : Tensor, shape (G, rows, columns, K), float32
        Weights in each part of the image around the middle of each cell, straight between the middles; one row and one column
        where they are the same in the whole plane.
    subbands : Subbands
        The G parts.
    noise : SurveyedNoise
        The noise that the candidates take for given.
    explanation : Explanation
        Why these weights.
    ready : Ready, optional
        Results for the whole plane, of a small one.
    """

    names: tuple[str, ...]
    weights: Tensor
    subbands: Subbands
    noise: SurveyedNoise
    explanation: Explanation
    ready: Ready | None = None

    @property
    def changes(self) -> bool:
        """Whether the result is another one than without a mixture."""
        return self.names != (RESULT,)

    def mix(self, images: Tensor, top: int, left: int) -> Tensor:
        """Mix the results of a region.

        Parameters
        ----------
        images : Tensor, shape (K, C, H, W)
            Results of the candidates, in the order of the names.
        top, left : int
            First row and column of the region in the plane.

        Returns
        -------
        Tensor, shape (1, C, H, W)
        """
        weights = self.weights.to(images)
        if self._is_plain():
            return torch.einsum("k,kchw->chw", weights[0, 0, 0], images)[None]
        turned, mixed = self.subbands.turn(images), torch.zeros_like(images[:1])
        for number, group in enumerate(self.subbands.groups):
            for band in range(self.subbands.bands):
                spread = self._spread(weights[number * self.subbands.bands + band], images.shape[-2:], top, left)
                part = torch.einsum("hwk,kchw->chw", spread, turned[:, group])
                mixed[0, group] += self.subbands.split(part)[band]
        return self.subbands.turn_back(mixed)

    def _is_plain(self) -> bool:
        """One weight for each image, everywhere and in all parts."""
        first = self.weights[:1, :1, :1]
        return bool((self.weights - first).abs().max() <= _SPREAD_IMAGE)

    def _spread(self, weights: Tensor, size: tuple[int, ...], top: int, left: int) -> Tensor:
        """Weights (rows, columns, K) at the pixels of a region, (H, W, K)."""
        rows = _blend(weights.shape[0], top, size[0]).to(weights)
        columns = _blend(weights.shape[1], left, size[1]).to(weights)
        return torch.einsum("hr,rck,wc->hwk", rows, weights, columns)


def _blend(cells: int, start: int, length: int) -> Tensor:
    """Shares (length, cells) of the cells in the pixels from `start` on: straight between the middles, constant beyond."""
    position = ((torch.arange(start, start + length, dtype=torch.float64) + 0.5) / CELL - 0.5).clamp(0, cells - 1)
    return (1 - (position[:, None] - torch.arange(cells)[None]).abs()).clamp_min(0)
