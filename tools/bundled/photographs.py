"""Photographs with free terms that the wheels of scikit-image and matplotlib carry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsn.data.photographs import photograph

__all__ = ["HELD_OUT", "PHOTOGRAPHS", "Photograph"]


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
