"""One camera with all its settings, from a clean picture to the file it would have written."""

from dataclasses import dataclass, field

import numpy as np

from bsn.data.errors import DataError
from bsn.data.synthetic.camera.bayer import Demosaicing, demosaic, mosaic
from bsn.data.synthetic.camera.finishing import blurred, resized, sharpened, smooth_colours
from bsn.data.synthetic.camera.tone import ToneCurve
from bsn.data.synthetic.jpeg import Sampling, jpeg_compressed
from bsn.data.synthetic.noise import PoissonGaussian
from bsn.data.synthetic.noise_image import Rng, as_clean, as_generator

__all__ = ["Camera"]

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

_IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Camera:
    """A camera: sensor, development and file.

    A clean picture is taken back to light (tone curve), to the colours of the sensor (matrix, white balance) and to its
    range (exposure). The mosaic keeps one colour of each pixel, to which photons and amplifier add their noise; the sensor
    saturates at 1 and ends at 0. Then the same way forth: white balance, demosaicing, matrix, smoothing of the colours,
    tone curve, blur, sharpening, resizing, 8 bits, JPEG.

    Parameters
    ----------
    gain : float
        Signal of one photon in units of the sensor's range [0, 1]; not negative.
    read_noise : float
        Standard deviation of the amplifier's noise in the same units; not negative.
    white_balance : tuple of float
        Factors for red and blue, green having 1; positive.
    matrix : tuple of tuple of float
        3 x 3, from colours of the sensor after white balance to those of the picture, both linear; invertible. Rows that
        add up to 1 keep grey grey.
    exposure : float
        Where white lies on the green pixels of the sensor; positive. Above 1, highlights saturate.
    tone : ToneCurve
        From light to values.
    demosaicing : {"bilinear", "malvar", "directed"}, optional
        See :func:`bsn.data.synthetic.camera.bayer.demosaic`. None: every pixel sees all three colours.
    phase : tuple of int
        Where the Bayer pattern begins.
    colour_width : int
        Side of the squares over which colours are smoothed, odd; 1 for no smoothing.
    blur, sharpening : float
        See :mod:`bsn.data.synthetic.camera.finishing`; 0 for none.
    scale : float
        Factor by which the picture is resized.
    quality : int, optional
        JPEG quality, 1 to 100; without it, the result is only rounded to 8 bits.
    sampling : {"4:4:4", "4:2:2", "4:2:0"}
        Resolution of JPEG's colours.

    Raises
    ------
    DataError
        A parameter outside its range.

    Examples
    --------
    >>> camera = Camera(gain=0.002, read_noise=0.004, demosaicing="malvar", quality=92)
    >>> grey = np.full((3, 64, 64), 0.5, np.float32)
    >>> noisy, clean = camera.pair(grey, rng=0)
    >>> noisy.shape, bool(abs(clean - 0.5).max() < 1e-5), bool(0.01 < (noisy - clean).std() < 0.1)
    ((3, 64, 64), True, True)
    """

    gain: float
    read_noise: float = 0.0
    white_balance: tuple[float, float] = (2.0, 1.5)
    matrix: Matrix = _IDENTITY
    exposure: float = 1.0
    tone: ToneCurve = field(default_factory=ToneCurve)
    demosaicing: Demosaicing | None = "bilinear"
    phase: tuple[int, int] = (0, 0)
    colour_width: int = 1
    blur: float = 0.0
    sharpening: float = 0.0
    scale: float = 1.0
    quality: int | None = None
    sampling: Sampling = "4:4:4"

    def __post_init__(self) -> None:
        PoissonGaussian(self.gain, self.read_noise)  # refuses what is negative
        positive = {
            "white balance": min(self.white_balance),
            "exposure": self.exposure,
            "scale": self.scale,
            "determinant of the matrix": abs(float(np.linalg.det(np.array(self.matrix)))),
            "colour width": self.colour_width % 2 and self.colour_width,
        }
        for name, value in positive.items():
            if not 0 < value < float("inf"):
                raise DataError(
                    f"{name} {value}", "no camera has it", "use a positive number, for the width an odd one"
                )
        if self.blur < 0 or self.sharpening < 0:
            raise DataError(f"blur {self.blur}, sharpening {self.sharpening}", "one is negative", "use 0 or more")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise DataError(f"JPEG quality {self.quality}", "it goes from 1 to 100", "use for example 90")

    def pair(self, image: np.ndarray, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
        """Photograph a clean picture, with and without noise.

        Parameters
        ----------
        image : ndarray, shape (3, H, W), float
            Red, green and blue, range [0, 1]; at least 3 x 3 pixels.
        rng : numpy.random.Generator or int
            The generator, or a seed for one.

        Returns
        -------
        noisy : ndarray, shape (3, h, w), float32
            Multiples of 1/255 in [0, 1], as a file would hold them.
        clean : ndarray, shape (3, h, w), float32
            The same without noise, rounding and JPEG, but with what demosaicing, clipping and finishing do to the picture.

        Raises
        ------
        DataError
            Integer, NaN or negative pixels, or another shape.
        """
        light = self.sensor(image)
        noisy, clean = self.develop(
            np.stack([PoissonGaussian(self.gain, self.read_noise)(light, as_generator(rng)), light])
        )
        return self.file(noisy), clean

    def sensor(self, image: np.ndarray) -> np.ndarray:
        """Light on the sensor.

        Parameters
        ----------
        image : ndarray, shape (3, H, W), float
            As for :meth:`pair`.

        Returns
        -------
        ndarray, float32, not negative
            Shape (H, W), with the mosaic, or (3, H, W) without.
        """
        picture = as_clean(image)
        if picture.ndim != 3 or len(picture) != 3 or min(picture.shape) < 3:
            raise DataError(f"an image of shape {picture.shape}", "a camera sees three colours", "give (3, H, W)")
        back = np.linalg.inv(np.array(self.matrix)) / self._factors[:, None] * self.exposure
        colours = _mixed(self.tone.inverse(np.clip(picture, 0, 1)), back)
        seen = np.maximum(colours, 0)
        return seen if self.demosaicing is None else mosaic(seen, self.phase)

    def develop(self, raw: np.ndarray) -> np.ndarray:
        """Develop what the sensor has seen.

        Parameters
        ----------
        raw : ndarray, shape (..., H, W) or, without mosaic, (..., 3, H, W), float32
            What the pixels have counted, white of the picture at the exposure.

        Returns
        -------
        ndarray, shape (..., 3, h, w), float32, range [0, 1]
        """
        held = np.clip(raw, 0, 1)
        colours = held if self.demosaicing is None else demosaic(held, self.demosaicing, self.phase)
        forth = np.array(self.matrix) * self._factors / self.exposure
        light = smooth_colours(_mixed(colours, forth), self.colour_width)
        finished = sharpened(blurred(self.tone(np.clip(light, 0, 1)), self.blur), self.sharpening)
        return np.clip(resized(finished, self.scale), 0, 1)

    def file(self, image: np.ndarray) -> np.ndarray:
        """Write a picture and read it again.

        Parameters
        ----------
        image : ndarray, shape (3, H, W), float, range [0, 1]
            Developed picture.

        Returns
        -------
        ndarray, same shape, float32
            Multiples of 1/255.
        """
        if self.quality is not None:
            return jpeg_compressed(image, self.quality, sampling=self.sampling)
        return (np.rint(image * 255) / 255).astype(np.float32)

    @property
    def _factors(self) -> np.ndarray:
        red, blue = self.white_balance
        return np.array([red, 1.0, blue])


def _mixed(colours: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Multiply the colours of each pixel, (..., 3, H, W), with a matrix."""
    flat = colours.reshape(*colours.shape[:-2], -1)
    return (matrix.astype(np.float32) @ flat).reshape(colours.shape)
