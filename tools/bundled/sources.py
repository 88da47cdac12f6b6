"""What the weights in the box learn from: clean pictures, decoded once, and pairs of crops of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from bsn.data import ArraySource, RandomCrops
from tools.bundled.collection import listed_photographs
from tools.bundled.corruption import BlindNoise, CameraNoise, KnownNoise
from tools.bundled.drawn import dead_leaves
from tools.bundled.pairs import Corruption, RecycledPairs, SyntheticPairs
from tools.bundled.photographs import PHOTOGRAPHS
from tools.bundled.rain import RandomRain

__all__ = [
    "COLOUR_NOISE",
    "GREY_OF_SHARED",
    "PHOTO_NOISE",
    "PairKind",
    "Picture",
    "training_pairs",
    "training_photographs",
    "training_source",
]

PairKind = Literal["photo", "colour", "camera", "rain", "white", "shared"]
"""White noise, that of photographs in colour, noise of cameras, and rain, for models that see their pixel; white noise and
noise of cameras again for blind ones."""

GREY_OF_SHARED = 0.3
"""Share of grey crops for the blind prior for correlated noise, which also starts trainings on grey images."""

PHOTO_NOISE = BlindNoise(clothed=0.15)
"""Noise that the models for white noise learn, and how much of it on fine patterns."""

COLOUR_NOISE = BlindNoise(
    largest=40.0,
    photons=0.15,
    largest_photons=40.0,
    grey=0.0,
    clothed=0.1,
    mixed=0.05,
    vivid=0.5,
    darkest=0.8,
)
"""Noise that networks for photographs in colour learn, the second ones of a pair. Colours mostly keep their places: those of
photographs are a part of what is learned."""

_CORRUPTIONS: dict[PairKind, Corruption] = {
    "photo": PHOTO_NOISE,
    "colour": COLOUR_NOISE,
    "camera": CameraNoise(),
    "rain": RandomRain(),
    "white": KnownNoise(),
    "shared": CameraNoise(grey=GREY_OF_SHARED, strong=0.0, blind=BlindNoise(photons=0.3, largest_photons=60.0)),
}

_DRAWN = 6
_DRAWN_SIDE = 384
_COLOURS_APART = 17  # of the pixels whose colours the drawn pictures may have


class Picture(Protocol):
    """A photograph with its terms, and the sizes it is used in."""

    @property
    def file(self) -> str:
        """Name of the file."""

    @property
    def terms(self) -> str:
        """Licence and author."""

    @property
    def scales(self) -> tuple[float, ...]:
        """Sizes it is used in."""

    def read(self) -> np.ndarray:
        """Picture of shape (3, H, W), float32, range [0, 1]."""


def training_photographs(folder: str | Path | None) -> list[Picture]:
    """List all photographs.

    Parameters
    ----------
    folder : str or Path, optional
        Folder of free photographs (:mod:`tools.bundled.collection`); without one, those of installed packages alone.

    Returns
    -------
    list of Picture
    """
    return [*PHOTOGRAPHS, *([] if folder is None else listed_photographs(folder))]


def training_source(smallest: int, seed: int, photographs: Iterable[Picture] = PHOTOGRAPHS) -> ArraySource:
    """Decode all training pictures: photographs in their sizes, and dead leaves.

    Parameters
    ----------
    smallest : int
        Sizes with a shorter side than this are left out.
    seed : int
        Of the dead leaves.
    photographs : iterable of Picture

    Returns
    -------
    ArraySource
        8 bits, three channels, in memory.
    """
    pictures = [picture for entry in photographs for picture in _sizes(entry, smallest)]
    colours = np.concatenate([picture.reshape(3, -1)[:, ::_COLOURS_APART] for picture in pictures], 1) / np.float32(255)
    for index in range(_DRAWN if smallest <= _DRAWN_SIDE else 0):
        drawn = dead_leaves(_DRAWN_SIDE, np.random.default_rng((seed, index)), colours)
        pictures.append(_eight_bits(drawn))
    return ArraySource(pictures, "CYX")


def _sizes(entry: Picture, smallest: int) -> list[np.ndarray]:
    from skimage.transform import rescale

    whole = entry.read()
    sizes = []
    for scale in entry.scales:
        picture = whole if scale == 1 else rescale(whole, scale, order=1, anti_aliasing=True, channel_axis=0)
        if min(picture.shape[1:]) >= smallest:
            sizes.append(_eight_bits(picture))
    return sizes


def _eight_bits(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def training_pairs(
    kind: PairKind, crop: int, seed: int, photographs: Iterable[Picture] = PHOTOGRAPHS
) -> SyntheticPairs | RecycledPairs:
    """Noisy or rainy crops with clean ones, without end.

    Parameters
    ----------
    kind : {"photo", "colour", "camera", "rain", "white", "shared"}
        White noise up to 60 of 255, that of photographs in colour up to 40, the noise of cameras, or rain; for blind priors
        white noise of known variance, or that of cameras with more grey photographs.
    crop : int
        Side of the crops.
    seed : int
        Of crops, noise and drawn pictures.
    photographs : iterable of Picture

    Returns
    -------
    SyntheticPairs or RecycledPairs
        ``batch(step, batch_size)`` gives a `CropBatch` of pixels (B, 3, crop, crop) and targets (B, 1, 3, crop, crop),
        float32, a pure function of seed and step. With known variance the targets are (B, 1, 2, 3, crop, crop).
    """
    corrupt = _CORRUPTIONS[kind]
    # A camera photographs larger pieces, and slowly. Rain falls down: it is made on crops that are turned already.
    side = corrupt.piece(crop) if isinstance(corrupt, CameraNoise) else crop
    clean = RandomCrops(training_source(side, seed, photographs), side, seed=seed, weighting="uniform")
    return RecycledPairs(clean, corrupt, crop) if isinstance(corrupt, CameraNoise) else SyntheticPairs(clean, corrupt)
