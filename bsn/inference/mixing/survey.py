"""The terms of the risk of a plane: the candidates on every region, and once more with a little more noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.inference.measuring import Region, measured_places
from bsn.inference.mixing.candidates import Candidate, Run
from bsn.inference.mixture import SurveyedNoise
from bsn.inference.stages import Place
from bsn.inference.tiling import Tiling, exact_segments
from bsn.noise import RiskTerms, Subbands, draw_noise, risk_terms
from bsn.noise.risk_terms import CELL
from bsn.noise.sure import SURE

__all__ = ["LARGEST_WHOLE", "Survey", "survey_box", "survey_plane", "survey_regions"]

LARGEST_WHOLE = 1024
"""Side up to which a plane is surveyed in one piece, whose results the mixture then uses again."""
_CORE = 512
_SALT = 0x51DE_CA5E  # noise that was added with a seed such as 0 must not be the probe again

Candidates = Callable[[Tensor, Place], Run]
"""Start a run of the candidates on a region (1, C, h, w)."""


@dataclass(frozen=True)
class Survey:
    """What is known of the candidates on a plane.

    Parameters
    ----------
    terms : RiskTerms
        Terms of the risk in cells; a grid of them over the plane if all of it was surveyed, otherwise one row.
    values : int
        Number of values that they sum over.
    whole : Run or None
        The results, where the plane was surveyed in one piece.
    """

    terms: RiskTerms
    values: int
    whole: Run | None = None


def survey_plane(
    start: Candidates, names: Sequence[str], read: Region, size: tuple[int, int], tiling: Tiling, seed: int
) -> Survey:
    """Survey all of a plane, piece by piece.

    Parameters
    ----------
    start : callable
        See :data:`Candidates`.
    names : sequence of str
        Candidates, K; the first is the pilot of the noise level.
    read : callable
        See :data:`bsn.inference.measuring.Region`.
    size : tuple of int
        (H, W) of the plane.
    tiling : Tiling
        Halo and grid of the candidates.
    seed : int
        Seed of the probes.

    Returns
    -------
    Survey
        Memory: the candidates of one piece, and the terms of all cells.
    """
    height, width = size
    if max(size) <= LARGEST_WHOLE:
        run = start(read(0, 0, height, width), Place())
        terms, values = survey_box(run, names, (slice(height), slice(width)), seed)
        return Survey(terms, values, run)
    unit = math.lcm(tiling.grid, CELL)
    tile = (max(1, _CORE // unit) + 2 * math.ceil(tiling.halo / unit)) * unit
    rows, values = [], 0
    for row in exact_segments(height, tile, tiling.halo, unit):
        parts = []
        for column in exact_segments(width, tile, tiling.halo, unit):
            place = (row.start, column.start, row.stop - row.start, column.stop - column.start)
            core = _used(row.weights), _used(column.weights)
            terms, count = survey_box(start(read(*place), Place(*place[:2])), names, core, seed + hash(place[:2]))
            parts.append(terms)
            values += count
        rows.append(_joined(parts, 2))
    return Survey(_joined(rows, 1), values)


def survey_regions(
    start: Candidates, names: Sequence[str], read: Region, size: tuple[int, int], grid: int, seed: int
) -> Survey:
    """Survey a bounded part of a plane: all of a small one, four regions of a large one.

    Parameters
    ----------
    start, names, read, size, seed
        See :func:`survey_plane`.
    grid : int
        Regions start at multiples of this.

    Returns
    -------
    Survey
        Its cells lie in one row.
    """
    found, values = [], 0
    for top, left, height, width in measured_places(size):
        top, left = top // grid * grid, left // grid * grid
        run = start(read(top, left, height, width), Place(top, left))
        terms, count = survey_box(run, names, (slice(height), slice(width)), seed + hash((top, left)))
        found.append(_in_a_row(terms))
        values += count
    return Survey(_joined(found, 2), values)


@torch.no_grad()
def survey_box(run: Run, names: Sequence[str], core: tuple[slice, slice], seed: int) -> tuple[RiskTerms, int]:
    """Survey one region.

    Parameters
    ----------
    run : Run
        The candidates on the region.
    names : sequence of str
        See :func:`survey_plane`.
    core : tuple of slice
        Rows and columns of the region that count.
    seed : int
        Seed of the probe.

    Returns
    -------
    terms : RiskTerms
    values : int
        Number of values that they sum over.
    """
    noisy, covariance = run.noisy, run.noise.covariance
    images = run.stack(names)
    level = covariance.level(run[names[0]])
    generator = torch.Generator().manual_seed((seed + _SALT) % 2**63)
    size = (1, noisy.shape[-2], noisy.shape[-1])
    probe = draw_noise(covariance, size, generator, level=level.to(covariance.channels.device)).to(noisy)
    again = Run(noisy + SURE.step * probe, run.place, run.measured, run.noise, run.candidates)
    moved = (again.stack(names) - images) / SURE.step
    subbands = Subbands.of(covariance)
    power = subbands.noise_power(covariance, level)
    inside = (..., *core)
    blind = torch.tensor([_is_blind(run.candidates[name], run.noise) for name in names])
    terms = risk_terms(
        images[inside], moved[inside], noisy[inside], probe[inside], power[inside], subbands, blind.to(noisy.device)
    )
    return terms, noisy[inside].numel()


def _is_blind(candidate: Candidate, noise: SurveyedNoise) -> bool:
    correlation = noise.covariance.correlation
    maps = correlation if correlation.ndim == 3 else correlation[None]
    return candidate.blind is not None and all(candidate.blind(one) for one in maps)


def _used(weights: Tensor) -> slice:
    used = weights.nonzero()[:, 0]
    return slice(int(used[0]), int(used[-1]) + 1)


def _in_a_row(terms: RiskTerms) -> RiskTerms:
    return _each([terms], lambda parts: parts[0].flatten(1, 2)[:, None])


def _joined(terms: Sequence[RiskTerms], axis: int) -> RiskTerms:
    return _each(terms, lambda parts: torch.cat(parts, axis))


def _each(terms: Sequence[RiskTerms], change: Callable[[list[Tensor]], Tensor]) -> RiskTerms:
    return RiskTerms(
        change([t.quadratic for t in terms]),
        change([t.linear for t in terms]),
        change([t.own for t in terms]),
        change([t.probed for t in terms]),
    )
