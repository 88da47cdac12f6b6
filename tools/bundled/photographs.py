"""Photographs with free terms that the wheels of scikit-image and matplotlib carry, and pictures drawn by rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.data import ArraySource
from bsn.data.photographs import photograph

__all__ = ["HELD_OUT", "PHOTOGRAPHS", "Photograph", "dead_leaves", "training_source"]


@dataclass(frozen=True)
class Photograph:
    """A file of an installed package and its terms.

    Parameters
    ----------
    file : str
    terms : str
        As the package documents them.
    scales : tuple of float
        Sizes it is used in. Files that were JPEGs are used reduced only, which removes their artefacts.
    package : {"skimage", "matplotlib"}
    """

    file: str
    terms: str
    scales: tuple[float, ...] = (1.0, 0.7, 0.5)
    package: str = "skimage"

    def read(self) -> np.ndarray:
        """Picture of shape (3, H, W), float32, range [0, 1]; see :func:`bsn.data.photographs.photograph`."""
        return photograph(self.file, self.package)


HELD_OUT = Photograph("astronaut.png", "public domain (NASA)", (1.0,))

PHOTOGRAPHS = (
    Photograph("chelsea.png", "CC0 (Stéfan van der Walt)"),
    Photograph("coffee.png", "CC0 (Rachel Michetti)"),
    Photograph("motorcycle_left.png", "CC0 (Daniel Scharstein)"),
    Photograph("motorcycle_right.png", "CC0 (Daniel Scharstein)", (0.6,)),
    Photograph("rocket.jpg", "public domain (SpaceX)", (0.7, 0.5)),
    Photograph("grace_hopper.jpg", "public domain (US Navy)", (0.7, 0.5), "matplotlib"),
    Photograph("hubble_deep_field.jpg", "public domain (NASA)", (0.5,)),
    Photograph("retina.jpg", "CC0 (Mikael Häggström)", (0.4,)),
    Photograph("ihc.png", "no known restrictions (University of Manchester)", (1.0, 0.5)),
    Photograph("camera.png", "CC0 (Lav Varshney)"),
    Photograph("brick.png", "CC0 (CC0Textures)", (1.0, 0.5)),
    Photograph("grass.png", "CC0 (CC0Textures)", (1.0, 0.5)),
    Photograph("gravel.png", "CC0 (CC0Textures)", (1.0, 0.5)),
    Photograph("coins.png", "no known restrictions (Brooklyn Museum)", (1.0, 0.6)),
    Photograph("moon.png", "public domain (NASA)", (0.6,)),
    Photograph("cell.png", "CC0 (Pauli Virtanen)", (0.6,)),
    Photograph("text.png", "public domain", (1.0,)),
    Photograph("page.png", "public domain (scikit-image)", (1.0,)),
)

_DRAWN = 6
_DRAWN_SIDE = 384


def training_source(smallest: int, seed: int) -> ArraySource:
    """All training pictures: photographs in their sizes, and dead leaves.

    Parameters
    ----------
    smallest : int
        Sizes with a shorter side than this are left out.
    seed : int
        Of the dead leaves.
    """
    from skimage.transform import rescale

    pictures = []
    for entry in PHOTOGRAPHS:
        whole = entry.read()
        for scale in entry.scales:
            picture = whole if scale == 1 else rescale(whole, scale, order=1, anti_aliasing=True, channel_axis=0)
            if min(picture.shape[1:]) >= smallest:
                pictures.append(np.clip(picture, 0, 1).astype(np.float32))
    colours = np.concatenate([picture.reshape(3, -1) for picture in pictures], 1)
    pictures += [dead_leaves(_DRAWN_SIDE, np.random.default_rng((seed, index)), colours) for index in range(_DRAWN)]
    return ArraySource(pictures, "CYX")


def dead_leaves(side: int, rng: np.random.Generator, colours: np.ndarray) -> np.ndarray:
    """Draw discs of all sizes over each other until nothing is bare.

    Their edges and occlusions have the statistics of photographs, of which there are few with free terms.

    Parameters
    ----------
    side : int
    rng : numpy.random.Generator
    colours : ndarray, shape (3, N)
        Colours to draw from.

    Returns
    -------
    ndarray, shape (3, side, side), float32

    References
    ----------
    Lee, Mumford, Huang, IJCV 2001. Achddou, Gousseau, Ladjal, "Synthetic images as a regularity prior for image
    restoration neural networks", SSVM 2021.
    """
    picture = np.zeros((3, side, side), np.float32)
    bare = np.ones((side, side), bool)
    rows, columns = np.mgrid[:side, :side]
    smallest, largest = 3.0, side / 3
    while bare.mean() > 0.001:
        # Radii with density ~ r ** -3, by inversion; new discs go below the old ones.
        u = rng.random()
        radius = (smallest**-2 + u * (largest**-2 - smallest**-2)) ** -0.5
        y, x = rng.uniform(-radius, side + radius, 2)
        top, left = max(int(y - radius), 0), max(int(x - radius), 0)
        window = (slice(top, int(y + radius) + 2), slice(left, int(x + radius) + 2))
        disc = (rows[window] - y) ** 2 + (columns[window] - x) ** 2 < radius**2
        fresh = disc & bare[window]
        picture[:, window[0], window[1]][:, fresh] = colours[:, rng.integers(colours.shape[1])][:, None]
        bare[window] &= ~disc
    return picture
