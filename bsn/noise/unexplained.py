"""How much of what was removed from an image its noise cannot explain."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

__all__ = ["UNEXPLAINED", "UnexplainedSettings", "unexplained_share"]


@dataclass(frozen=True)
class UnexplainedSettings:
    """Constants of the comparison.

    Parameters
    ----------
    side : int
        Side of the blocks in pixels: large enough that the power of correlated noise in them hardly varies by chance.
    factor : float
        Power, relative to that of the measured noise, that still counts as noise. Noise is measured where the picture is
        flat, and cameras and JPEG leave more of it elsewhere: on the training part of PolyU (55 images), nine blocks of ten
        of good results hold up to 1.7 times the measured power, those of a typical image up to 1.1 times.
    """

    side: int = 32
    factor: float = 1.5


UNEXPLAINED = UnexplainedSettings()


def unexplained_share(removed: Tensor, expected: Tensor) -> float:
    """Share of the removed power, block by block, that exceeds what noise of the expected power can be.

    Parameters
    ----------
    removed : Tensor, shape (N, C, H, W)
        Noisy image minus denoised image.
    expected : Tensor, shape (N, C, H, W), or one that broadcasts to it
        Variance of the noise at each pixel, in squared units of `removed`.

    Returns
    -------
    float
        0 where every block of 32 x 32 pixels lost at most 1.5 times the power of its noise, near 1 where picture was removed.

    Examples
    --------
    >>> import torch
    >>> noise = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    >>> unexplained_share(noise, torch.ones(1)), round(unexplained_share(3 * noise, torch.ones(1)), 1)
    (0.0, 0.8)
    """
    found, allowed = (_blocks(x.expand(removed.shape)) for x in (removed.double().square(), expected.double()))
    total = float(found.sum())
    return float((found - UNEXPLAINED.factor * allowed).clamp_min(0).sum()) / total if total > 0 else 0.0


def _blocks(power: Tensor) -> Tensor:
    """Sums over channels and blocks; zeros beyond the edges."""
    height, width = power.shape[-2:]
    side = min(UNEXPLAINED.side, height, width)
    whole = F.pad(power.sum(1, keepdim=True), (0, -width % side, 0, -height % side))
    return F.avg_pool2d(whole, side, divisor_override=1)
