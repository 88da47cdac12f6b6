"""What every kind of synthetic noise has in common: a clean image of floats, and explicit randomness.

Images are floats in [0, 1]; all noise parameters are in units of that range. Nothing is clipped: clipping would change
mean and variance of the noise, which is what a self-supervised method relies on.
"""

from abc import ABC, abstractmethod

import numpy as np

from bsn.data.arrays.planes import check_finite
from bsn.data.errors import DataError

Rng = np.random.Generator | int


def as_clean(image: np.ndarray) -> np.ndarray:
    """Check that an image can be given noise in units of [0, 1].

    Parameters
    ----------
    image : ndarray, any shape
        Floats.

    Returns
    -------
    ndarray, float32
        The image.

    Raises
    ------
    DataError
        Integers, whose range is another one, or NaN.
    """
    if image.dtype.kind != "f":
        raise DataError(
            f"an image of type {image.dtype}", "noise is in units of [0, 1]", "convert it with bsn.data.to_unit"
        )
    check_finite(image, "an image")
    return image.astype(np.float32, copy=False)


def as_clean_channels(image: np.ndarray) -> np.ndarray:
    """Check a clean image whose channels are treated one by one, see `as_clean`.

    Parameters
    ----------
    image : ndarray, shape (C, H, W)
        Floats.

    Returns
    -------
    ndarray, shape (C, H, W), float32
        The image.

    Raises
    ------
    DataError
        As `as_clean`, and for other than three axes.
    """
    clean = as_clean(image)
    if clean.ndim != 3:
        raise DataError(
            f"an image of shape {clean.shape}", "its channels are on the first of three axes", "give (C, H, W)"
        )
    return clean


def as_generator(rng: Rng) -> np.random.Generator:
    """Make a generator of a seed.

    Parameters
    ----------
    rng : numpy.random.Generator or int
        A generator is returned as it is.

    Returns
    -------
    numpy.random.Generator
        The generator.
    """
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)


class Noise(ABC):
    """Noise of known statistics."""

    def __call__(self, image: np.ndarray, rng: Rng) -> np.ndarray:
        """Add noise to a clean image.

        Parameters
        ----------
        image : ndarray, any shape, float
            Range [0, 1]; correlated noise needs two axes or more, photon noise no negative value.
        rng : numpy.random.Generator or int
            The generator, or a seed for one.

        Returns
        -------
        ndarray, same shape, float32
            Not clipped.

        Raises
        ------
        DataError
            Integer or NaN pixels, or an image that this noise cannot be added to.
        """
        return as_clean(image) + self.sample_like(image, rng)

    @abstractmethod
    def sample_like(self, image: np.ndarray, rng: Rng) -> np.ndarray:
        """Draw only the noise, of mean zero: what `__call__` adds with the same generator state.

        Parameters
        ----------
        image : ndarray, shape (..., H, W), float
            Clean image, as for `__call__`.
        rng : numpy.random.Generator or int
            Generator, or the seed of a new one.

        Returns
        -------
        ndarray, float32
            The noise alone, of the shape of `image`.

        Raises
        ------
        DataError
            As `__call__`.
        """
