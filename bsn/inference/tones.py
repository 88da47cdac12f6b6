"""Strong noise of rendered photographs: their tones are those of the median, not of the mean.

A camera bends what it measures by a tone curve and cuts it at black and white. Noise that was symmetric before is not
afterwards: where the curve bends down, as it does nearly everywhere, the mean of the noisy values is darker than the scene.
Whatever estimates that mean, a filter or a network that learned from noisy images alone, gives a result that is too dark, by
half the second derivative of the curve times the variance of the noise. The median stays where it is under any rising curve. So
the result gets, for each channel, the median of what was removed: then half of the noisy pixels are brighter, and half darker.
A result that is the median already stays as it is.

It is measured at four levels of brightness, of the surroundings rather than of the pixel itself, so that errors of the result
are not taken for brightness, and never exceeds the skew of what was removed: a model that has learned what a sensor does to
dark skies may miss mean and median alike, and be right. For results on simulated cameras in poor light see
``benchmarks/tones.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.noise.gaussian_mean import gaussian_mean

__all__ = ["Tones", "measure_tones"]

_SMOOTH, _REACH = 10.0, 30  # pixels over which the result is averaged for the brightness of its surroundings
_LEVELS = 4
_FEWEST = 1000  # pixels of a level
_STEEPEST = -0.5  # slope of the correction from which on tones could change places


@dataclass(frozen=True)
class Tones:
    """Correction of the tones of a result.

    Parameters
    ----------
    levels : Tensor, shape (K, C)
        Rising values of each channel, in image values.
    offsets : Tensor, shape (K, C)
        What is added at these; straight between them, constant beyond.
    """

    levels: Tensor
    offsets: Tensor

    def __call__(self, image: Tensor) -> Tensor:
        """Correct a result.

        Parameters
        ----------
        image : Tensor, shape (N, C, H, W)
            Image values.

        Returns
        -------
        Tensor, same shape
        """
        levels, offsets = (found.to(image)[:, None, :, None, None] for found in (self.levels, self.offsets))
        result = image + offsets[0]
        for place in range(1, len(levels)):
            share = ((image - levels[place - 1]) / (levels[place] - levels[place - 1])).clamp(0, 1)
            result = result + share * (offsets[place] - offsets[place - 1])
        return result

    @property
    def largest(self) -> float:
        """The largest correction, in image values, with its sign."""
        return float(self.offsets.flatten()[self.offsets.abs().argmax()])


def measure_tones(noisy: Sequence[Tensor], results: Sequence[Tensor]) -> Tones | None:
    """Measure by how much a result misses the median.

    Parameters
    ----------
    noisy, results : sequence of Tensor, shape (1, C, h, w)
        Regions of an image and their results, in image values.

    Returns
    -------
    Tones or None
        None where there are too few pixels.
    """
    around = [gaussian_mean(result, _SMOOTH, _REACH) for result in results]
    removed = [seen.double() - result for seen, result in zip(noisy, results, strict=True)]
    known = zip(_by_channel(around), _by_channel(removed), strict=True)
    found = [_channel(level, difference) for level, difference in known]
    if any(one is None for one in found):
        return None
    levels, offsets = zip(*(one for one in found if one is not None), strict=True)
    return Tones(torch.stack(levels, 1), torch.stack(offsets, 1))


def _by_channel(regions: Sequence[Tensor]) -> Tensor:
    """Values of all regions, shape (C, N)."""
    return torch.cat([region[0].flatten(1) for region in regions], 1)


def _channel(level: Tensor, removed: Tensor) -> tuple[Tensor, Tensor] | None:
    """Levels and offsets of a channel, of the brightness around pixels and what was removed of them, shape (N,)."""
    known = removed.isfinite() & level.isfinite()
    level, removed = level[known].double(), removed[known]
    if len(removed) < _FEWEST * _LEVELS:
        return None
    parts = level.argsort().tensor_split(_LEVELS)
    levels = torch.stack([level[part].median() for part in parts])
    offsets = torch.stack([_offset(removed[part]) for part in parts])
    rises = levels.diff()
    if bool((rises <= 0).any()) or bool((offsets.diff() <= _STEEPEST * rises).any()):
        levels = torch.linspace(0, 1, _LEVELS, dtype=level.dtype, device=level.device)
        offsets = _offset(removed).expand(_LEVELS)
    return levels, offsets


def _offset(removed: Tensor) -> Tensor:
    """Median of what was removed, as far as that is because it is skewed."""
    median = removed.median()
    skew = median - removed.mean()
    return skew.sign() * torch.minimum((median * skew.sign()).clamp(min=0), skew.abs())
