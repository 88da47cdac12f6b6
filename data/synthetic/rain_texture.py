"""Dense rain: so many streaks of one direction that they are a texture rather than drops."""

from dataclasses import dataclass

import numpy as np

from bsn.data.synthetic.legal import check_parameters
from bsn.data.synthetic.noise_image import Rng, as_clean, as_generator
from bsn.data.synthetic.segments import around_segment

__all__ = ["RainTexture"]


@dataclass(frozen=True)
class RainTexture:
    """A texture of parallel streaks, all of one shape, at random places: one convolution instead of thousands of drawings.

    Parameters
    ----------
    density : float
        Streaks per 1,000 pixels.
    length : float
        Length of the streaks in pixels.
    angle : float
        Direction in degrees from the vertical; positive leans to the right going down.
    width : float
        Thickness of the streaks in pixels (standard deviation of their profile).
    brightness : float
        Light that the brightest streaks add at their middle, in units of [0, 1].

    Raises
    ------
    DataError
        A parameter is out of range.

    Examples
    --------
    >>> rainy = RainTexture()(np.zeros((3, 64, 64), np.float32), rng=0)
    >>> rainy.shape, bool(rainy.max() > 0.05)
    ((3, 64, 64), True)
    """

    density: float = 20.0
    length: float = 9.0
    angle: float = 10.0
    width: float = 0.6
    brightness: float = 0.15

    def __post_init__(self) -> None:
        rules = {
            "density": (self.density, 0 <= self.density <= 1000, "0 to 1000"),
            "length": (self.length, self.length >= 1, "1 or more"),
            "angle": (self.angle, abs(self.angle) < 90, "between -90 and 90"),
            "width": (self.width, self.width > 0, "more than 0"),
            "brightness": (self.brightness, self.brightness >= 0, "0 or more"),
        }
        check_parameters(rules, "no rain is like that")

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
            Clipped to [0, 1]. All channels get the same rain.

        Raises
        ------
        DataError
            Integer or NaN pixels.
        """
        clean = as_clean(image)
        return np.clip(clean + self.streaks(clean.shape[-2:], as_generator(rng)), 0, 1).astype(np.float32)

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
        from scipy.signal import fftconvolve

        generator, streak = as_generator(rng), self._streak()
        # Middles outside the image, whose streaks reach into it, are drawn, too.
        shape = tuple(side + reach - 1 for side, reach in zip(size, streak.shape, strict=True))
        count = int(generator.poisson(self.density * shape[0] * shape[1] / 1000))
        places = generator.integers(shape[0] * shape[1], size=count)
        strengths = self.brightness * generator.uniform(0.3, 1.0, count)
        middles = np.bincount(places, strengths, shape[0] * shape[1]).reshape(shape).astype(np.float32)
        light: np.ndarray = fftconvolve(middles, streak.astype(np.float32), mode="valid")
        return np.maximum(light, 0)

    def _streak(self) -> np.ndarray:
        """One streak in the middle of a small picture, 1 at its middle."""
        half, direction = self.length / 2, np.deg2rad(self.angle)
        side = 2 * int(np.ceil(half + 4 * self.width)) + 1
        found = around_segment((side, side), np.full(2, side // 2), half, direction, side)
        assert found is not None  # the window is the whole picture
        picture: np.ndarray = np.clip(half - np.abs(found.along) + 1, 0, 1)
        return picture * np.exp(-0.5 * (found.across / self.width) ** 2)
