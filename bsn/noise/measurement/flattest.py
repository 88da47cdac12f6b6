"""Is the noise white? A look at the very flattest parts of the images, where hardly any texture is left.

Noise that is correlated between neighbours is so everywhere; texture, which is correlated too, is not in the flattest parts.
What is white there is white noise, however much texture the rest of the image holds. The noise *level* cannot be taken from
there: cameras smooth flat parts more than others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bsn.noise.measurement.correlation import Correlation, measure_correlation
from bsn.noise.measurement.flat_blocks import cut_blocks

__all__ = ["FLATTEST", "INDEPENDENT", "FlattestParts", "FlattestSettings", "flattest_parts"]

INDEPENDENT = 0.12
"""Correlation of direct neighbours up to which noise counts as white."""


@dataclass(frozen=True)
class FlattestSettings:
    """Constants of the look at the flattest parts.

    They were set on the sets of ``python -m benchmarks.noise_statistics``, which its table shows, and on photographs with noise
    of 2 to 25 grey levels; the ranges tried were not recorded.

    Parameters
    ----------
    side : int
        Side of the blocks in pixels.
    share : float
        Share of the blocks that is looked at.
    fewest : int
        Blocks, at least.
    least : float
        Standard deviation in grey levels: what varies less is rounding as well as noise.
    """

    side: int = 8
    share: float = 0.02
    fewest: int = 16
    least: float = 1.5


FLATTEST = FlattestSettings()


@dataclass(frozen=True)
class FlattestParts:
    """What is left in the flattest parts of images beside a plane.

    Parameters
    ----------
    correlation : Correlation
        Correlation in the parts whose standard deviation is 1.5 grey levels or more.
    blocks : int
        How many these are.
    sigma : float
        Root mean square over all the flattest parts, image values.
    """

    correlation: Correlation
    blocks: int
    sigma: float

    @property
    def strongest_lag(self) -> float:
        """Largest correlation between direct neighbours, by absolute value."""
        return max(self.correlation.x[0], self.correlation.y[0], key=abs)

    @property
    def white(self) -> bool:
        """Whether there is noise, and neighbours do not share it; False also where too little is seen."""
        return self.blocks >= FLATTEST.fewest and abs(self.strongest_lag) <= INDEPENDENT


def flattest_parts(planes: Iterable[np.ndarray], grey_level: float = 0.0, least: float = 0.0) -> FlattestParts:
    """Look at the fiftieth of the 8 x 8 blocks of each channel, 16 at least, with the smallest variance about a plane.

    Parameters
    ----------
    planes : iterable of ndarray, shape (C, H, W), float
        Images of one kind.
    grey_level : float
        Distance of two values of the original dtype (1/255, 1/65535); 0 for floats.
    least : float
        Standard deviation in image values; blocks that vary less are passed over.

    Returns
    -------
    FlattestParts

    Notes
    -----
    Measured on the sets of ``python -m benchmarks.noise_statistics`` and on photographs with added noise of 2 to 25 grey
    levels: white noise shows correlations of at most 0.08, real camera noise of at least 0.24.
    """
    found, squares, count = [], 0.0, 0
    for channel in (channel for image in planes for channel in image):
        blocks = cut_blocks(channel, -np.inf, np.inf, side=FLATTEST.side)
        varied = np.flatnonzero(blocks.variance > least**2)  # clipped skies have none at all
        order = np.argsort(blocks.variance[varied], kind="stable")
        flattest = varied[order[: max(FLATTEST.fewest, round(FLATTEST.share * len(varied)))]]
        variance = blocks.variance[flattest]
        squares, count = squares + float(variance.sum()), count + len(variance)
        found.append(blocks.residual[flattest][variance >= (FLATTEST.least * grey_level) ** 2])
    seen = np.concatenate(found) if found else np.empty((0, FLATTEST.side, FLATTEST.side))
    return FlattestParts(measure_correlation(seen), len(seen), float(np.sqrt(squares / max(count, 1))))
