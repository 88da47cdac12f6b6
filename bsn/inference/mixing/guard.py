"""A result that takes away far more than a simple filter does at the same noise level has taken texture for noise.

Where a photograph is textured everywhere, its texture is measured as noise, and the Wiener filter removes what it was told.
Non-local means at the same measured level keeps what repeats itself, so the two disagree there, and hardly elsewhere.
"""

from __future__ import annotations

import torch
from typing_extensions import override

from bsn.inference.explanation import RESULT, Choice, Excess
from bsn.inference.measuring import Region
from bsn.inference.mixing.candidates import MEANS, Run
from bsn.inference.mixing.check import Check
from bsn.inference.mixture import Mixture, SurveyedNoise
from bsn.inference.stages import Measured, Place
from bsn.noise import NoiseCovariance, NoiseSpectrum, Subbands

__all__ = ["EXCESS", "Guard"]

EXCESS = 1.4
"""How much more than non-local means a result may take away, as a factor of the standard deviation.

On the 55 images of PolyU's training part the factor is 0.56 to 1.18 for the 54 that gain from being denoised, and 1.87 for
the one that would lose 4.3 dB.
"""


class Guard(Check):
    """Give non-local means where the result would take away far more than they do.

    Parameters are those of :class:`bsn.inference.mixing.check.Check`; the noise is the spectrum measured for the Wiener filter.
    """

    @override
    @torch.no_grad()
    def settle(self, read: Region, size: tuple[int, int], measured: Measured, grey_level: float) -> Mixture | None:
        """Decide for a plane by one region of it.

        Parameters
        ----------
        read, size, measured, grey_level
            See :meth:`bsn.inference.mixing.mixer.Mixing.settle`.

        Returns
        -------
        Mixture or None
            Non-local means alone; None where the result stays.
        """
        if measured.spectrum is None:
            return None
        box = self._sample(size)
        noisy = read(*box)
        noise = SurveyedNoise(white_covariance(measured.spectrum), measured.spectrum)
        run = Run(noisy, Place(*box[:2]), measured, noise, self._candidates())
        removed, usual = (float((run[name] - noisy).square().mean().sqrt()) for name in (RESULT, MEANS))
        if removed <= EXCESS * usual:
            return None
        subbands = Subbands.of(noise.covariance)
        weights = torch.ones(len(subbands.groups) * subbands.bands, 1, 1, 1)
        choices = (Choice(RESULT, removed**2, 0.0), Choice(MEANS, usual**2, 1.0))
        explanation = Excess("single", choices, usual**2, 0.0, factor=removed / max(usual, 1e-12))
        return Mixture((MEANS,), weights, subbands, noise, explanation)


def white_covariance(spectrum: NoiseSpectrum) -> NoiseCovariance:
    """Noise of the channels' levels, without its correlation over the distance.

    Parameters
    ----------
    spectrum : NoiseSpectrum
        Measured noise.

    Returns
    -------
    NoiseCovariance
    """
    levels = spectrum.power.mean((-2, -1)).double()
    colours = spectrum.colours.double()
    return NoiseCovariance(colours.T @ levels.diag() @ colours, torch.ones(1, 1, dtype=torch.float64))
