"""Classical denoisers of scikit-image, each with the setting that scores best against the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bsn.evaluation import Protocol

__all__ = ["Baseline", "best_baselines"]


@dataclass(frozen=True)
class Baseline:
    """A classical result: the best of several settings, chosen by looking at the truth."""

    name: str
    setting: str
    result: np.ndarray
    psnr: float
    ssim: float


def _non_local_means(image: np.ndarray, strength: float) -> np.ndarray:
    from skimage.restoration import denoise_nl_means

    return denoise_nl_means(image, patch_size=5, patch_distance=6, h=strength, fast_mode=True, channel_axis=0)


def _total_variation(image: np.ndarray, strength: float) -> np.ndarray:
    from skimage.restoration import denoise_tv_chambolle

    return denoise_tv_chambolle(image, weight=strength, channel_axis=0)


def _wavelet(image: np.ndarray, strength: float) -> np.ndarray:
    from skimage.restoration import denoise_wavelet

    return denoise_wavelet(image, sigma=strength, method="VisuShrink", mode="soft", channel_axis=0, rescale_sigma=False)


# Factors on the true standard deviation of the noise.
_METHODS: dict[str, tuple[Callable[[np.ndarray, float], np.ndarray], tuple[float, ...]]] = {
    "non-local means": (_non_local_means, (0.6, 0.8, 1.0)),
    "total variation": (_total_variation, (0.8, 1.2, 1.6, 2.0)),
    "wavelet": (_wavelet, (0.2, 0.35, 0.5, 0.7)),
}


def best_baselines(noisy: np.ndarray, truth: np.ndarray, protocol: Protocol) -> list[Baseline]:
    """Denoise with each method at its best setting.

    Parameters
    ----------
    noisy, truth : ndarray, shape (C, H, W), float, range [0, 1]
        The truth chooses the setting, so these numbers are upper bounds of what the methods reach in practice.
    protocol : Protocol
        How results are scored.

    Returns
    -------
    list of Baseline
    """
    sigma = float(np.std(noisy - truth))
    found = []
    for name, (method, factors) in _METHODS.items():
        trials = []
        for factor in factors:
            result = np.asarray(method(noisy, factor * sigma), np.float32)
            score = protocol.score(result, truth)
            trials.append(Baseline(name, f"{factor:g} x true sigma", result, score.psnr, score.ssim))
        found.append(max(trials, key=lambda trial: trial.psnr))
    return found
