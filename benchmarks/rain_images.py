"""Photographs in rain: reading, writing, and what a model or a median filter makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.ndimage import median_filter

from bsn.data import Image, Pair, PairSource, from_unit, read_image, to_planes, write_image
from bsn.evaluation import ImagePair
from bsn.inference import Denoiser
from bsn.models import Model
from bsn.training import image_pairs

__all__ = ["across", "load", "pairs_of", "restorer", "save"]


def load(path: Path) -> np.ndarray:
    """Planes (3, H, W) of a photograph, float32, range [0, 1]; grey ones three times, without transparency."""
    image = read_image(path)
    pixels = to_planes(image.pixels, image.axes)[0][0]
    return pixels[:3] if len(pixels) > 1 else np.repeat(pixels, 3, 0)


def save(path: Path, planes: np.ndarray) -> None:
    """Write planes (3, H, W), range [0, 1], with 8 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.moveaxis(from_unit(np.clip(planes, 0, 1), np.uint8), 0, -1)
    write_image(path, Image(pixels, "YXC"), overwrite=True)


def pairs_of(files: list[Pair], side: int = 0) -> list[ImagePair]:
    """Images of these files with their truth: middle parts of that side in pixels, or with 0 the whole images."""
    source = PairSource(files)
    return image_pairs(source, range(len(source)), side)


def across(planes: np.ndarray) -> np.ndarray:
    """Median over five pixels of a row, which crosses upright streaks."""
    return median_filter(planes, (1, 1, 5))


def restorer(model: Model | Path | str, tile: int | None = None) -> Callable[[np.ndarray], np.ndarray]:
    """What a model makes of an image (C, H, W), range [0, 1], on the CPU; `tile` as in `InferenceConfig`."""
    denoiser = Denoiser(model, device="cpu", tile=tile)
    return lambda planes: np.asarray(denoiser(planes, "CYX"))
