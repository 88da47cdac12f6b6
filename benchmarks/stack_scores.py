"""Scores of denoised recordings without clean frames. All arrays are (T, H, W) in grey levels."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

_WINDOW = 7
_STILL = 1.3  # times the median of the variance over time
_BINS = 16


def near_truth(frames: np.ndarray, gap: int) -> tuple[np.ndarray, np.ndarray]:
    """Means of all frames that are more than `gap` away, and the variance of their noise.

    The frames that a result with at most `gap` neighbours has seen are not among them, so that errors of both are independent
    but for what the training learned of this recording.

    Parameters
    ----------
    frames : ndarray
        Noisy recording.
    gap : int
        Frames on each side that are left out.

    Returns
    -------
    truth : ndarray
        NaN for frames of which no other is so far away.
    noise : ndarray
        Variance of the noise of `truth`, where nothing moves.
    """
    number = np.arange(len(frames))
    far = (np.abs(number[:, None] - number) > gap).astype(float)
    count = far.sum(1)[:, None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        truth = np.tensordot(far, frames, 1) / count
        noise = frames.var(0, ddof=1) / count
    return truth, noise


def still_pixels(frames: np.ndarray) -> np.ndarray:
    """Pixels (H, W) whose surroundings vary over time as noise does."""
    spread = uniform_filter(frames.var(0, ddof=1), _WINDOW)
    return spread < _STILL * np.median(spread)


def true_error(found: np.ndarray, truth: np.ndarray, noise: np.ndarray, where: np.ndarray) -> float:
    """Mean squared error against a near-truth, without what the noise of that adds.

    Parameters
    ----------
    found, truth, noise : ndarray
        A result, and what :func:`near_truth` gives.
    where : ndarray of bool, shape (H, W)
        Pixels that count.
    """
    known = np.isfinite(truth[:, 0, 0])
    return float(((found - truth)[known] ** 2 - noise[known])[:, where].mean())


def beyond_four_sigma(residual: np.ndarray, frames: np.ndarray) -> float:
    """Share of the pixels from which more was taken away than four standard deviations: 6e-5 of Gaussian noise is so far out.

    The standard deviation is that of the surroundings over time, of still pixels at most: what moves does not excuse itself.

    Parameters
    ----------
    residual, frames : ndarray
        What was taken away, and from what.
    """
    spread = uniform_filter(frames.var(0, ddof=1), _WINDOW)
    sigma = np.sqrt(np.minimum(spread, _STILL * np.median(spread)))
    return float((np.abs(residual) > 4 * sigma).mean())


def residual_correlation(residual: np.ndarray) -> dict[str, float]:
    """Correlation of what was taken away with its neighbours along x, y and the stack: picture that was lost shows there.

    Parameters
    ----------
    residual : ndarray
        Noisy less denoised.
    """
    left = residual - residual.mean()
    energy = float((left**2).mean()) or 1.0
    pairs = {"x": (left[..., 1:], left[..., :-1]), "y": (left[:, 1:], left[:, :-1]), "t": (left[1:], left[:-1])}
    return {
        f"residual_{name}": float((first * second).mean()) / energy
        for name, (first, second) in pairs.items()
        if first.size
    }


def held_back_scores(frames: np.ndarray, prediction: np.ndarray) -> dict[str, float]:
    """Error and likelihood of frames that no training saw, by predictions that did not see the pixel.

    The noise of a pixel is independent of its prediction, so the squared difference is that to the clean pixel plus the noise:
    the lower one of two predictions is the better one, by as much as the errors differ.

    Parameters
    ----------
    frames, prediction : ndarray
        Noisy frames and what was predicted of them.

    Returns
    -------
    dict of str to float
        ``blind_error``, the mean squared difference, and ``likelihood``, the mean logarithm in nats of a Gaussian whose
        variance depends on the predicted value.
    """
    squared = ((frames - prediction) ** 2).ravel()
    order = np.argsort(prediction.ravel(), kind="stable")
    logs = 0.0
    for part in np.array_split(squared[order], _BINS):
        logs -= 0.5 * len(part) * (1 + float(np.log(2 * np.pi * max(part.mean(), 1e-12))))
    return {"blind_error": float(squared.mean()), "likelihood": logs / len(squared)}
