"""The covariance of the noise of photographs, measured on the noisy images alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from bsn.noise.correlation_map import measure_correlation_map
from bsn.noise.curve import NoiseCurve
from bsn.noise.measurement import measure_along, measure_noise
from bsn.noise.noise_covariance import NoiseCovariance
from bsn.noise.spectrum import colour_axes

__all__ = ["measure_covariance"]


def measure_covariance(images: np.ndarray | Sequence[np.ndarray], grey_level: float = 0.0) -> NoiseCovariance:
    """Measure level, correlation and colours of the noise of an image, or of images with the same noise.

    Parameters
    ----------
    images : ndarray, shape (C, H, W), or sequence of such, float
        Image values; for integer images in [0, 1]. Outliers and missing values do not count.
    grey_level : float
        Distance of two values of the original dtype (1/255, 1/65535); 0 for floats.

    Returns
    -------
    NoiseCovariance
        With a curve for each channel.

    Raises
    ------
    DataError
        If all images together have fewer than 30 blocks of 16 x 16 pixels, or no noise at all.
    """
    planes = [images] if isinstance(images, np.ndarray) else list(images)
    axes = colour_axes(len(planes[0]))
    along = np.array([sigma**2 for sigma, _ in measure_along(planes, axes)])
    channels = axes.T @ np.diag(along) @ axes
    correlation = measure_correlation_map(planes, grey_level).values
    found = [measure_noise([image[c : c + 1] for image in planes], grey_level=grey_level) for c in range(len(axes))]
    intensity = np.linspace(0, 1, 17) * max(float(image.max()) for image in planes)
    variance = [np.maximum(f.gain * intensity + f.constant, 0.05 * f.sigma**2) for f in found]
    scale = np.sqrt([f.sigma**2 for f in found] / np.diag(channels))
    channels = channels * np.outer(scale, scale)
    curve = NoiseCurve(torch.from_numpy(intensity)[None], torch.from_numpy(np.stack(variance)))
    return NoiseCovariance(torch.from_numpy(channels), torch.from_numpy(correlation), curve=curve)
