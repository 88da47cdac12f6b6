"""Gaussian noise whose neighbouring pixels are alike, as demosaicing, resampling and scanning make it."""

from dataclasses import dataclass

import numpy as np
from typing_extensions import override

from bsn.data.errors import DataError
from bsn.data.synthetic.noise_image import Noise, Rng, as_clean, as_generator

_REACH = 4.0  # standard deviations of the smoothing kernel that are kept


@dataclass(frozen=True, eq=False)
class CorrelatedGaussian(Noise):
    """Stationary Gaussian noise: white noise, convolved with a kernel of unit energy.

    It is correlated along the last two axes of an image and independent along the others. Every pixel has standard
    deviation `sigma`, those at the border included (the white noise is drawn larger and the convolution keeps only what is
    complete).

    Parameters
    ----------
    sigma : float
        Standard deviation of a pixel in units of the range [0, 1].
    length : float or tuple of float
        Correlation length in pixels, for rows and columns if there are two: the autocorrelation at a lag of d pixels is
        about exp(-(d / length)^2 / 2). 0 leaves that direction white. Not used where `kernel` is given.
    kernel : ndarray, shape (h, w), optional
        The kernel itself, of any shape and orientation; scaled to unit energy.

    Raises
    ------
    DataError
        A negative number, or a kernel that is empty, not two-dimensional, or zero.

    Examples
    --------
    >>> stripes = CorrelatedGaussian(0.1, length=(0.0, 3.0))  # alike along a row, independent between rows
    >>> round(stripes.autocorrelation(0, 1), 2), round(stripes.autocorrelation(1, 0), 2)
    (0.95, 0.0)
    """

    sigma: float
    length: float | tuple[float, float] = 1.0
    kernel: np.ndarray | None = None

    def __post_init__(self) -> None:
        numbers = [self.sigma, *self._lengths]
        if not all(0 <= n < float("inf") for n in numbers):
            raise DataError(f"sigma {self.sigma}, length {self.length}", "both are not negative", "use 0 or more")
        kernel = self._smoothing() if self.kernel is None else np.asarray(self.kernel, dtype=np.float64)
        energy = np.sqrt((kernel**2).sum()) if kernel.ndim == 2 and kernel.size else 0.0
        if not energy > 0 or not np.isfinite(energy):
            raise DataError(
                f"a kernel of shape {kernel.shape}", "it must have two axes and a finite energy above 0", "give another"
            )
        object.__setattr__(self, "kernel", kernel / energy)

    @property
    def _lengths(self) -> tuple[float, float]:
        return self.length if isinstance(self.length, tuple) else (self.length, self.length)

    def _smoothing(self) -> np.ndarray:
        rows, columns = (_gaussian(length) for length in self._lengths)
        return np.outer(rows, columns)

    def autocorrelation(self, rows: int, columns: int) -> float:
        """Compute the correlation of two pixels.

        Parameters
        ----------
        rows, columns : int
            How far apart they are.

        Returns
        -------
        float
            1 for the pixel itself; exact, from the kernel.
        """
        kernel = np.asarray(self.kernel)
        height, width = kernel.shape
        r, c = abs(rows), columns if rows >= 0 else -columns
        if r >= height or abs(c) >= width:
            return 0.0
        a = kernel[r:, max(c, 0) : width + min(c, 0)]
        b = kernel[: height - r, max(-c, 0) : width + min(-c, 0)]
        return float((a * b).sum())

    @override
    def sample_like(self, image: np.ndarray, rng: Rng) -> np.ndarray:
        shape = as_clean(image).shape
        if len(shape) < 2:
            raise DataError(f"an image of shape {shape}", "rows and columns are needed", "pass two axes or more")
        from scipy.signal import fftconvolve

        kernel = np.asarray(self.kernel)
        grown = (*shape[:-2], shape[-2] + kernel.shape[0] - 1, shape[-1] + kernel.shape[1] - 1)
        white = as_generator(rng).standard_normal(grown)
        broad = kernel.reshape((1,) * (len(shape) - 2) + kernel.shape)
        noise: np.ndarray = fftconvolve(white, broad, mode="valid", axes=(-2, -1))
        return (self.sigma * noise).astype(np.float32)


def _gaussian(length: float) -> np.ndarray:
    """Sample the kernel whose autocorrelation is a Gaussian of standard deviation `length`."""
    width = length / np.sqrt(2)
    reach = int(np.ceil(_REACH * width))
    if reach == 0:
        return np.ones(1)
    return np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
