"""What a mixture is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bsn.hole import Hole
from bsn.inference.explanation import MEANS, NOISY
from bsn.inference.mixing.classical import local_wiener, non_local_means
from bsn.inference.mixture import SurveyedNoise
from bsn.inference.stages import Measured, Place

__all__ = [
    "FILTERED",
    "PILOT",
    "Candidate",
    "Run",
    "classical_candidates",
    "hides",
    "network_candidate",
]

PILOT = "network"
FILTERED = "network, filtered"
"""The model's own result."""
STRENGTHS = (0.5, 1.0, 1.5)
"""Strengths of the Wiener filter relative to the measured power of the noise."""
COVERED = 0.05
"""Correlation of the noise outside a hole that counts as none: measured correlations have errors of some hundredths."""


@dataclass
class Run:
    """One noisy region, on which candidates build on each other's results.

    Parameters
    ----------
    noisy : Tensor, shape (1, C, H, W), image values
        The region.
    place : Place
        Where it lies.
    measured : Measured
        What was measured on the plane.
    noise : SurveyedNoise
        Covariance of the noise.
    candidates : dict of str to Candidate
        All that there are.
    """

    noisy: Tensor
    place: Place
    measured: Measured
    noise: SurveyedNoise
    candidates: dict[str, Candidate]
    _results: dict[str, Tensor] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        """Result (1, C, H, W) of the candidate of that name, computed once."""
        if name not in self._results:
            self._results[name] = self.candidates[name].denoise(self)
        return self._results[name]

    def stack(self, names: Iterable[str]) -> Tensor:
        """Results of several candidates.

        Parameters
        ----------
        names : iterable of str
            Their K names.

        Returns
        -------
        Tensor, shape (K, C, H, W)
        """
        return torch.cat([self[name] for name in names])


@dataclass(frozen=True)
class Candidate:
    """A way to denoise.

    Parameters
    ----------
    name : str
        Short name, for the explanation.
    denoise : callable
        Maps a :class:`Run` to a result, (1, C, H, W).
    blind : callable, optional
        Whether its result at each pixel is independent of the noise there, so that its divergence is zero, by the
        correlation of the noise, shape (2 R + 1, 2 R + 1). None: it is not.
    """

    name: str
    denoise: Callable[[Run], Tensor]
    blind: Callable[[Tensor], bool] | None = None


def hides(hole: Hole | None, stride: int, correlation: Tensor) -> bool:
    """Whether a blind-spot network sees no noise that the pixel it predicts shares.

    Parameters
    ----------
    hole : Hole or None
        Offsets that the network does not see at its own resolution; None for one pixel.
    stride : int
        Stride of the downsampling: only offsets that are multiples of it are seen.
    correlation : Tensor, shape (2 R + 1, 2 R + 1)
        Correlation of the noise over the distance.

    Returns
    -------
    bool

    Examples
    --------
    >>> neighbours = torch.tensor([[0.0, 0.3, 0.0], [0.3, 1.0, 0.3], [0.0, 0.3, 0.0]])
    >>> hides(None, 1, neighbours), hides(Hole("diamond", 3), 1, neighbours), hides(None, 2, neighbours)
    (False, True, True)
    """
    reach = correlation.shape[-1] // 2
    offsets = torch.arange(-reach, reach + 1)
    on_grid = (offsets % stride == 0)[:, None] & (offsets % stride == 0)[None]
    rows, columns = torch.div(offsets, stride, rounding_mode="trunc")[:, None], offsets[None] // stride
    hidden = (hole or Hole("pixel", 1)).contains(rows, columns)
    seen = on_grid & ~hidden
    return not bool(seen.any()) or float(correlation.cpu()[seen].abs().max()) <= COVERED


def network_candidate(
    name: str, denoise: Callable[[Tensor, Place, Measured], Tensor], hole: Hole | None, stride: int, *, blind: bool
) -> Candidate:
    """A network, alone or with the stages after it.

    Parameters
    ----------
    name : str
        Its name.
    denoise : callable
        Maps a noisy region, its place and what was measured to a result.
    hole : Hole or None
        See :func:`hides`.
    stride : int
        See :func:`hides`.
    blind : bool
        Whether the result is that of a blind-spot network alone, without a stage that looks at the noisy pixel.

    Returns
    -------
    Candidate
    """
    return Candidate(
        name,
        lambda run: denoise(run.noisy, run.place, run.measured).to(run.noisy.dtype),
        (lambda correlation: hides(hole, stride, correlation)) if blind else None,
    )


def classical_candidates(*, pilot: bool) -> list[Candidate]:
    """The noisy image, non-local means, and Wiener filters.

    Parameters
    ----------
    pilot : bool
        Whether there is a network by the name of :data:`PILOT` for Wiener filters to start from.

    Returns
    -------
    list of Candidate
    """
    found = [
        Candidate(NOISY, lambda run: run.noisy),
        Candidate(MEANS, lambda run: non_local_means(run.noisy, run.noise.covariance, run.noise.means_strength)),
        _wiener(f"{MEANS}, Wiener", MEANS, 1.0),
        _wiener("Wiener alone", NOISY, 1.0),
    ]
    if pilot:
        found += [_wiener(f"{PILOT}, Wiener {strength:g}", PILOT, strength) for strength in STRENGTHS]
    return found


def _wiener(name: str, pilot: str, strength: float) -> Candidate:
    def denoise(run: Run) -> Tensor:
        noise = run.noise
        return local_wiener(run.noisy, run[pilot], noise.covariance, noise.spectrum, strength)

    return Candidate(name, denoise)
