"""Whether the neighbouring pixels of one image share their noise: a quick look, by which a model is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.noise.measurement import flattest_parts, usable

__all__ = ["NEIGHBOURS", "NeighbourNoise", "NeighbourSettings", "neighbour_noise"]


@dataclass(frozen=True)
class NeighbourSettings:
    """From where on noise is called correlated.

    Parameters
    ----------
    strong : float
        Correlation of neighbours from which a model for white noise fails.
    weakest : float
        Least standard deviation, in image values, for that: 1.5 grey levels of 255. What varies less in flat parts is the
        picture or its rounding as well as noise.
    """

    strong: float = 0.2
    weakest: float = 0.006


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
    """

    correlation: float
    sigma: float

    @property
    def shared(self) -> bool:
        """Whether neighbours share noise that is strong enough to be told from rounding."""
        return self.correlation > NEIGHBOURS.strong and self.sigma > NEIGHBOURS.weakest


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
    all do with noise blurred by 0.7 pixels, as do SIDD's noisy blocks; without any noise six do, for their texture.
    """
    seen = flattest_parts([usable(image, grey_level).measured], grey_level)
    return NeighbourNoise(seen.strongest_lag, seen.sigma)
