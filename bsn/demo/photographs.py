"""Photographs that scikit-image's wheel carries, and noisy versions of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bsn.data import PoissonGaussian, read_image

__all__ = ["NOISE", "TEST_PHOTOGRAPH", "TRAINING_PHOTOGRAPHS", "noisy", "photograph"]

TRAINING_PHOTOGRAPHS = ("chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png", "ihc.png")
TEST_PHOTOGRAPH = "astronaut.png"

# Few photons, as in bad light: a standard deviation of about 30 of 255 grey levels in the middle of the range.
NOISE = PoissonGaussian(gain=0.03, read_noise=0.02)


def photograph(name: str) -> np.ndarray:
    """Read a photograph of scikit-image, shape (3, H, W), float32, range [0, 1]."""
    import skimage.data

    pixels = read_image(Path(skimage.data.__file__).parent / name).pixels
    return np.moveaxis(pixels.astype(np.float32) / 255, -1, 0)


def noisy(image: np.ndarray, seed: int) -> np.ndarray:
    """Add :data:`NOISE`; float32, not clipped."""
    return NOISE(image, seed)
