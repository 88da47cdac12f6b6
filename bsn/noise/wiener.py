"""Empirical Wiener filter: the noisy image mixed back into a denoised one, frequency by frequency.

A blind-spot network leaves out the noisy pixel, and where neighbours share their noise it has to look far: what is finer than
its stride is lost. But the noisy image still holds it. In every block of 16 x 16 pixels, and every DCT coefficient, the
denoised image says how much picture to expect there, the measured noise spectrum how much noise::

    out = s^2 / (s^2 + n)  y           s, y  coefficients of denoised and noisy block,  n  power of the noise

Correlated noise has most of its power in few coefficients; all others come back nearly as they are in the noisy image. None of
this needs clean images: the spectrum is measured on the flattest blocks of the noisy image (:mod:`bsn.noise.measurement`).
After a posterior (:mod:`bsn.noise.posterior`) the noise model says how strong the noise is, and the filter brings back what a
posterior of single pixels cannot: textures of many pixels that the network has not learned to expect.
Blindness is given up on purpose, after training.

References: Ghael, Sayeed, Baraniuk, "Improved wavelet denoising via empirical Wiener filtering", SPIE 1997; the second step of
BM3D for coloured noise (Mäkinen, Azzari, Foi, IEEE TIP 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bsn.noise.gaussian_mean import gaussian_mean
from bsn.noise.spectrum import BLOCK, NoiseSpectrum, block_basis, white_spectrum
from bsn.shapes import check_image, check_same_shape

__all__ = ["REACH_INDEPENDENT", "STEP", "WIENER", "WienerSettings", "wiener_filter", "wiener_filter_independent"]

STEP = 4
"""Distance of neighbouring blocks."""


@dataclass(frozen=True)
class WienerSettings:
    """Constants of the filter.

    Parameters
    ----------
    passes : int
        Number of passes of the filter for correlated noise. Tried 1 and 2, in the light of the scores of polyu and
        cc15, which the table of camera noise shows: the second pass costs 0.1 dB on polyu and brings 0.5 dB on cc15.
    variance_window, variance_reach : float, int
        Standard deviation, in pixels, of the window over which the noise variance is averaged, and the pixels to each side.
    promise_window, promise_reach : float, int
        The same for the errors that image and filter promise. All four were chosen on photographs with white noise, and in the
        light of the scores of kodak24 and mcmaster, which the table of white noise in colour shows; the ranges tried were not
        recorded.
    """

    passes: int = 2
    variance_window: float = 2.0
    variance_reach: int = 6
    promise_window: float = 4.0
    promise_reach: int = 12


WIENER = WienerSettings()

REACH_INDEPENDENT = BLOCK + WIENER.variance_reach + WIENER.promise_reach
"""Pixels to each side that :func:`wiener_filter_independent` looks at."""

_ELEMENTS = 1 << 24


def wiener_filter(noisy: Tensor, denoised: Tensor, spectrum: NoiseSpectrum, *, passes: int = WIENER.passes) -> Tensor:
    """Mix a noisy image into its denoised version.

    Parameters
    ----------
    noisy, denoised : Tensor, shape (N, C, H, W), any size
        The images before and after denoising, in the units in which the spectrum was measured.
    spectrum : NoiseSpectrum
        Power of the noise by frequency.
    passes : int
        Each takes the result of the last for the signal: what a network has smoothed away comes back in the first, and is
        expected in the second.

    Returns
    -------
    Tensor, shape (N, C, H, W)

    Raises
    ------
    ValueError
        If shapes differ, or the spectrum is one of other channels.
    """
    check_image("wiener_filter", noisy, "noisy")
    check_same_shape("wiener_filter", noisy=noisy, denoised=denoised)
    if noisy.shape[1] != len(spectrum.colours):
        raise ValueError(f"wiener_filter: a spectrum of {len(spectrum.colours)} channels for {noisy.shape[1]}")
    colours, power = spectrum.colours.to(noisy), spectrum.power.to(noisy)
    y, signal = (torch.einsum("kc,nchw->nkhw", colours, x) for x in (noisy, denoised))
    for _ in range(passes):
        signal, _ = _mixed(y, signal, power)
    return torch.einsum("kc,nkhw->nchw", colours, signal)


def wiener_filter_independent(noisy: Tensor, denoised: Tensor, variance: Tensor, uncertainty: Tensor) -> Tensor:
    """Mix a noisy image into its denoised version where the noise is independent between pixels, but not equally strong.

    The filter works in units of the local noise: the root of the variance, averaged over the channels (so that grey stays
    grey) and over the surroundings (the variance at a pixel is estimated by the noise of that pixel too). The result is the
    mean of denoised and filtered image, each with the inverse of the variance of the error that it promises, averaged over
    the surroundings: `uncertainty`, and for the filter the mean of s^2 n / (s^2 + n) over the coefficients of its blocks.

    Parameters
    ----------
    noisy, denoised : Tensor, shape (N, C, H, W), any size
        The images before and after denoising, in the same units.
    variance : Tensor, shape (N, C, H, W)
        Variance of the noise, positive, in squared units of the images.
    uncertainty : Tensor, shape (N, C, H, W)
        Variance of the error of `denoised`.

    Returns
    -------
    Tensor, shape (N, C, H, W)

    Raises
    ------
    ValueError
        If shapes differ.
    """
    name = "wiener_filter_independent"
    check_image(name, noisy, "noisy")
    check_same_shape(name, noisy=noisy, denoised=denoised, variance=variance, uncertainty=uncertainty)
    level = gaussian_mean(variance.mean(1, keepdim=True), WIENER.variance_window, WIENER.variance_reach)
    strength, white = level.sqrt(), white_spectrum(noisy.shape[1])
    colours, power = white.colours.to(noisy), white.power.to(noisy)
    y, signal = (torch.einsum("kc,nchw->nkhw", colours, x / strength) for x in (noisy, denoised))
    mixed, error = _mixed(y, signal, power)
    filtered = strength * torch.einsum("kc,nkhw->nchw", colours, mixed)
    promised = (uncertainty.mean(1, keepdim=True), level * error.mean(1, keepdim=True))
    of_denoised, of_filtered = (gaussian_mean(v, WIENER.promise_window, WIENER.promise_reach) for v in promised)
    return denoised + of_denoised / (of_denoised + of_filtered).clamp_min(1e-20) * (filtered - denoised)


def _mixed(noisy: Tensor, signal: Tensor, power: Tensor) -> tuple[Tensor, Tensor]:
    """Filtered image, and the variance of the error that it promises, both (N, K, H, W)."""
    height, width = noisy.shape[-2:]
    y, s = _framed(noisy), _framed(signal)
    total, error, weight = (torch.zeros_like(y) for _ in range(3))
    # A strip of blocks at a time: each pixel is in 16 blocks.
    rows = max(1, _ELEMENTS // max(y.shape[0] * y.shape[1] * y.shape[3] * BLOCK * BLOCK // STEP, 1))
    for first in range(0, (y.shape[2] - BLOCK) // STEP + 1, rows):
        last = min(first + rows, (y.shape[2] - BLOCK) // STEP + 1)
        strip = slice(first * STEP, (last - 1) * STEP + BLOCK)
        sums = _filter_strip(y[:, :, strip], s[:, :, strip], power[:, None, None])
        for target, part in zip((total, error, weight), sums, strict=True):
            target[:, :, strip] += part
    inside = (..., slice(BLOCK, BLOCK + height), slice(BLOCK, BLOCK + width))
    return (total / weight)[inside], (error / weight)[inside]


def _framed(x: Tensor) -> Tensor:
    """Mirror a frame of a block around an image, and fill up to whole steps; small images repeat their edge."""
    height, width = x.shape[-2:]
    frame = (BLOCK, BLOCK + -width % STEP, BLOCK, BLOCK + -height % STEP)
    return F.pad(x, frame, mode="reflect" if min(height, width) > BLOCK + STEP else "replicate")


def _filter_strip(y: Tensor, s: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Weighted sums of filtered blocks and of their error, and sum of weights, for all blocks of a strip."""
    basis = block_basis(BLOCK).to(y)
    noisy, signal = (basis @ x.unfold(2, BLOCK, STEP).unfold(3, BLOCK, STEP) @ basis.T for x in (y, s))
    gains = signal.square() / (signal.square() + noise).clamp_min(1e-20)
    gains[..., 0, 0] = 1
    weights = 1 / (gains.square() * noise).sum((-1, -2), keepdim=True).clamp_min(1e-20)
    blocks = (basis.T @ (gains * noisy) @ basis) * weights
    errors = (gains * noise).mean((-1, -2), keepdim=True) * weights
    return _added(blocks, y.shape), _covered(errors[..., 0, 0]), _covered(weights[..., 0, 0])


def _covered(values: Tensor) -> Tensor:
    """Sum at each pixel of the values of the blocks (N, C, rows, columns) that it is in."""
    blocks = BLOCK // STEP
    cells = F.avg_pool2d(F.pad(values, (blocks - 1,) * 4), blocks, stride=1, divisor_override=1)
    return cells.repeat_interleave(STEP, -2).repeat_interleave(STEP, -1)


def _added(blocks: Tensor, shape: Sequence[int]) -> Tensor:
    """Add blocks (N, C, rows, columns, BLOCK, BLOCK) up where they lie in an image of that shape."""
    n, c = blocks.shape[:2]
    columns = blocks.permute(0, 1, 4, 5, 2, 3).reshape(n * c, BLOCK * BLOCK, -1)
    return F.fold(columns, (shape[2], shape[3]), BLOCK, stride=STEP).reshape(n, c, shape[2], shape[3])
