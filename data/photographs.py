"""Photographs that the wheels of scikit-image and matplotlib carry, and noisy versions of them, for demonstrations."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bsn.data.files.images import read_image
from bsn.data.synthetic.noise import PoissonGaussian

__all__ = ["NOISE", "TEST_PHOTOGRAPH", "TRAINING_PHOTOGRAPHS", "noisy", "photograph"]

TRAINING_PHOTOGRAPHS = ("chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "ihc.png")
TEST_PHOTOGRAPH = "astronaut.png"

# Few photons, as in bad light: a standard deviation of about 30 of 255 grey levels in the middle of the range.
NOISE = PoissonGaussian(gain=0.03, read_noise=0.02)


def photograph(name: str, package: str = "skimage") -> np.ndarray:
    """Read a photograph that an installed package carries.

    Parameters
    ----------
    name : str
        File name, with its suffix.
    package : {"skimage", "matplotlib"}
        Package that carries the file.

    Returns
    -------
    ndarray, shape (3, H, W), float32, range [0, 1]
        A grey photograph has three equal channels.
    """
    image = read_image(_folder(package) / name)
    pixels = image.pixels.astype(np.float32) / 255
    return np.stack([pixels] * 3) if image.axes == "YX" else np.moveaxis(pixels[..., :3], -1, 0)


def _folder(package: str) -> Path:
    if package == "matplotlib":
        import matplotlib

        return Path(matplotlib.get_data_path()) / "sample_data"
    import skimage.data

    return Path(skimage.data.__file__).parent


def noisy(image: np.ndarray, seed: int) -> np.ndarray:
    """Add :data:`NOISE`.

    Parameters
    ----------
    image : ndarray, shape (C, H, W), float, range [0, 1]
        Clean image.
    seed : int
        Seed of the noise.

    Returns
    -------
    ndarray, shape (C, H, W), float32
        Not clipped.
    """
    return NOISE(image, seed)
