"""Adapt a model for photographs to one image without training: the tone curve behind which it predicts held-back pixels best.

A network that has learned photographs with Gaussian noise meets images whose noise grows with the signal, few of whose pixels
are bright. Behind a curve that makes the noise alike at all brightnesses, such images look more like what it knows. Which curve
that is, the image itself tells: some pixels are hidden, filled from their neighbours, and predicted. As the noise of a pixel is
independent of what its surroundings say, the mean squared error of the prediction is that to the truth and a constant, whatever
the distribution of the noise: no noise has to be measured. No adaptation at all is one of the candidates.

References
----------
Batson, Royer, "Noise2Self", ICML 2019 (calibration by held-back pixels); Herbreteau, Unser, "noise2VST", ICCV 2025 (a monotone
curve of about a hundred values around a blind denoiser, found by gradients; here curves of two values around one that sees).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from bsn.data import DataError
from bsn.data.arrays.missing import fill_missing
from bsn.data.sources.samples import middle
from bsn.inference.explanation import Choice, Explanation
from bsn.inference.tone_curve import ToneCurve
from bsn.noise import used_range
from bsn.noise.neighbours import neighbour_noise

__all__ = ["ADAPTING", "Adaptation", "Adapted", "AdaptingSettings", "fit_curves"]

Denoise = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class AdaptingSettings:
    """Constants of the adaptation, set on the training fields of W2S.

    Parameters
    ----------
    curves : tuple of tuple of float
        Offset and power of the candidates.
    side : int
        Side of the region that is looked at, in pixels.
    cell : int
        Of each square of this side two pixels are held back, far from each other.
    most : int
        Curves whose results are averaged, if they are alike.
    certain : float
        Standard errors by which a curve has to be better than none.
    wild : float
        Share of held-back pixels with the largest errors that do not count: hot pixels tell nothing of curves.
    """

    curves: tuple[tuple[float, float], ...] = (
        (0.1, 0.7),
        (0.02, 0.5),
        (0.1, 0.5),
        (0.005, 0.35),
        (0.03, 0.35),
        (0.1, 0.35),
    )
    side: int = 512
    cell: int = 4
    most: int = 3
    certain: float = 1.0
    wild: float = 0.002


ADAPTING = AdaptingSettings()

_NO_CURVE = "no curve"
_SMALLEST = 64  # side of a region in which enough pixels can be held back


@dataclass(frozen=True)
class Adapted(Explanation):
    """What was adapted; the risks of its choices are squared errors of held-back pixels, their noise included.

    Parameters
    ----------
    hindrance : str
        Why nothing was adapted; empty where it was.
    """

    hindrance: str = ""

    @property
    @override
    def changes(self) -> bool:
        """Always worth a line, since it was asked for."""
        return True

    @override
    def line(self) -> str:
        """One line: the curves and what they bring, or why there are none."""
        if self.hindrance:
            return f"not adapted: {self.hindrance}"
        used = [choice.name for choice in self.choices if choice.weight > 0]
        what = f"curve {used[0]}" if len(used) == 1 else f"curves {', '.join(used)}, whose results are averaged"
        gain = 1 - self.risk / self._without
        brings = f"held-back pixels are predicted with {gain:.1%} less error, their own noise included"
        return f"adapted by the tone {what}: {brings}"

    @property
    def _without(self) -> float:
        """Error where no curve is used."""
        return next(choice.risk for choice in self.choices if choice.name == _NO_CURVE)

    @override
    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Headings and rows: the error of each candidate relative to that without a curve; no rows where none was tried."""
        rows: list[tuple[str, ...]] = [
            (c.name, f"{c.risk / self._without:.4f}", f"{c.weight:.3f}") for c in self.choices
        ]
        return ("candidate", "error of held-back pixels", "weight"), rows


@dataclass(frozen=True)
class Adaptation:
    """Curves around a model.

    Parameters
    ----------
    curves : tuple of ToneCurve
        Their results are averaged; empty where the model is better without.
    explanation : Adapted
        What they were chosen from.
    """

    curves: tuple[ToneCurve, ...]
    explanation: Adapted

    def __call__(self, plane: np.ndarray, denoise: Denoise, plain: Denoise) -> np.ndarray:
        """Denoise a plane.

        Parameters
        ----------
        plane : ndarray, shape (C, H, W)
            Noisy, in image values.
        denoise : callable
            The model on bent values.
        plain : callable
            The model as it is without adaptation.

        Returns
        -------
        ndarray, shape (C, H, W), float32
            Behind a curve, with the mean of the plane in each channel: the mean of bent values, bent back, lies below it.
        """
        if not self.curves:
            return plain(plane)
        result = np.mean([curve.inverse(denoise(curve.forward(plane))) for curve in self.curves], 0)
        lack = plane - result
        there = np.isfinite(lack)
        shift = np.where(there, lack, 0).sum((1, 2), dtype=np.float64) / np.maximum(there.sum((1, 2)), 1)
        shifted: np.ndarray = (result + shift[:, None, None]).astype(np.float32)
        return shifted


