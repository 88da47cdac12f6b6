"""What is removed from an image must be noise; a result that removes picture is not given.

A network that cannot predict the picture around a hole, or was trained too briefly, removes picture, and so does a filter where
texture was measured as noise. Two opinions tell how much noise there is. The model in the box for cameras, which has learned
photographs and many kinds of noise, removes nearly all noise of colour photographs, whatever its correlation. The measured
covariance says how strong the noise is at each intensity. Neither is right everywhere: the model leaves faint noise, and takes
correlated noise of grey images for texture; the measurement takes texture for noise where nothing is flat. So a result is
refused

- where it removes more than the model sees and much more than was measured,
- or far more than the model sees, if the image has colours, by which the model tells noise from texture, or is too small
  for a measurement.

In its place comes what removes less and passes the same test: the model's own result, for photographs that it polishes
anyway, then non-local means at the measured level, then the noisy image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bsn.data import DataError
from bsn.inference.config import InferenceConfig
from bsn.inference.explanation import BOXED, MEANS, NOISY, RESULT, Choice
from bsn.inference.judged_plane import JudgedPlane
from bsn.inference.mixing.classical import non_local_means
from bsn.inference.polishing import Polish
from bsn.inference.removed import removed_power, value_span
from bsn.inference.stages import Place
from bsn.inference.verdict import Removal, Verdict
from bsn.models import Model
from bsn.noise import NoiseCovariance, measure_covariance, unexplained_share
from bsn.noise.gaussian_mean import gaussian_mean

__all__ = ["GUARD", "Guard", "GuardSettings", "guards"]


@dataclass(frozen=True)
class GuardSettings:
    """Constants of the judgement.

    Chosen on the training part of PolyU (55 images and one trained network). The 54 images that gain remove at most 1.6 times
    the noise that the model in the box sees, and at most 4 % of it beyond the measured noise; the one that would lose 4.3 dB
    removes 4.5 times as much, 21 % of it beyond the measured noise. Rni15 and dnd have no truth: the noise measured there is
    0.8 to 3.3 times what the model sees. Synthetic correlated noise of sigma 10 to 40 is 0.9 to 1.05 times as strong as what
    the model sees in colour, and up to eight times in grey.

    Parameters
    ----------
    more : float
        Factor by which a result may remove more than the model sees, in standard deviations, whatever was measured.
    far_more : float
        The same where the measurement cannot say more.
    share : float
        Share of what is removed that may exceed the measured noise, see :func:`bsn.noise.unexplained_share`.
    faint : float
        Noise that the model does not see, in grey levels of 255, or of the image's own type where they are coarser.
    fewest : int
        Blocks on which noise has to be measured to be believed, see :func:`bsn.noise.measure_covariance`.
    smallest : int
        Side in pixels from which on planes are judged.
    """

    more: float = 2.0
    far_more: float = 3.0
    share: float = 0.15
    faint: float = 1.5
    fewest: int = 150
    smallest: int = 64


GUARD = GuardSettings()

_COLOURS = 3
_SMOOTH, _REACH = 2.0, 4  # pixels over which the noisy image is averaged for the level of its noise


class _Sample(NamedTuple):
    """Noisy regions, and what the model in the box sees in them."""

    noisy: list[Tensor]
    boxed: list[Tensor]
    span: float


@dataclass(frozen=True)
class Guard:
    """Judge results by what they remove.

    Parameters
    ----------
    judge : callable
        The model in the box for cameras, from image values to image values.
    replaces : bool
        Its own result may be given.
    grid : int
        Judged regions start at multiples of this.
    """

    judge: Polish
    replaces: bool
    grid: int

    @torch.no_grad()
    def settle(
        self, plane: JudgedPlane, denoise: Callable[[Tensor, Place], Tensor], grey_level: float
    ) -> Verdict | None:
        """Judge the result of a plane by some regions of it.

        Parameters
        ----------
        plane : JudgedPlane
            The noisy plane.
        denoise : callable
            Maps a region of it and its place to the result.
        grey_level : float
            Distance of two values of the image's dtype, in image values; 0 for floats.

        Returns
        -------
        Verdict or None
            None for planes that are too small to be judged.
        """
        if min(plane.size) < GUARD.smallest:
            return None
        judged = plane.judged(self.grid)
        noisy = judged.noisy
        sample = _Sample(noisy, [self._boxed(part) for part in noisy], value_span(noisy))
        results = judged.results(denoise)
        seen = self._seen(sample, grey_level)
        removed = {RESULT: removed_power(noisy, results), BOXED: removed_power(noisy, sample.boxed)}
        factor = (removed[RESULT] / seen) ** 0.5
        if factor <= GUARD.more:
            return _verdict(removed, RESULT, factor, None, sample.span)
        covariance = _measured(plane.measured(), grey_level)
        share = _share(noisy, results, covariance)
        if not _refused(factor, share, noisy[0].shape[1]):
            return _verdict(removed, RESULT, factor, share, sample.span)
        given, instead = self._instead(sample, covariance, seen, removed)
        return _verdict(removed, given, factor, share, sample.span, instead)

    def _seen(self, sample: _Sample, grey_level: float) -> float:
        """Power of the noise that the judge sees, and of what it may overlook."""
        faint = GUARD.faint * max(grey_level, sample.span / 255)
        return max(removed_power(sample.noisy, sample.boxed) + faint**2, 1e-30)

    def _boxed(self, noisy: Tensor) -> Tensor:
        """The judge's own result, of other numbers of channels one by one."""
        if noisy.shape[1] in (1, _COLOURS):
            return self.judge(noisy)
        return self.judge(noisy.transpose(0, 1)).transpose(0, 1)

    def _instead(
        self, sample: _Sample, covariance: NoiseCovariance | None, seen: float, removed: dict[str, float]
    ) -> tuple[str, Callable[[Tensor], Tensor]]:
        """The first candidate that removes nothing but noise; `removed` gets what it removes."""
        if self.replaces:
            return BOXED, self._boxed
        if covariance is not None and bool((covariance.variance() > 0).any()):
            means = partial(non_local_means, covariance=covariance, strength=1.0)
            found = [means(part) for part in sample.noisy]
            removed[MEANS] = removed_power(sample.noisy, found)
            factor, share = (removed[MEANS] / seen) ** 0.5, _share(sample.noisy, found, covariance)
            if not _refused(factor, share, sample.noisy[0].shape[1]):
                return MEANS, means
        removed[NOISY] = 0.0
        return NOISY, _same


