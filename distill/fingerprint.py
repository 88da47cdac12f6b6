"""What a cache of teacher images was made of, so that a stale one is noticed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass

from bsn.data import ImageSource
from distill.teacher import Teacher

__all__ = ["Fingerprint"]

_BAND_ROWS = 512


@dataclass(frozen=True)
class Fingerprint:
    """Digests (SHA-256) of a teacher, of the way it was asked, and of the images.

    Parameters
    ----------
    teacher, options, images : str
        Digest of the weights, of the options and of the pixels.
    """

    teacher: str
    options: str
    images: str

    @classmethod
    def of(cls, teacher: Teacher, source: ImageSource) -> Fingerprint:
        """Fingerprint of what a cache would be made of; reads all images once.

        Parameters
        ----------
        teacher : Teacher
            Its weights and its options count.
        source : ImageSource
            All of its images are read.

        Returns
        -------
        Fingerprint
        """
        options = json.dumps([teacher.options(), teacher.layers, teacher.gives_spread], sort_keys=True)
        return cls(teacher.digest(), hashlib.sha256(options.encode()).hexdigest(), _digest_images(source))

    def differences(self, other: Fingerprint) -> list[str]:
        """Names of the parts that differ.

        Parameters
        ----------
        other : Fingerprint
            Fingerprint to compare with.

        Returns
        -------
        list of str
            Empty if both are equal.

        Examples
        --------
        >>> Fingerprint("a", "b", "c").differences(Fingerprint("a", "x", "c"))
        ['options']
        """
        return [
            field.name for field in dataclasses.fields(self) if getattr(self, field.name) != getattr(other, field.name)
        ]


def _digest_images(source: ImageSource) -> str:
    """Over pixels and sizes, not names: a moved folder is the same folder."""
    found = hashlib.sha256(f"{len(source)} images of {source.channels} channels, {source.dtype}".encode())
    for index in range(len(source)):
        height, width = source.size(index)
        found.update(f"{height} x {width}".encode())
        for top in range(0, height, _BAND_ROWS):
            found.update(source.crop(index, top, 0, min(_BAND_ROWS, height - top), width).tobytes())
    return found.hexdigest()