@dataclass(frozen=True)
class _Held:
    """Pixels that are hidden, and an image in which their neighbours take their place."""

    image: np.ndarray
    places: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, noisy: np.ndarray) -> _Held:
        """Hold pixels of all channels back, at the same places; missing ones are none of them."""
        filled, missing = fill_missing(noisy)
        places = np.zeros(noisy.shape[1:], bool)
        half = ADAPTING.cell // 2
        places[1 :: ADAPTING.cell, 1 :: ADAPTING.cell] = True
        places[1 + half :: ADAPTING.cell, 1 + half :: ADAPTING.cell] = True
        hidden = np.where(places, _from_neighbours(filled), filled)
        places &= ~missing.any(0)
        return cls(hidden, places, filled[:, places])

    def errors(self, results: Sequence[np.ndarray]) -> np.ndarray:
        """Squared errors of results (K, places), mean over the channels, without the mean error of each channel.

        Places that the first result misses by far are left out.
        """
        rest = np.stack([self.values - result[:, self.places] for result in results])
        missed = np.abs(rest[0] - np.median(rest[0], 1, keepdims=True)).max(0)
        rest = rest[..., missed <= np.quantile(missed, 1 - ADAPTING.wild)]
        squares: np.ndarray = ((rest - rest.mean(2, keepdims=True)) ** 2).mean(1)
        return squares


def _from_neighbours(image: np.ndarray) -> np.ndarray:
    from scipy.ndimage import convolve

    kernel = np.array([[[1, 2, 1], [2, 0, 2], [1, 2, 1]]], np.float32) / 12
    around: np.ndarray = convolve(image, kernel, mode="reflect")
    return around


def fit_curves(plane: np.ndarray, denoise: Denoise, plain: Denoise, grey_level: float = 0.0) -> Adaptation:
    """Find the curves behind which a model predicts the held-back pixels of a plane best.

    Parameters
    ----------
    plane : ndarray, shape (C, H, W)
        Noisy, in image values; the middle of it is looked at. Missing pixels are not finite.
    denoise : callable
        The model on bent values, (C, h, w) to the same.
    plain : callable
        The model as it is without adaptation.
    grey_level : float
        Distance of two values of the original type, in image values; 0 for floats.

    Returns
    -------
    Adaptation
        Without curves where the noise is correlated between neighbours, so that held-back pixels tell nothing, where there is
        too little to look at, and where no curve is better than none by more than chance.
    """
    top, left, height, width = middle(plane.shape[1:], ADAPTING.side)
    noisy = plane[:, top : top + height, left : left + width].astype(np.float32)
    why = _hopeless(noisy, grey_level)
    if why:
        return _none(why, ())
    low, span = used_range(noisy)
    curves = [ToneCurve(low, span, *shape) for shape in ADAPTING.curves]
    held = _Held.of(noisy)
    results = [plain(held.image), *(curve.inverse(denoise(curve.forward(held.image))) for curve in curves)]
    return _chosen(held.errors(results), curves)


def _hopeless(noisy: np.ndarray, grey_level: float) -> str:
    """Why nothing can be found out; empty where something can."""
    if min(noisy.shape[1:]) < _SMALLEST:
        return f"it has fewer than {_SMALLEST} pixels on a side"
    finite = np.isfinite(noisy)
    if finite.mean() < 0.5 or not used_range(noisy)[1] > 0:
        return "most of its pixels are missing, or all have the same value"
    try:
        noise = neighbour_noise(noisy, grey_level)
    except DataError:
        return "its noise cannot be looked at"
    if noise.shared:
        return f"its noise is correlated between neighbours ({noise.correlation:+.2f}), and held-back pixels are no test then"
    return ""


def _chosen(errors: np.ndarray, curves: Sequence[ToneCurve]) -> Adaptation:
    """The best curves by errors (candidates, pixels), the first of which is that of no curve."""
    risks = errors.mean(1)
    best = 1 + int(risks[1:].argmin())
    names = (_NO_CURVE, *(curve.words() for curve in curves))
    if _difference(errors, 0, best) <= ADAPTING.certain:
        choices = tuple(
            Choice(name, float(r), float(i == 0)) for i, (name, r) in enumerate(zip(names, risks, strict=True))
        )
        return _none("no tone curve predicts held-back pixels better than none", choices)
    alike = [k for k in np.argsort(risks) if k > 0 and (k == best or _difference(errors, k, best) <= ADAPTING.certain)]
    used = [int(k) for k in alike[: ADAPTING.most]]
    choices = tuple(
        Choice(name, float(r), (i in used) / len(used)) for i, (name, r) in enumerate(zip(names, risks, strict=True))
    )
    explanation = Adapted("single", choices, float(risks[used].mean()), 0.0)
    return Adaptation(tuple(curves[k - 1] for k in used), explanation)


def _difference(errors: np.ndarray, one: int, other: int) -> float:
    """By how many standard errors the first candidate is worse than the other."""
    apart = errors[one] - errors[other]
    return float(apart.mean() / max(apart.std() / math.sqrt(len(apart)), 1e-300))


def _none(why: str, choices: tuple[Choice, ...]) -> Adaptation:
    risk = choices[0].risk if choices else math.nan
    return Adaptation((), Adapted("single", choices, risk, 0.0, hindrance=why))
