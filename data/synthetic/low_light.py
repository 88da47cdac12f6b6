"""Photographs taken with too little light: few photons, an amplifier's noise, a colour cast, and a file of 8 bits."""

from dataclasses import dataclass

import numpy as np

from bsn.data.errors import DataError
from bsn.data.synthetic.camera.tone import to_linear, to_srgb
from bsn.data.synthetic.legal import check_parameters
from bsn.data.synthetic.noise import PoissonGaussian
from bsn.data.synthetic.noise_image import Rng, as_clean_channels, as_generator

__all__ = ["LowLight"]


@dataclass(frozen=True)
class LowLight:
    """A short exposure of a photograph.

    In linear light, each channel is multiplied by `exposure` and its part of `cast`, and gets photon noise and read-out noise.
    What the sensor then holds is clipped, goes through the curve of sRGB and the power `gamma`, and is rounded to whole grey
    levels.

    Parameters
    ----------
    exposure : float
        Share of the light that is left, more than 0, at most 1.
    gain : float
        Signal of one photon in units of linear light [0, 1]; 0 for no photon noise.
    read_noise : float
        Standard deviation of the amplifier's noise in the same units.
    cast : tuple of float, optional
        Factor of each channel; None for no cast.
    gamma : float
        Power of the values of the file; more than 1 darkens the middle.
    levels : int
        Largest grey level of the file, to whole ones of which values are rounded; 0 for no rounding.

    Raises
    ------
    DataError
        A parameter is out of range.

    Examples
    --------
    >>> dark = LowLight(exposure=0.5, gain=0.0, read_noise=0.0)(np.ones((1, 2, 2)), rng=0)
    >>> (255 * dark).round().tolist()  # half of the light is no half of the value
    [[[188.0, 188.0], [188.0, 188.0]]]
    """

    exposure: float = 0.1
    gain: float = 1e-3
    read_noise: float = 2e-3
    cast: tuple[float, ...] | None = None
    gamma: float = 1.0
    levels: int = 255

    def __post_init__(self) -> None:
        PoissonGaussian(self.gain, self.read_noise)  # refuses what is negative
        rules = {
            "exposure": (0 < self.exposure <= 1, "more than 0, at most 1"),
            "cast": (self.cast is None or all(0 < c < float("inf") for c in self.cast), "positive factors"),
            "gamma": (0 < self.gamma < float("inf"), "more than 0"),
            "levels": (self.levels >= 0, "0 or more"),
        }
        check_parameters(self, rules, "no photograph is like that")

    def __call__(self, image: np.ndarray, rng: Rng) -> np.ndarray:
        """Take the photograph.

        Parameters
        ----------
        image : ndarray, shape (C, H, W), float
            Well exposed, in sRGB, range [0, 1].
        rng : numpy.random.Generator or int
            The generator, or a seed for one.

        Returns
        -------
        ndarray, shape (C, H, W), float32
            In [0, 1].

        Raises
        ------
        DataError
            Integer, NaN or negative pixels; other than three axes; a cast of another number of channels.
        """
        clean = as_clean_channels(image)
        factors = np.ones(len(clean)) if self.cast is None else np.array(self.cast)
        if len(factors) != len(clean):
            raise DataError(
                f"a cast of {len(factors)} channels", f"the image has {len(clean)}", "give one factor for each channel"
            )
        light = to_linear(clean.astype(np.float64)) * self.exposure * factors[:, None, None]
        seen = PoissonGaussian(self.gain, self.read_noise)(light, as_generator(rng)).astype(np.float64)
        values = to_srgb(np.clip(seen, 0, 1)) ** self.gamma
        stored: np.ndarray = np.rint(values * self.levels) / self.levels if self.levels else values
        return stored.astype(np.float32)
