"""Dense rain: so many streaks of one direction that they are a texture rather than drops."""

from dataclasses import dataclass

import numpy as np

from bsn.data.errors import DataError
from bsn.data.synthetic.legal import check_parameters
from bsn.data.synthetic.noise_image import Rng, as_clean, as_generator
from bsn.data.synthetic.segments import along_and_across, streak_profile

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
            "density": (0 <= self.density <= 1000, "0 to 1000"),
            "length": (self.length >= 1, "1 or more"),
            "angle": (abs(self.angle) < 90, "between -90 and 90"),
            "width": (self.width > 0, "more than 0"),
            "brightness": (self.brightness >= 0, "0 or more"),
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
        generator = as_generator(rng)
        # Middles outside the image, whose streaks reach into it, are drawn, too.
        shape = (size[0] + 2 * self.reach, size[1] + 2 * self.reach)
        count = int(generator.poisson(self.density * shape[0] * shape[1] / 1000))
        places = generator.integers(shape[0] * shape[1], size=count)
        strengths = self.brightness * generator.uniform(0.3, 1.0, count)
        return self.light_from(np.bincount(places, strengths, shape[0] * shape[1]).reshape(shape))

    @property
    def reach(self) -> int:
        """Pixels from the middle of a streak within which it is drawn, along rows and columns."""
        return int(np.ceil(self.length / 2 + 4 * self.width))

    def light_from(self, middles: np.ndarray) -> np.ndarray:
        """Light of streaks at given places; `density` and `brightness` have no part in it.

        Parameters
        ----------
        middles : ndarray, shape (H + 2 reach, W + 2 reach)
            Light at the middles of the streaks, 0 elsewhere: pixels of the image and of a frame of `reach` around it.

        Returns
        -------
        ndarray, shape (H, W), float32, not negative

        Raises
        ------
        DataError
            If the frame leaves no pixel of an image.
        """
        from scipy.signal import fftconvolve

        if min(middles.shape) <= 2 * self.reach:
            raise DataError(
                f"middles of shape {middles.shape}",
                f"a frame of {self.reach} pixels leaves no image",
                f"give more than {2 * self.reach} rows and columns",
            )
        side = np.arange(-self.reach, self.reach + 1)
        along, across = along_and_across(side[:, None], side[None], (0, 0), np.deg2rad(self.angle))
        streak = streak_profile(along, across, self.length / 2, self.width).astype(np.float32)
        light: np.ndarray = fftconvolve(middles.astype(np.float32, copy=False), streak, mode="valid")
        return np.maximum(light, 0)
