"""Whether the neighbouring pixels of one image share their noise: a quick look, by which a model is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.noise.measurement import flattest_parts, usable
from bsn.noise.measurement.flattest import FLATTEST
from bsn.noise.robust import used_range

__all__ = ["NEIGHBOURS", "NeighbourNoise", "NeighbourSettings", "neighbour_noise"]


@dataclass(frozen=True)
class NeighbourSettings:
    """From where on noise is called correlated.

    Parameters
    ----------
    strong : float
        Correlation of neighbours from which a model for white noise fails.
    weakest : float
        Least standard deviation for that, as a share of the values that the image uses. What varies less in flat parts is
        the picture as well as noise.
    levels : float
        Least standard deviation for that in grey levels of the original type; what varies less is rounding.
    faint : float
        Standard deviation of the flattest parts, as a share of the least one, from which on louder parts are asked: noise of
        cameras is stronger in brighter places.
    surely : float
        Correlation of neighbours in louder parts from which a model for white noise fails; texture is correlated, too.
    """

    strong: float = 0.2
    weakest: float = 0.006
    levels: float = 1.5
    faint: float = 0.5
    surely: float = 0.5


NEIGHBOURS = NeighbourSettings()


@dataclass(frozen=True)
class NeighbourNoise:
    """Noise in the flattest parts of an image.

    Parameters
    ----------
    correlation : float
        Of direct neighbours, the larger one of the two directions by absolute value.
    sigma : float
        Standard deviation there, in image values.
    least : float
        Standard deviation from which on it is noise rather than picture or rounding, in image values.
    louder : float, optional
        Correlation in the flattest of the parts above that standard deviation, where the flattest of all are below it. None
        where they were not asked.
    """

    correlation: float
    sigma: float
    least: float
    louder: float | None = None

    @property
    def shared(self) -> bool:
        """Whether neighbours share noise that is strong enough to be told from rounding."""
        if self.louder is not None:
            return self.louder > NEIGHBOURS.surely
        return self.correlation > NEIGHBOURS.strong and self.sigma > self.least

    @property
    def strongest(self) -> float:
        """The correlation by which the noise was judged."""
        return self.correlation if self.louder is None else self.louder


def neighbour_noise(image: np.ndarray, grey_level: float = 0.0) -> NeighbourNoise:
    """Look at the flattest parts of an image.

    Parameters
    ----------
    image : ndarray, shape (C, H, W), float
        Image values; missing ones are not finite.
    grey_level : float
        Distance of two values of the original dtype (1/255, 1/65535); 0 for floats.

    Returns
    -------
    NeighbourNoise

    Raises
    ------
    data.DataError
        If nothing of the image can be used.

    Notes
    -----
    Of the 54 photographs of Kodak, McMaster and Set12 none shares its noise with white noise of 5, 15 or 30 grey levels and
    all do with noise blurred by 0.7 pixels, as do SIDD's noisy blocks and all files of CC15 and Nam; with white noise of 2 grey
    levels two do, and without any noise eight, for their texture.
    """
    measured = usable(image, grey_level).measured
    seen = flattest_parts([measured], grey_level)
    _, span = used_range(image)
    least = max(NEIGHBOURS.weakest * min(span, 1.0), NEIGHBOURS.levels * grey_level)
    louder = None
    if NEIGHBOURS.faint * least < seen.sigma <= least:
        above = flattest_parts([measured], grey_level, least)
        louder = above.strongest_lag if above.blocks >= FLATTEST.fewest else None
    return NeighbourNoise(seen.strongest_lag, seen.sigma, least, louder)
