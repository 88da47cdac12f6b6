"""Two results and the noisy image, mixed at each place by their estimated errors.

All of it is in values whose noise has standard deviation 1. Stein's estimate of the error of y + a (A - y) + b (B - y) is a
quadratic function of the weights; its minimum is found in closed form around each pixel. Where a network took picture for
noise, it takes away more than the noise has, and its weight falls.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["mixed", "removed_share"]

_WINDOW = 12.0  # standard deviation of the surroundings that are looked at, in pixels; 8 gave the same within 0.02 dB
_STRIP = 256  # rows that are mixed at once
_REACH = 80  # rows that a weight depends on to either side: four standard deviations of both filters, and a few more
_STEP = 0.1  # of the probe, in standard deviations of the noise
# In units of the noise variance: results that differ by less share the weight. Tried 0.02, 0.1, 0.3 and 0.8.
_ALIKE = 0.3


def removed_share(denoise: Callable[[np.ndarray], np.ndarray], noisy: np.ndarray) -> float:
    """Estimate 1 less the mean derivative of a result by its own pixel: the share of the noise that was taken away.

    Parameters
    ----------
    denoise : callable
        Maps an array to one of its shape.
    noisy : ndarray
        Values whose noise has standard deviation 1.

    Returns
    -------
    float
        About 1 where nothing of a pixel's own value is left, 0 where nothing was changed.
    """
    probe = np.random.default_rng(0).standard_normal(noisy.shape, dtype=np.float32)
    change = denoise(noisy + _STEP * probe) - denoise(noisy)
    return float(1 - np.mean(probe * change) / _STEP)


def mixed(noisy: np.ndarray, results: tuple[np.ndarray, np.ndarray], shares: tuple[float, float]) -> np.ndarray:
    """Mix two results with the noisy image.

    Parameters
    ----------
    noisy : ndarray, shape (H, W)
        Values whose noise has standard deviation 1.
    results : tuple of ndarray, shape (H, W)
        The two results.
    shares : tuple of float
        What `removed_share` says of each.

    Returns
    -------
    ndarray, shape (H, W), float32
        Weights are not negative, and those of the results add up to at most 1.
    """
    result = np.empty(noisy.shape, np.float32)
    for top in range(0, len(noisy), _STRIP):
        begin, end = max(top - _REACH, 0), min(top + _STRIP + _REACH, len(noisy))
        part = slice(begin, end)
        strip = _mixed(noisy[part], results[0][part], results[1][part], shares)
        result[top : top + _STRIP] = strip[top - begin : top - begin + _STRIP]
    return result


def _mixed(noisy: np.ndarray, one: np.ndarray, other: np.ndarray, shares: tuple[float, float]) -> np.ndarray:
    first, second = one - noisy, other - noisy
    a, b = _best(_around(first * first), _around(second * second), _around(first * second), *shares)
    found: np.ndarray = noisy + _around(a, _WINDOW / 2) * first + _around(b, _WINDOW / 2) * second
    return found


def _best(aa: np.ndarray, bb: np.ndarray, ab: np.ndarray, u: float, v: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the least estimated error: inside the triangle, or on one of its sides."""
    aa, bb, u, v = aa + _ALIKE, bb + _ALIKE, u + _ALIKE / 2, v + _ALIKE / 2  # draws both weights to one half
    determinant = np.maximum(aa * bb - ab * ab, 1e-9)
    a = np.clip((u * bb - v * ab) / determinant, 0, 1)
    b = np.clip((v * aa - u * ab) / determinant, 0, 1)
    too_much = np.maximum(a + b, 1)
    along = np.clip((bb - ab + u - v) / (aa + bb - 2 * ab), 0, 1)
    nothing = np.zeros_like(aa)
    candidates = [
        (a / too_much, b / too_much),
        (np.clip(u / aa, 0, 1), nothing),
        (nothing, np.clip(v / bb, 0, 1)),
        (along, 1 - along),
    ]
    risks = np.stack([p * p * aa + q * q * bb + 2 * p * q * ab - 2 * (p * u + q * v) for p, q in candidates])
    chosen = risks.argmin(0)
    return np.choose(chosen, [p for p, _ in candidates]), np.choose(chosen, [q for _, q in candidates])


def _around(values: np.ndarray, window: float = _WINDOW) -> np.ndarray:
    from scipy import ndimage

    found: np.ndarray = ndimage.gaussian_filter(values, window, mode="reflect")
    return found
