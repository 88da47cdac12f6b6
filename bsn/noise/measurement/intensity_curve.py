"""Variance of noise over intensity, through points of unequal worth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["CURVE_FIT", "CurveFitSettings", "IntensityPoints", "smooth_curve"]


@dataclass(frozen=True)
class CurveFitSettings:
    """Constants of the fit; tried on synthetic camera noise and on the training part of polyu.

    Parameters
    ----------
    worth : float
        Number of blocks with which a point counts as much as the smooth curve. Tried 20, 30, 60 and 200.
    above, below : float
        Logarithm of the variance by which a point may lie above or below the smooth curve before it counts less: texture lifts
        points.
    slope, bend : float
        Penalties of slope and bend of the smooth curve, against points of one mean weight.
    rounds : int
        Number of rounds of the fit.
    """

    worth: float = 30.0
    above: float = 0.3
    below: float = 0.6
    slope: float = 0.05
    bend: float = 0.2
    rounds: int = 8


CURVE_FIT = CurveFitSettings()


@dataclass(frozen=True)
class IntensityPoints:
    """Variance over intensity: straight between points, constant beyond them.

    Parameters
    ----------
    intensity, variance : ndarray, shape (K,)
        In rising order of the intensity.
    """

    intensity: np.ndarray
    variance: np.ndarray

    def __call__(self, intensity: np.ndarray) -> np.ndarray:
        """Variance at intensities, same shape."""
        found: np.ndarray = np.interp(intensity, self.intensity, self.variance)
        return found

    def times(self, factor: float) -> IntensityPoints:
        """The curve times a factor.

        Parameters
        ----------
        factor : float
            Factor of the variance.

        Returns
        -------
        IntensityPoints
        """
        return replace(self, variance=self.variance * factor)


def smooth_curve(intensity: np.ndarray, variance: np.ndarray, blocks: np.ndarray) -> IntensityPoints:
    """Draw points towards a smooth curve through all of them, the fewer blocks they stand on the more.

    Parameters
    ----------
    intensity, variance : ndarray, shape (K,)
        Points; variances are not negative.
    blocks : ndarray, shape (K,)
        Flat blocks that each stands on, positive. Where there is texture, few are found, and their variance is too large.

    Returns
    -------
    IntensityPoints
        The smooth curve is a parabola of the logarithm of the variance.
    """
    logs = np.log(np.maximum(variance, 1e-12 * max(float(variance.max()), 1e-30)))
    width = max(float(np.ptp(intensity)), 1e-12)
    place = (intensity - np.average(intensity, weights=blocks)) / width
    design = np.stack([np.ones_like(place), 2 * place, 4 * place**2], 1)
    base = blocks / blocks.mean()
    penalty = np.diag([0, CURVE_FIT.slope, CURVE_FIT.bend]) * len(place) + 1e-9 * np.eye(3)
    weights = base
    for _ in range(CURVE_FIT.rounds):
        weighted = design.T * weights
        smooth = design @ np.linalg.solve(weighted @ design + penalty, weighted @ logs)
        error = logs - smooth
        weights = base / (1 + np.square(error / np.where(error > 0, CURVE_FIT.above, CURVE_FIT.below)))
    kept = np.exp(smooth + (logs - smooth) * blocks / (blocks + CURVE_FIT.worth))
    order = np.argsort(intensity, kind="stable")
    return IntensityPoints(intensity[order], kept[order])
