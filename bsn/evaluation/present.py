"""SSIM of images with missing pixels: every window is taken over the pixels that both images have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["ssim_of_present"]

_STABILISERS = (0.01, 0.03)  # K1 and K2 of Wang et al., "Image Quality Assessment", IEEE TIP 13 (2004)
_UNIFORM, _GAUSSIAN, _SIGMA = 7, 11, 1.5

Smooth = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def ssim_of_present(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    present: NDArray[np.bool_],
    *,
    gaussian: bool,
    data_range: float,
    sample_covariance: bool,
) -> float:
    """Structural similarity over the pixels that are present.

    Parameters
    ----------
    first, second : ndarray, shape (C, H, W)
        Both images; the values of missing pixels do not matter.
    present : ndarray of bool, shape (C, H, W)
        True where both images have a pixel.
    gaussian : bool
        Windows of 11 x 11 pixels with Gaussian weights of sigma 1.5, or 7 x 7 with equal ones.
    data_range : float
        Peak of the images.
    sample_covariance : bool
        Covariances with N - 1 instead of N, N being the number of pixels of a window.

    Returns
    -------
    float
        Mean over the windows that lie inside the image and whose middle is present; then over the channels that have any.
        NaN where there are none. Without missing pixels it is the number of :func:`skimage.metrics.structural_similarity`.

    Notes
    -----
    A window's means and covariances are those of its present pixels, with their weights divided by the sum of these. No fill
    enters, so a gap makes two images neither more nor less alike.
    """
    from scipy.ndimage import uniform_filter

    side = _GAUSSIAN if gaussian else _UNIFORM
    smooth, inside = _smoothing(gaussian), (slice(side // 2, -(side // 2)),) * 2
    stabilisers = tuple((k * data_range) ** 2 for k in _STABILISERS)
    found = []
    for x, y, mask in zip(first, second, present, strict=True):
        counted = mask[inside]
        if counted.any():
            pixels = np.maximum(uniform_filter(mask.astype(np.float64), side) * side**2, 2.0)
            norm = pixels / (pixels - 1) if sample_covariance else np.ones_like(pixels)
            similarity = _similarity((x, y), mask, smooth, norm, stabilisers)
            found.append(float(similarity[inside][counted].mean()))
    return float(np.mean(found)) if found else float("nan")


def _smoothing(gaussian: bool) -> Smooth:
    from scipy.ndimage import gaussian_filter, uniform_filter

    if gaussian:
        return lambda plane: gaussian_filter(plane, _SIGMA, radius=_GAUSSIAN // 2)
    return lambda plane: uniform_filter(plane, _UNIFORM)


def _similarity(
    images: tuple[NDArray[np.float64], NDArray[np.float64]],
    mask: NDArray[np.bool_],
    smooth: Smooth,
    norm: NDArray[np.float64],
    stabilisers: tuple[float, ...],
) -> NDArray[np.float64]:
    """Similarity of the windows around all pixels of a channel, shape (H, W)."""
    x, y = images
    total = np.where(mask, smooth(mask.astype(np.float64)), 1.0)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return smooth(np.where(mask, values, 0.0)) / total

    mean_x, mean_y = mean(x), mean(y)
    variance_x = norm * (mean(x * x) - mean_x**2)
    variance_y = norm * (mean(y * y) - mean_y**2)
    covariance = norm * (mean(x * y) - mean_x * mean_y)
    c1, c2 = stabilisers
    likeness: NDArray[np.float64] = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return likeness / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))
