"""Pairs of noisy images made of one: recorruption for noise of a known covariance.

With noise n ~ N(0, S) in y = x + n and a fresh draw m ~ N(0, S), independent of it, take ::

    input   y + a m          noise n + a m, covariance (1 + a^2) S
    target  y - m / a        noise n - m / a, covariance (1 + 1 / a^2) S

The covariance between both is S - S = 0, and noises that are normal and uncorrelated are independent: a network that learns the
target from the input by squared errors learns E[x | input], although it sees every pixel. (R2R states it as y + A z and
y - A^-1 z for white noise; with S = B B' and m = B z it is A = a B, and the target's matrix is B / a, so that its product with
A' is S. Correlation and colours of the noise come in by B, and nothing else changes.)

What is exact and what is not. For S known and the same for all pixels the above is exact. Camera noise is stronger where the
image is bright: S = D(x) C D(x) with a level D that follows the *clean* intensity, and given x the above is exact again. But x
is not known; D is taken at an average of the noisy image over a neighbourhood (:func:`local_intensity`), much wider than the
noise is correlated, so that D hardly depends on the noise of the pixel itself. What is left between input and target is
S(x) - S(average): nothing in flat parts, some of it along edges. Rounding to 8 bits, clipping, and JPEG are not normal either:
uncorrelated stays true for them, independent does not.

References
----------
Pang, Zheng, Quan, Ji, "Recorrupted-to-Recorrupted: Unsupervised Deep Learning for Image Denoising", CVPR 2021.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bsn.noise.noise_covariance import NoiseCovariance, draw_noise

__all__ = ["local_intensity", "recorrupt"]

_REACH = 3  # of each of two box filters in a row


def local_intensity(noisy: Tensor) -> Tensor:
    """Average of a neighbourhood of 13 x 13 pixels, the nearer ones counting more: two means of 7 x 7 pixels in a row.

    Parameters
    ----------
    noisy : Tensor, shape (N, C, H, W)
        Any size; at borders the average is over what is there.

    Returns
    -------
    Tensor, same shape
    """
    side = 2 * _REACH + 1
    for _ in range(2):
        noisy = F.avg_pool2d(noisy, side, stride=1, padding=_REACH, count_include_pad=False)
    return noisy


def recorrupt(
    noisy: Tensor,
    covariance: NoiseCovariance,
    generator: torch.Generator | None = None,
    *,
    strength: float = 0.5,
    level: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Make a pair with independent noise of every noisy image.

    Parameters
    ----------
    noisy : Tensor, shape (N, C, H, W)
        Noisy images, in units of the covariance.
    covariance : NoiseCovariance
        Covariance of their noise.
    generator : torch.Generator, optional
        Generator on the CPU; torch's global one if left out.
    strength : float
        a, positive. A small one leaves the input nearly as it is, and makes the target very noisy. Published: 0.5.
    level : Tensor, optional
        Strength of the noise at each pixel; default: that of the covariance at :func:`local_intensity`.

    Returns
    -------
    input, target : Tensor, shape (N, C, H, W)

    Raises
    ------
    ValueError
        For a strength that is not positive.

    Examples
    --------
    >>> white = NoiseCovariance(torch.eye(1), torch.ones(1, 1))
    >>> y = draw_noise(white, (1, 200, 200), torch.Generator().manual_seed(0))
    >>> a, b = recorrupt(y, white, torch.Generator().manual_seed(1))
    >>> abs(round(float((a * b).mean()), 1)), round(float(b.var()), 1)
    (0.0, 5.0)
    """
    if strength <= 0:
        raise ValueError(f"recorrupt: a strength of {strength} makes no pair; use more than 0, such as 0.5")
    if level is None:
        level = covariance.level(local_intensity(noisy))
    size = (len(noisy), noisy.shape[-2], noisy.shape[-1])
    fresh = draw_noise(covariance, size, generator, level=level).to(noisy)
    return noisy + strength * fresh, noisy - fresh / strength
