"""Denoisers that need no training, for noise of a measured covariance: non-local means and the Wiener filter.

Both are made for noise that is equally strong everywhere. Non-local means gets values on a scale on which it is, the integral
of the inverse noise level over intensity (a variance-stabilising transform); the Wiener filter works in units of the local
noise.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bsn.noise import NoiseCovariance, NoiseCurve, NoiseSpectrum, wiener_filter
from bsn.noise.gaussian_mean import gaussian_mean
from bsn.noise.wiener import WIENER

__all__ = ["NLM_REACH", "local_wiener", "non_local_means", "stabiliser"]

_PATCH, _DISTANCE, _STRENGTH = 5, 6, 0.8
NLM_REACH = _DISTANCE + _PATCH
"""Pixels to each side that :func:`non_local_means` looks at."""
_KNOTS = 1025


def non_local_means(noisy: Tensor, covariance: NoiseCovariance, strength: float) -> Tensor:
    """Denoise by non-local means, all channels together.

    Parameters
    ----------
    noisy : Tensor, shape (1, C, H, W)
        Noisy image.
    covariance : NoiseCovariance
        Noise of C channels.
    strength : float
        Noise level to work with, relative to that of `covariance`.

    Returns
    -------
    Tensor, shape (1, C, H, W)

    References
    ----------
    Buades, Coll, Morel, "A non-local algorithm for image denoising", CVPR 2005; scikit-image's fast form.
    """
    from skimage.restoration import denoise_nl_means

    sigma = float(covariance.variance().mean().sqrt()) * strength
    if sigma <= 0:
        return noisy
    maps = stabiliser(covariance)
    values = noisy[0].double().cpu().numpy()
    even = np.stack([_interpolated(plane, *known) for plane, known in zip(values, maps, strict=True)])
    grey = len(even) == 1
    smooth = denoise_nl_means(
        even[0] if grey else even,
        patch_size=_PATCH,
        patch_distance=_DISTANCE,
        h=_STRENGTH * sigma,
        sigma=sigma,
        channel_axis=None if grey else 0,
    ).reshape(even.shape)
    back = np.stack([_interpolated(plane, y, x) for plane, (x, y) in zip(smooth, maps, strict=True)])
    return torch.from_numpy(back)[None].to(noisy)


def stabiliser(covariance: NoiseCovariance) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scale for each channel on which the noise is equally strong at all intensities, and in all channels.

    Parameters
    ----------
    covariance : NoiseCovariance
        Noise of C channels.

    Returns
    -------
    list of tuple of ndarray
        Intensities and their values on the scale, both rising; beyond their ends the scale is straight.
    """
    common = float(covariance.variance().mean().sqrt())
    found = []
    for channel, variance in enumerate(covariance.variance().tolist()):
        if covariance.curve is None:
            x = np.array([0.0, 1.0])
            slope = np.full(2, common / max(variance, 1e-20) ** 0.5)
        else:
            x, level = _level_of(covariance.curve, channel)
            slope = common / np.maximum(level, 0.05 * common)
        steps = np.diff(x) * (slope[1:] + slope[:-1]) / 2
        found.append((x, x[0] + np.concatenate([[0.0], np.cumsum(steps)])))
    return found


def _level_of(curve: NoiseCurve, channel: int) -> tuple[np.ndarray, np.ndarray]:
    row = channel if len(curve.intensity) > 1 else 0
    variances = curve.variance[channel if len(curve.variance) > 1 else 0].double().numpy()
    known = curve.intensity[row].double().numpy()
    x = np.linspace(known[0], known[-1], _KNOTS)
    return x, np.sqrt(np.maximum(np.interp(x, known, variances), 0))


def _interpolated(values: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Linear interpolation, straight on beyond the ends."""
    inside = np.interp(values, x, y)
    left, right = (y[1] - y[0]) / (x[1] - x[0]), (y[-1] - y[-2]) / (x[-1] - x[-2])
    return inside + left * np.minimum(values - x[0], 0) + right * np.maximum(values - x[-1], 0)


def local_wiener(
    noisy: Tensor, pilot: Tensor, covariance: NoiseCovariance, spectrum: NoiseSpectrum, strength: float
) -> Tensor:
    """Wiener filter in units of the local noise.

    Parameters
    ----------
    noisy : Tensor, shape (1, C, H, W)
        Noisy image.
    pilot : Tensor, shape (1, C, H, W)
        What is expected of the image.
    covariance : NoiseCovariance
        Noise of C channels, whose level follows the intensity of the pilot.
    spectrum : NoiseSpectrum
        The same noise, frequency by frequency.
    strength : float
        Power of the noise to work with, relative to `spectrum`.

    Returns
    -------
    Tensor, shape (1, C, H, W)
    """
    scaled = NoiseSpectrum(spectrum.colours, spectrum.power * strength)
    if covariance.curve is None:
        return wiener_filter(noisy, pilot, scaled)
    power = covariance.level(pilot).square().mean(1, keepdim=True)
    level = gaussian_mean(power, WIENER.variance_window, WIENER.variance_reach).clamp_min(1e-6).sqrt()
    return level * wiener_filter(noisy / level, pilot / level, scaled)
