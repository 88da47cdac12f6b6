"""Which planes get the second pass by the model in the box for cameras, and the mean of two opinions.

The Wiener filter takes noise to be equally correlated everywhere. JPEG breaks that: it takes fine noise away where the picture
is flat and leaves it in texture, so the noise that is measured in flat places is too weak for the rest, and the second pass
finds what the filter has left. In files without JPEG the filter is right, and where noise is weak the second pass takes fine
picture away. Where noise is strong, there is little fine picture that it could take, and it knows pictures better, unless the
first pass has taken the picture already.

Whether there is a second pass or not, the result is the mean of it and of what the model in the box makes of the noisy image by
itself. The two err in different ways: the one, which has learned from noisy images alone, loses fine picture, the other leaves
noise that no simulated camera has. On the training part of PolyU the mean neither gains nor costs (2.06 dB over the noisy image
beside 2.04), and where images are far from those that the network was trained on, it saves what the network has lost: of eleven
simulated cameras with JPEG, for a network trained on PolyU, the worst loses 0.9 dB instead of 4.0, and the mean gain grows from
1.0 to 2.0 dB (these cameras are of the kind that the model in the box was trained on, so real ones gain less).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bsn.inference.judged_plane import JudgedPlane, JudgedRegions
from bsn.inference.mixing.choosing import SHORT_TRAINING
from bsn.inference.polishing import Polish
from bsn.inference.removed import removed_power, value_span
from bsn.inference.stages import Place
from bsn.noise.measurement.jpeg_grid import grid_strength

__all__ = ["POLISH_CHOICE", "PolishChoice", "PolishChoiceSettings"]


@dataclass(frozen=True)
class PolishChoiceSettings:
    """Constants of the choice.

    Chosen on the training part of PolyU (55 JPEG files), and on 29 simulated cameras, each without JPEG and with one of a
    quality from 70 to 100. Grids of strength 1.06 to 1.75 are seen in PolyU, and of at most 1.03 in files without JPEG, 1.05 in
    crops of 96 x 96 pixels. Above a quality of 90, grids are not told from none, and JPEG hardly changes the noise.

    Parameters
    ----------
    grid : float
        Strength from which on the grid of JPEG is seen, see :func:`bsn.noise.measurement.jpeg_grid.grid_strength`.
    strong : float
        Noise from which on it is strong, as a share of the range of values: that from which on results of short trainings are
        mixed.
    more : float
        Factor by which a first result may remove more than the model sees, in standard deviations. Of the simulated cameras
        with strong noise, those with less gain up to 0.6 dB by the second pass, but for one that loses 0.1 dB; those with more
        lose 0.2 to 0.6 dB.
    """

    grid: float = 1.06
    strong: float = SHORT_TRAINING.strong
    more: float = 1.5


POLISH_CHOICE = PolishChoiceSettings()


@dataclass(frozen=True)
class PolishChoice:
    """Decide by the noisy image alone.

    Parameters
    ----------
    judge : callable
        The model that polishes. What it takes away from the noisy image is the noise that it sees.
    grid : int
        Regions in which it looks start at multiples of this.
    """

    judge: Polish
    grid: int

    @torch.no_grad()
    def __call__(self, plane: JudgedPlane, first: Callable[[Tensor, Place], Tensor]) -> bool:
        """Decide for a plane.

        Parameters
        ----------
        plane : JudgedPlane
            The noisy plane.
        first : callable
            Maps a region of it and its place to the result of the first pass.

        Returns
        -------
        bool
            Whether it gets the second pass.
        """
        if grid_strength(plane.measured()) >= POLISH_CHOICE.grid:
            return True
        sample = plane.judged(self.grid)
        power = self._seen(sample)
        if power < _strong(sample):
            return False
        return removed_power(sample.noisy, sample.results(first)) <= POLISH_CHOICE.more**2 * power

    @torch.no_grad()
    def sees_strong_noise(self, sample: JudgedRegions) -> bool:
        """Whether the noise of a plane is strong.

        Parameters
        ----------
        sample : JudgedRegions
            Regions of the plane.

        Returns
        -------
        bool
        """
        return self._seen(sample) >= _strong(sample)

    def _seen(self, sample: JudgedRegions) -> float:
        """Power of the noise that the judge sees."""
        return removed_power(sample.noisy, [self.judge(part) for part in sample.noisy])


def _strong(sample: JudgedRegions) -> float:
    """Power from which on noise is strong."""
    return (POLISH_CHOICE.strong * value_span(sample.noisy)) ** 2
