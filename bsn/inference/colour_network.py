"""Which images the network for photographs in colour denoises, of a model that has one.

A network has to choose what it learns well. Of a pair (:class:`bsn.models.LightPair`) the second network has learned nothing
but photographs in colour. Whether an image is one is told by what the first network takes away from two parts of it: how strong
that is, also beside the brightest values, and whether the channels share it, as they do in grey images that are stored as
colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from bsn.inference.judged_plane import JudgedPlane
from bsn.inference.polishing import Polish
from bsn.inference.removed import removed_power

if TYPE_CHECKING:
    from bsn.inference.stages import Network

__all__ = ["COLOUR_NETWORK", "ColourNetwork", "ColourNetworkSettings"]


@dataclass(frozen=True)
class ColourNetworkSettings:
    """Constants of the choice.

    Parameters
    ----------
    darkest : float
        Strongest noise as a share of the brightest values, for dark images: networks without biases see a dark image as a
        bright one with stronger noise.
    shared : float
        Correlation of the channels from which on their noise is taken to be one.
    """

    darkest: float = 0.3
    shared: float = 0.5


COLOUR_NETWORK = ColourNetworkSettings()
_APART = 7  # values of which one is looked at for the brightest


@dataclass(frozen=True)
class ColourNetwork:
    """The network for photographs in colour, and when it is taken.

    Parameters
    ----------
    network : callable
        Maps (N, C, H, W) in network values to the same.
    judge : Polish
        The network for all images: what it takes away is the noise that it sees.
    strongest : float
        Standard deviation of the strongest noise for which it is taken, image values.
    grid : int
        Regions in which it looks start at multiples of this.
    """

    network: Network
    judge: Polish
    strongest: float
    grid: int

    @torch.no_grad()
    def fits(self, plane: JudgedPlane) -> bool:
        """Whether a plane is one for this network.

        Parameters
        ----------
        plane : JudgedPlane
            The noisy plane.

        Returns
        -------
        bool
        """
        noisy = plane.glance(self.grid).noisy
        if noisy[0].shape[1] == 1:
            return False
        results = [self.judge(part) for part in noisy]
        brightest = float(torch.cat([result.flatten()[::_APART] for result in results]).quantile(0.99))
        if removed_power(noisy, results) > min(self.strongest, COLOUR_NETWORK.darkest * max(brightest, 0)) ** 2:
            return False
        removed = torch.cat([(part - result)[0].flatten(1) for part, result in zip(noisy, results, strict=True)], 1)
        channels = len(removed)
        shared = (torch.corrcoef(removed.double()).sum() - channels) / (channels * (channels - 1))
        return bool(shared < COLOUR_NETWORK.shared)
