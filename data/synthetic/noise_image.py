"""What every kind of synthetic noise asks of its image and its generator."""

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
