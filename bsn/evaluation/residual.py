"""Judging a result without clean images: what is left of the noise model in noisy - denoised.

If the denoiser took away the noise and nothing else, the residual has mean zero, no trace of the picture, and the noise's
own correlation between neighbours, none for white noise.
"""

from __future__ import annotations

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
        The mean over the last two axes is removed.
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
    centred = np.asarray(field, np.float64)
    centred = centred - centred.mean((-2, -1), keepdims=True)
    length = centred.shape[axis]
    head = np.take(centred, range(length - lag), axis)
    tail = np.take(centred, range(lag, length), axis)
    variance = float((centred * centred).mean())
    return float((head * tail).mean()) / variance if variance > 0 else 0.0


def residual_statistics(
    noisy: NDArray[np.floating], denoised: NDArray[np.floating], lags: int = 3
) -> ResidualStatistics:
    """Statistics of ``noisy - denoised``.

    Parameters
    ----------
    noisy, denoised : ndarray, shape (..., H, W)
        The image before and after denoising, in the same units.
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

    return ResidualStatistics(float(residual.mean()), float(residual.std()), along(-1), along(-2))
