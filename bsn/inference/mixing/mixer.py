"""The stage that mixes: the plane is surveyed once, then each tile is the mixture that was settled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from bsn.data import DataError
from bsn.inference.explanation import MEANS, NOISY, Choice, Explanation
from bsn.inference.measuring import Region, measured_places, with_gaps
from bsn.inference.mixing.candidates import FILTERED, Candidate, Run, classical_candidates
from bsn.inference.mixing.classical import NLM_REACH, non_local_means
from bsn.inference.mixing.survey import Survey, survey_plane, survey_regions
from bsn.inference.mixing.weights import ChosenWeights, choose_weights, depart_from
from bsn.inference.mixture import Mixture, Ready, SurveyedNoise
from bsn.inference.stages import Measured, Place
from bsn.inference.tiling import Tiling
from bsn.noise import NoiseCovariance, Subbands, covariance_spectrum, estimate_risk, measure_covariance
from bsn.noise.gaussian_mean import gaussian_mean
from bsn.noise.spectrum import BLOCK
from bsn.noise.subbands import SUBBANDS
from bsn.noise.wiener import WIENER

__all__ = ["MIXING", "REACH", "Mixing", "MixingSettings", "best_strength", "peak_of", "survey_noise"]

REACH = NLM_REACH + 2 * BLOCK + WIENER.variance_reach + SUBBANDS.reach
"""Pixels to each side that filters and bands look at, beyond what a network does."""


@dataclass(frozen=True)
class MixingSettings:
    """Constants of the stage.

    Parameters
    ----------
    means_strengths : tuple of float
        Noise levels for non-local means, relative to the measured one; the best by estimated risk is taken.
    sample : int
        Side of the region on which it is chosen, in pixels.
    most : float
        Factor by which the measured variance over intensity is raised at most, where it says less noise than flat places have.
    least_weight : float
        Candidates whose weights are nowhere larger are left out.
    """

    means_strengths: tuple[float, ...] = (0.6, 0.8, 1.0, 1.3)
    sample: int = 192
    most: float = 4.0
    least_weight: float = 0.005


MIXING = MixingSettings()
_SMOOTH = 2.0  # pixels over which the noisy image is averaged for the level of its noise


@dataclass(frozen=True)
class Mixing:
    """Mix candidates by their estimated risk.

    Parameters
    ----------
    networks : tuple of Candidate
        Results of the network; the first is the pilot of Wiener filters and of the noise level.
    scope : {"auto", "image", "regions"}
        "auto" leaves the model's own result as far as that pays whatever the noise may really be; the others trust the
        measured noise, and with "regions" weights may differ between the regions of a plane.
    tiling : Tiling
        How the candidates are cut; its halo covers all of them.
    seed : int
        Seed of the probes.
    """

    networks: tuple[Candidate, ...]
    scope: Literal["auto", "image", "regions"]
    tiling: Tiling
    seed: int = 0

    @torch.no_grad()
    def settle(self, read: Region, size: tuple[int, int], measured: Measured, grey_level: float) -> Mixture | None:
        """Choose the weights for a plane.

        Parameters
        ----------
        read : callable
            See :data:`bsn.inference.measuring.Region`.
        size : tuple of int
            (H, W) of the plane.
        measured : Measured
            What was measured on it for the network.
        grey_level : float
            Distance of two values of the image's dtype, in image values; 0 for floats.

        Returns
        -------
        Mixture or None
            None where the plane is too small, or too smooth, for its noise to be measured.
        """
        noise = survey_noise(read, size, grey_level)
        if noise is None:
            return None
        candidates = self._candidates()
        names = list(candidates)

        def start(region: Tensor, place: Place) -> Run:
            return Run(region, place, measured, noise, candidates)

        regions = self.scope == "regions"
        survey = (
            survey_plane(start, names, read, size, self.tiling, self.seed)
            if regions
            else survey_regions(start, names, read, size, self.tiling.grid, self.seed)
        )
        if self.scope == "auto" and FILTERED in names:
            simple = names.index(NOISY), names.index(MEANS)
            chosen = depart_from(survey.terms, survey.values, names.index(FILTERED), simple)
        else:
            chosen = choose_weights(survey.terms, survey.values, regions=regions)
        return _mixture(names, chosen, noise, survey, peak_of(read, size, grey_level))

    def __call__(self, noisy: Tensor, place: Place, measured: Measured, mixture: Mixture) -> Tensor:
        """Mix a region.

        Parameters
        ----------
        noisy : Tensor, shape (1, C, H, W), image values
            The region.
        place : Place
            Where it lies.
        measured : Measured
            What was measured on the plane.
        mixture : Mixture
            What was settled for the plane.

        Returns
        -------
        Tensor, shape (1, C, H, W)
        """
        ready = mixture.ready
        if ready is not None and ready.noisy.shape == noisy.shape and torch.equal(ready.noisy, noisy):
            return mixture.mix(torch.cat([ready.results[name] for name in mixture.names]), place.top, place.left)
        run = Run(noisy, place, measured, mixture.noise, self._candidates())
        return mixture.mix(run.stack(mixture.names), place.top, place.left)

    def _candidates(self) -> dict[str, Candidate]:
        return {c.name: c for c in (*self.networks, *classical_candidates(pilot=True))}


def survey_noise(
    read: Region, size: tuple[int, int], grey_level: float, *, strength: float | None = None
) -> SurveyedNoise | None:
    """Measure the covariance of the noise of a plane, and choose the strength of non-local means.

    Parameters
    ----------
    read, size, grey_level
        See :meth:`Mixing.settle`.
    strength : float, optional
        Strength of non-local means; chosen by estimated risk if left out.

    Returns
    -------
    SurveyedNoise or None
        None where there is nothing to measure.
    """
    regions = [read(*place) for place in measured_places(size)]
    try:
        covariance = measure_covariance(with_gaps(read, regions, size), grey_level)
    except DataError:
        return None
    if not bool((covariance.variance() > 0).any()):
        return None
    covariance = _not_weaker(covariance, regions)
    spectrum = covariance_spectrum(covariance)
    if strength is not None:
        return SurveyedNoise(covariance, spectrum, strength)
    height, width = size
    side = min(height, MIXING.sample), min(width, MIXING.sample)
    sample = read((height - side[0]) // 2, (width - side[1]) // 2, *side).float()
    return SurveyedNoise(covariance, spectrum, best_strength(sample, covariance))


def _not_weaker(covariance: NoiseCovariance, regions: Sequence[Tensor]) -> NoiseCovariance:
    """Let the noise of a plane be as strong on average as on the flat places that it was measured on.

    A line through the noise of a few intensities says less about the others than about those.
    """
    if covariance.curve is None:
        return covariance
    smooth = (gaussian_mean(region.float(), _SMOOTH, math.ceil(2 * _SMOOTH)) for region in regions)
    variance = covariance.variance()[:, None, None]
    mean = sum(float((covariance.level(s)[0].square().cpu() * variance).mean()) for s in smooth) / len(regions)
    factor = min(max(float(variance.mean()) / max(mean, 1e-30), 1.0), MIXING.most)
    return replace(covariance, curve=replace(covariance.curve, variance=covariance.curve.variance * factor))


def best_strength(sample: Tensor, covariance: NoiseCovariance) -> float:
    """Strength of non-local means with the least estimated risk.

    Parameters
    ----------
    sample : Tensor, shape (1, C, H, W)
        Part of the noisy image.
    covariance : NoiseCovariance
        Its noise.

    Returns
    -------
    float
        One of :attr:`MixingSettings.means_strengths`.
    """
    level = covariance.level(gaussian_mean(sample, _SMOOTH, math.ceil(2 * _SMOOTH)))
    found = {
        strength: float(
            estimate_risk(
                partial(non_local_means, covariance=covariance, strength=strength), sample, covariance, level=level
            ).value
        )
        for strength in MIXING.means_strengths
    }
    return min(found, key=found.__getitem__)


def _mixture(names: list[str], chosen: ChosenWeights, noise: SurveyedNoise, survey: Survey, peak: float) -> Mixture:
    """Leave out what has no weight anywhere."""
    weights = chosen.weights
    used = weights.amax((0, 1, 2)) > MIXING.least_weight
    kept = weights[..., used] / weights[..., used].sum(-1, keepdim=True)
    mean = torch.zeros(len(names), dtype=weights.dtype)
    mean[used] = kept.mean((0, 1, 2))
    choices = tuple(Choice(n, float(r), float(w)) for n, r, w in zip(names, chosen.singles, mean, strict=True))
    return Mixture(
        names=tuple(name for name, use in zip(names, used.tolist(), strict=True) if use),
        weights=kept.float(),
        subbands=Subbands.of(noise.covariance),
        noise=noise,
        explanation=Explanation(chosen.scope, choices, chosen.risk, chosen.error, peak),
        ready=None if survey.whole is None else Ready(survey.whole.noisy, {n: survey.whole[n] for n in names}),
    )


def peak_of(read: Region, size: tuple[int, int], grey_level: float) -> float:
    """Image value for which PSNR is counted: 1 for integers, the range of the values for floats.

    Parameters
    ----------
    read, size, grey_level
        See :meth:`Mixing.settle`.

    Returns
    -------
    float
    """
    if grey_level > 0:
        return 1.0
    regions = [read(*place) for place in measured_places(size)]
    return max(max(float(r.max()) for r in regions) - min(float(r.min()) for r in regions), 1e-30)
