"""Do no harm: a result that is estimated to be worse than the noisy image, or than a simple filter, is not given.

The check looks at one region of the first plane of a file, so it costs little; for a model with a noise model it believes
what that says of the noise, which then is white. Measured noise is often too weak where there is texture, which makes the noisy
image look better than it is, or too strong, which favours the smoother result; so a result is only given up if it would be
worse both with much weaker and with much stronger noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.inference.explanation import MEANS, NOISY, RESULT, Choice, Explanation
from bsn.inference.measuring import Region
from bsn.inference.mixing.candidates import Candidate, Run, classical_candidates
from bsn.inference.mixing.mixer import peak_of, survey_noise
from bsn.inference.mixing.survey import survey_box
from bsn.inference.mixing.weights import WEIGHTS
from bsn.inference.mixture import Mixture, SurveyedNoise
from bsn.inference.stages import Measured, Place
from bsn.noise import NoiseCovariance, RiskTerms, Subbands, covariance_spectrum

__all__ = ["Check"]

_SAMPLE = 192
_ERRORS = 2.0  # standard errors by which the result has to be worse
_NOISE = tuple(WEIGHTS.stronger * (1 + sign * WEIGHTS.own_doubt) for sign in (-1, 1))
"""Power of the noise, relative to the measured one, with all of which the result has to be worse."""


@dataclass(frozen=True)
class Check:
    """Compare the result with the noisy image and with non-local means.

    Parameters
    ----------
    result : Candidate
        The result of all stages, by the name of :data:`RESULT`.
    noise : callable, optional
        Noise covariance that the model believes in, of a noisy sample and what was measured; None: measured on the plane.
    grid : int
        The region starts at multiples of this.
    seed : int
        Seed of the probe.
    """

    result: Candidate
    noise: Callable[[Tensor, Measured], NoiseCovariance] | None
    grid: int
    seed: int = 0

    @torch.no_grad()
    def settle(self, read: Region, size: tuple[int, int], measured: Measured, grey_level: float) -> Mixture | None:
        """Decide for a plane.

        Parameters
        ----------
        read, size, measured, grey_level
            See :meth:`bsn.inference.mixing.mixer.Mixing.settle`.

        Returns
        -------
        Mixture or None
            One candidate alone; None where the noise cannot be measured.
        """
        box = self._sample(size)
        noisy = read(*box)
        noise = self._noise(noisy, read, size, measured, grey_level)
        if noise is None:
            return None
        candidates = self._candidates()
        names = [RESULT, NOISY, MEANS]
        run = Run(noisy, Place(*box[:2]), measured, noise, candidates)
        terms, values = survey_box(run, names, (slice(box[2]), slice(box[3])), self.seed)
        risks = terms.singles().sum(0).flatten(0, 1).sum(0) / values
        best = int(risks.argmin())
        worse = [self._worse_by_two_errors(terms.with_noise(factor), best) for factor in _NOISE]
        taken = best if all(worse) else 0
        error = self._error(terms, best) / values
        choices = tuple(
            Choice(n, float(r), float(i == taken)) for i, (n, r) in enumerate(zip(names, risks, strict=True))
        )
        explanation = Explanation("single", choices, float(risks[taken]), error, peak_of(read, size, grey_level))
        subbands = Subbands.of(noise.covariance)
        weights = torch.ones(len(subbands.groups) * subbands.bands, 1, 1, 1)
        return Mixture((names[taken],), weights, subbands, noise, explanation)

    def _differences(self, terms: RiskTerms, best: int) -> Tensor:
        cells = terms.singles().sum(0).flatten(0, 1)
        return cells[:, 0] - cells[:, best]

    def _error(self, terms: RiskTerms, best: int) -> float:
        differences = self._differences(terms, best)
        return float(differences.std(correction=0) * math.sqrt(len(differences)))

    def _worse_by_two_errors(self, terms: RiskTerms, best: int) -> bool:
        return float(self._differences(terms, best).sum()) > _ERRORS * self._error(terms, best)

    def __call__(self, noisy: Tensor, place: Place, measured: Measured, mixture: Mixture) -> Tensor:
        """Result (1, C, H, W) of a region (1, C, H, W), by what was decided for its plane."""
        return Run(noisy, place, measured, mixture.noise, self._candidates())[mixture.names[0]]

    def _candidates(self) -> dict[str, Candidate]:
        return {c.name: c for c in (self.result, *classical_candidates(pilot=False))}

    def _sample(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        (height, width), grid = size, self.grid
        h, w = min(height, _SAMPLE), min(width, _SAMPLE)
        return (height - h) // 2 // grid * grid, (width - w) // 2 // grid * grid, h, w

    def _noise(
        self, noisy: Tensor, read: Region, size: tuple[int, int], measured: Measured, grey_level: float
    ) -> SurveyedNoise | None:
        if self.noise is None:
            return survey_noise(read, size, grey_level, strength=1.0)
        covariance = self.noise(noisy, measured)
        if not bool((covariance.variance() > 0).all()):
            return None
        return SurveyedNoise(covariance, covariance_spectrum(covariance))
