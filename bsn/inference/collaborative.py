"""A Wiener filter over a frame and its aligned neighbours together, which takes denoised versions of them for the picture.

Blocks of the aligned frames are transformed over rows, columns, and frames. A coefficient whose power in the denoised frames
is p, under noise of the variance v, is multiplied by p / (p + v), the best linear estimate of it. Texture that a network
smooths away is small in one frame and adds up over several. The filter with a denoised version as its picture is the second
step of Dabov et al., "Image denoising by sparse 3-D transform-domain collaborative filtering", IEEE TIP 16 (2007), and of
Maggioni et al., "Nonlocal transform-domain filter for volumetric data denoising and reconstruction", IEEE TIP 22 (2013); here
the third axis is that of the frames, brought to their places as in :mod:`bsn.inference.alignment`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import fold

__all__ = ["COLLABORATION", "CollaborationSettings", "collaborative_filter"]


@dataclass(frozen=True)
class CollaborationSettings:
    """How blocks of aligned frames are filtered, and what of the result is taken.

    Chosen on six clips of seven frames, in which parts of free photographs move by 0 to 3 pixels a frame, with noise of 12, 20
    and 30 of 255 and Poisson-Gaussian noise. Tried: sides of 6, 8 and 12, steps of 2, 3 and 4, shares of 0.5 to 1, noise of 0.6
    to 1.3 times the measured one.

    Parameters
    ----------
    side : int
        Side of the blocks, in pixels.
    step : int
        Distance of neighbouring blocks, in pixels.
    share : float
        Share of the filter in the mean of it and of the denoised frame that it started from.
    correlation : float
        Noise whose neighbouring pixels are measured to be correlated by more than this is not filtered, since its power is not
        the same in all coefficients. White noise on small frames full of texture is measured as correlated by up to 0.4, noise
        of correlation 0.5 by 0.47 and more.
    measured : int
        Frames of a stack on which the noise is measured.
    removed : float
        Least noise variance, as a share of what the denoiser removed around a pixel, where the measured curve falls below it.
    coefficients : int
        Most coefficients that are held at once; this bounds the memory.
    """

    side: int = 8
    step: int = 2
    share: float = 0.7
    correlation: float = 0.3
    measured: int = 8
    removed: float = 0.5
    coefficients: int = 4_000_000


COLLABORATION = CollaborationSettings()


def collaborative_filter(
    noisy: np.ndarray,
    denoised: np.ndarray,
    variance: np.ndarray,
    number: int,
    settings: CollaborationSettings = COLLABORATION,
) -> np.ndarray:
    """Filter one of several aligned frames together with the others.

    Parameters
    ----------
    noisy, denoised : ndarray, shape (N, H, W), float32
        One channel of frames that show the same picture at the same place, as far as they do, and denoised versions of them.
    variance : ndarray, shape (N, H, W)
        Variance of the noise, positive.
    number : int
        The frame that is wanted, from 0.
    settings : CollaborationSettings
        Size and distance of the blocks.

    Returns
    -------
    ndarray, shape (H, W), float32
        The filtered frame: a mean of all blocks around each pixel, weighed by how little noise they keep.
    """
    count, height, width = noisy.shape
    side, step = settings.side, settings.step
    reach = ((0, 0), (side, 2 * side), (side, 2 * side))
    padded = [
        torch.from_numpy(np.pad(x, reach, mode="symmetric").astype(np.float32)) for x in (noisy, denoised, variance)
    ]
    # A window that falls off towards its edges hides where blocks end.
    window = torch.from_numpy(np.outer(*[np.kaiser(side, 2.0)] * 2).astype(np.float32))
    over_frames, over_pixels = _cosines(count), _cosines(side)
    total, weight = torch.zeros_like(padded[0][0]), torch.zeros_like(padded[0][0])
    for top, bottom in _strips(padded[0].shape[1:], count, settings):
        blocks, pictures, spread = (
            x[:, top:bottom].unfold(1, side, step).unfold(2, side, step) for x in padded
        )  # each (N, rows, columns, side, side)
        power = _transformed(pictures, over_frames, over_pixels).square()
        gain = power / (power + spread.mean((0, 3, 4))[:, :, None, None])
        kept = gain * _transformed(blocks, over_frames, over_pixels)
        own = torch.einsum("n,nabuv,us,vt->abst", over_frames[:, number], kept, over_pixels, over_pixels)
        noise_left = spread.mean((0, 3, 4)) * gain.square().sum((0, 3, 4))
        weights = window / noise_left.clamp_min(1e-12)[:, :, None, None]
        region = (slice(top, top + (own.shape[0] - 1) * step + side), slice(0, (own.shape[1] - 1) * step + side))
        total[region] += _added(own * weights, step)
        weight[region] += _added(weights, step)
    inner = (slice(side, side + height), slice(side, side + width))
    return (total[inner] / weight[inner]).numpy()


def _strips(size: torch.Size, count: int, settings: CollaborationSettings) -> Iterator[tuple[int, int]]:
    """First row and the row after the last of each strip of blocks, such that few coefficients are held at once."""
    rows = (size[0] - settings.side) // settings.step + 1
    columns = (size[1] - settings.side) // settings.step + 1
    each = max(1, settings.coefficients // (columns * count * settings.side**2))
    for first in range(0, rows, each):
        last = min(first + each, rows) - 1
        yield first * settings.step, last * settings.step + settings.side


def _cosines(size: int) -> Tensor:
    """Orthonormal discrete cosine transform, one row for each frequency."""
    from scipy.fft import dct

    return torch.from_numpy(dct(np.eye(size), axis=0, norm="ortho").astype(np.float32))


def _transformed(blocks: Tensor, over_frames: Tensor, over_pixels: Tensor) -> Tensor:
    return torch.einsum("nm,mabst,us,vt->nabuv", over_frames, blocks, over_pixels, over_pixels)


def _added(blocks: Tensor, step: int) -> Tensor:
    """Sum of overlapping blocks (rows, columns, side, side) at their places."""
    rows, columns, side, _ = blocks.shape
    size = ((rows - 1) * step + side, (columns - 1) * step + side)
    return fold(blocks.permute(2, 3, 0, 1).reshape(1, side * side, rows * columns), size, side, stride=step)[0, 0]
