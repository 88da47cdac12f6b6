"""Whether images are the same as before: a digest of a sample of their pixels, whatever their files are called."""

import hashlib

from bsn.data.sources.plane_source import ImageSource, read_target
from bsn.data.sources.samples import evenly, middle

__all__ = ["source_digest"]

_IMAGES, _SIDE = 256, 256


def source_digest(source: ImageSource) -> str:
    """SHA-256 of the sizes of all images, and of the middle of some of them with its target.

    Parameters
    ----------
    source : ImageSource
        Any images. Of at most 256 of them, evenly spread, the middle 256 x 256 pixels are read.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    found = hashlib.sha256(f"{len(source)} images of {source.channels} channels, {source.dtype}".encode())
    for index in range(len(source)):
        found.update(repr(tuple(source.size(index))).encode())
    for index in evenly(len(source), _IMAGES):
        box = middle(source.size(index), _SIDE)
        found.update(source.crop(index, *box).tobytes())
        target = read_target(source, index, *box)
        found.update(b"" if target is None else target.tobytes())
    return found.hexdigest()