def guards(model: Model, config: InferenceConfig) -> bool:
    """Whether results are judged by what they remove.

    Parameters
    ----------
    model : Model
        The model.
    config : InferenceConfig
        What the caller asks for.

    Returns
    -------
    bool
        For networks that were trained on noisy images alone and have no noise model: nothing but the noise of the image itself
        says how much they are to remove. Not for mixtures, which are judged by their estimated error.
    """
    trained = "training_images" in model.provenance and model.noise is None
    return config.guard and trained and config.mix == "off" and not config.by_hand


def _same(noisy: Tensor) -> Tensor:
    return noisy


def _refused(factor: float, share: float | None, channels: int) -> bool:
    """Whether so much is removed that it is no noise."""
    if share is not None and factor > GUARD.more and share > GUARD.share:
        return True
    return factor > GUARD.far_more and (share is None or channels == _COLOURS)


def _verdict(
    removed: dict[str, float],
    given: str,
    factor: float,
    share: float | None,
    span: float,
    instead: Callable[[Tensor], Tensor] | None = None,
) -> Verdict:
    noise = removed[BOXED] ** 0.5 / span
    choices = tuple(Choice(name, power, float(name == given)) for name, power in removed.items())
    return Verdict(
        Removal("single", choices, removed[given], 0.0, span, factor=factor, share=share, noise=noise), instead
    )


def _measured(images: Sequence[np.ndarray], grey_level: float) -> NoiseCovariance | None:
    try:
        return measure_covariance(images, grey_level, fewest=GUARD.fewest)
    except DataError:
        return None


def _share(noisy: Sequence[Tensor], results: Sequence[Tensor], covariance: NoiseCovariance | None) -> float | None:
    """Share of what is removed that the measured noise cannot explain, over all regions."""
    if covariance is None:
        return None
    shares, powers = [], []
    for before, after in zip(noisy, results, strict=True):
        level = covariance.level(gaussian_mean(before, _SMOOTH, _REACH))
        variance = covariance.variance().to(before)[None, :, None, None] * level.square().to(before)
        shares.append(unexplained_share(before - after, variance))
        powers.append(float((before - after).double().square().sum()))
    return sum(s * p for s, p in zip(shares, powers, strict=True)) / max(sum(powers), 1e-30)
