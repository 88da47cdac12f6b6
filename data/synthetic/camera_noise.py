"""Noise of a digital camera: made on the sensor, then changed by everything between sensor and file.

A sensor sees one colour per pixel. Its noise is independent between pixels and grows with the light (Poisson), and the
amplifier adds a constant part (Gaussian). Then white balance multiplies red and blue, demosaicing takes the missing colours
from neighbours, which therefore share noise, the tone curve lifts the noise of the shadows, and JPEG takes away fine noise
where the picture is flat and adds its own errors where it is not. All of this is simulated step by step.
"""

from dataclasses import dataclass

import numpy as np

from bsn.data.errors import DataError
from bsn.data.synthetic.camera.bayer import demosaic, mosaic
from bsn.data.synthetic.camera.tone import to_linear, to_srgb
from bsn.data.synthetic.jpeg import jpeg_compressed
from bsn.data.synthetic.noise import PoissonGaussian
from bsn.data.synthetic.noise_image import Rng, as_clean, as_generator

__all__ = ["SensorNoise"]


@dataclass(frozen=True)
class SensorNoise:
    """Noise as a camera's JPEG files have it.

    Parameters
    ----------
    gain : float
        Signal of one photon in units of the sensor's range [0, 1]; not negative.
    read_noise : float
        Standard deviation of the amplifier's noise in the same units; not negative.
    white_balance : tuple of float
        Factors for red and blue, green having 1; positive. The sensor sees these colours that much darker.
    quality : int, optional
        JPEG quality, 1 to 100; without it, the result is only rounded to 8 bits. Below 90, colours have half the resolution.

    Raises
    ------
    DataError
        A parameter outside its range.

    Examples
    --------
    >>> noise = SensorNoise(gain=0.002, read_noise=0.004, quality=90)
    >>> grey = np.full((3, 64, 64), 0.5, np.float32)
    >>> noisy = noise(grey, rng=0)
    >>> noisy.shape, bool(abs(noisy.mean() - noise.clean(grey).mean()) < 0.01)
    ((3, 64, 64), True)
    """

    gain: float
    read_noise: float = 0.0
    white_balance: tuple[float, float] = (2.0, 1.5)
    quality: int | None = None

    def __post_init__(self) -> None:
        PoissonGaussian(self.gain, self.read_noise)  # refuses what is negative
        if not all(0 < factor < float("inf") for factor in self.white_balance):
            raise DataError(f"white balance {self.white_balance}", "factors are positive", "use for example (2.0, 1.5)")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise DataError(f"JPEG quality {self.quality}", "it goes from 1 to 100", "use for example 90")

    def __call__(self, image: np.ndarray, rng: Rng) -> np.ndarray:
        """Take a photograph of a clean picture.

        Parameters
        ----------
        image : ndarray, shape (3, H, W), float
            Red, green and blue in sRGB, range [0, 1]; at least 2 x 2 pixels.
        rng : numpy.random.Generator or int
            The generator, or a seed for one.

        Returns
        -------
        ndarray, same shape, float32
            Multiples of 1/255 in [0, 1], as a file would hold them.

        Raises
        ------
        DataError
            Integer, NaN or negative pixels, or another shape.
        """
        raw = self._sensor(image)
        seen = PoissonGaussian(self.gain, self.read_noise)(raw, as_generator(rng)).astype(np.float64)
        developed = np.rint(self._develop(seen) * 255).astype(np.float32) / np.float32(255)
        return developed if self.quality is None else jpeg_compressed(developed, self.quality)

    def sample_like(self, image: np.ndarray, rng: Rng) -> np.ndarray:
        """Draw only the noise: the photograph less :meth:`clean`; parameters and errors as in `__call__`.

        Parameters
        ----------
        image : ndarray, shape (3, H, W), float
            Clean picture, as for `__call__`.
        rng : numpy.random.Generator or int
            Generator, or the seed of a new one.

        Returns
        -------
        ndarray, float32
            The noise alone, of the shape of `image`.
        """
        return self(image, rng) - self.clean(image)

    def clean(self, image: np.ndarray) -> np.ndarray:
        """The photograph without noise, rounding and JPEG, but with what demosaicing and clipping do to the picture.

        Parameters
        ----------
        image : ndarray, shape (3, H, W), float
            Clean picture, as for `__call__`.

        Returns
        -------
        ndarray, same shape, float32
        """
        return self._develop(self._sensor(image)).astype(np.float32)

    def _sensor(self, image: np.ndarray) -> np.ndarray:
        clean = as_clean(image)
        if clean.ndim != 3 or len(clean) != 3 or min(clean.shape) < 2:
            raise DataError(f"an image of shape {clean.shape}", "a camera sees three colours", "give (3, H, W)")
        return mosaic(to_linear(clean.astype(np.float64)) / self._factors())

    def _develop(self, raw: np.ndarray) -> np.ndarray:
        return to_srgb(np.clip(demosaic(raw) * self._factors(), 0, 1))

    def _factors(self) -> np.ndarray:
        red, blue = self.white_balance
        return np.array([red, 1.0, blue])[:, None, None]
