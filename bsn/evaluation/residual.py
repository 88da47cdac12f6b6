"""Judging a result without clean images: what is left of the noise model in noisy - denoised.

If the denoiser took away the noise and nothing else, the residual has mean zero, no trace of the picture, and the noise's
own correlation between neighbours, none for white noise.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ResidualStatistics", "autocorrelation", "residual_statistics"]


@dataclass(frozen=True)
class ResidualStatistics:
    """Mean and standard deviation in image values, and autocorrelation at lags 1, 2, ... along x and y."""

    mean: float
    std: float
    lags_x: tuple[float, ...]
    lags_y: tuple[float, ...]


def autocorrelation(field: NDArray[np.floating], lag: int, axis: int) -> float:
    """Correlation of a field with itself shifted by `lag` pixels.

    Parameters
    ----------
    field : ndarray, shape (..., H, W)
        The mean over the last two axes is removed. Pixels that are not finite are missing and enter nothing.
    lag : int
        0 < lag < the length of the axis.
    axis : {-2, -1}
        -2 shifts rows, -1 columns.

    Returns
    -------
    float
        Correlation in [-1, 1]; it is 0 for a constant field.

    Raises
    ------
    ValueError
        If the axis is not longer than the lag.
    """
    if not 0 < lag < field.shape[axis]:
        raise ValueError(f"lag {lag} does not fit an axis of {field.shape[axis]} pixels")
    values = np.asarray(field, np.float64)
    present = np.isfinite(values)
    if not present.any():
        return 0.0
    if not present.all():
        values = np.where(present, values, np.nan)
    centred = values - _present_mean(values, axes=(-2, -1))
    length = centred.shape[axis]
    first, last = range(length - lag), range(lag, length)
    head, tail = np.take(centred, first, axis), np.take(centred, last, axis)
    variance, product = float(_present_mean(centred * centred)), float(_present_mean(head * tail))
    return product / variance if variance > 0 and np.isfinite(product) else 0.0


def _present_mean(values: NDArray[np.float64], axes: tuple[int, int] | None = None) -> NDArray[np.float64]:
    """Mean over what is not NaN; NaN where nothing is left."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy warns of means over nothing
        mean: NDArray[np.float64] = np.nanmean(values, axes, keepdims=axes is not None)
    return mean


def residual_statistics(
    noisy: NDArray[np.floating], denoised: NDArray[np.floating], lags: int = 3
) -> ResidualStatistics:
    """Statistics of ``noisy - denoised``.

    Parameters
    ----------
    noisy, denoised : ndarray, shape (..., H, W)
        The image before and after denoising, in the same units. Pixels that are not finite are missing.
    lags : int
        Number of lags; fewer are returned for images that are not larger.

    Returns
    -------
    ResidualStatistics
    """
    residual = np.asarray(noisy, np.float64) - np.asarray(denoised, np.float64)

    def along(axis: int) -> tuple[float, ...]:
        count = min(lags, residual.shape[axis] - 1)
        return tuple(autocorrelation(residual, lag, axis) for lag in range(1, count + 1))

    present = residual[np.isfinite(residual)]
    mean, std = (float(present.mean()), float(present.std())) if present.size else (float("nan"), float("nan"))
    return ResidualStatistics(mean, std, along(-1), along(-2))
