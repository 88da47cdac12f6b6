"""Synthetic rain, for demonstrations and tests: streaks in layers of different distance, and a veil of far drops."""

from dataclasses import dataclass

import numpy as np

from bsn.data.synthetic.legal import check_parameters
from bsn.data.synthetic.noise_image import Rng, as_clean, as_generator
from bsn.data.synthetic.segments import around_segment, streak_profile

__all__ = ["SyntheticRain"]

_VEIL_LIGHT = 0.75


@dataclass(frozen=True)
class SyntheticRain:
    """Bright streaks of one direction over an image, and haze.

    Parameters
    ----------
    density : float
        Streaks per 1,000 pixels and layer.
    length : float
        Mean length of the streaks of the nearest layer in pixels.
    angle : float
        Direction in degrees from the vertical; positive leans to the right going down.
    spread : float
        Standard deviation of the direction in degrees.
    width : float
        Thickness of the streaks in pixels (standard deviation of their profile).
    brightness : float
        Light that a streak adds at its middle, in units of [0, 1].
    layers : int
        Each further layer has shorter and fainter streaks.
    veil : float
        Share of light from the haze, 0 to 1.

    Raises
    ------
    DataError
        A parameter is out of range.

    Examples
    --------
    >>> rainy = SyntheticRain()(np.zeros((3, 64, 64), np.float32), rng=0)
    >>> rainy.shape, bool(rainy.min() >= 0), bool(rainy.max() > 0.2)
    ((3, 64, 64), True, True)
    """

    density: float = 1.0
    length: float = 20.0
    angle: float = 10.0
    spread: float = 3.0
    width: float = 0.7
    brightness: float = 0.5
    layers: int = 2
    veil: float = 0.1

    def __post_init__(self) -> None:
        rules = {
            "density": (self.density >= 0, "0 or more"),
            "length": (self.length >= 1, "1 or more"),
            "angle": (abs(self.angle) < 90, "between -90 and 90"),
            "spread": (self.spread >= 0, "0 or more"),
            "width": (self.width > 0, "more than 0"),
            "brightness": (self.brightness >= 0, "0 or more"),
            "layers": (self.layers >= 0, "0 or more"),
            "veil": (0 <= self.veil <= 1, "from 0 to 1"),
        }
        check_parameters(self, rules, "no rain is like that")

    def __call__(self, image: np.ndarray, rng: Rng) -> np.ndarray:
        """Rain on a clean image.

        Parameters
        ----------
        image : ndarray, shape (..., H, W), float
            Range [0, 1].
        rng : numpy.random.Generator or int
            The generator, or a seed for one.

        Returns
        -------
        ndarray, same shape, float32
            Clipped to [0, 1], as cameras do. All channels get the same rain.

        Raises
        ------
        DataError
            Integer or NaN pixels.
        """
        clean, generator = as_clean(image), as_generator(rng)
        hazy = clean * (1 - self.veil) + _VEIL_LIGHT * self.veil
        return np.clip(hazy + self.streaks(clean.shape[-2:], generator), 0, 1).astype(np.float32)

    def streaks(self, size: tuple[int, int], rng: Rng) -> np.ndarray:
        """Light that the streaks add.

        Parameters
        ----------
        size : tuple of int
            (H, W).
        rng : numpy.random.Generator or int
            Generator, or the seed of a new one.

        Returns
        -------
        ndarray, shape (H, W), float32, not negative
        """
        generator, light = as_generator(rng), np.zeros(size, np.float32)
        for layer in range(self.layers):
            share = 0.7**layer
            count = generator.poisson(self.density * size[0] * size[1] / 1000)
            for _ in range(int(count)):
                self._draw(light, generator, share)
        return light

    def _draw(self, light: np.ndarray, generator: np.random.Generator, share: float) -> None:
        """Add one streak at a random place."""
        height, width = light.shape
        centre = generator.uniform(0, 1, 2) * (height, width)
        half = 0.5 * max(self.length * share * generator.lognormal(0, 0.3), 1.0)
        direction = np.deg2rad(self.angle + self.spread * generator.standard_normal())
        strength = self.brightness * share * generator.uniform(0.4, 1.0)
        found = around_segment((height, width), centre, half, direction, 4 * self.width)
        if found is not None:
            light[found.window] += streak_profile(found.along, found.across, half, self.width, strength)
