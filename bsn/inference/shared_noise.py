"""The middle of some files, from which noise that they share is measured."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bsn.data import DataError, ReadOptions, open_image
from bsn.data.sources.samples import evenly, middle
from bsn.inference.planes_in_order import PlanesInOrder

__all__ = ["middles_of_files"]

_LOOKED_AT, _MIDDLE = 16, 512


def middles_of_files(sources: Sequence[Path], options: ReadOptions, in_order: PlanesInOrder) -> list[np.ndarray]:
    """Read the middle of the first plane of some files.

    Parameters
    ----------
    sources : sequence of Path
        All files; those that cannot be read are reported when their turn comes.
    options : ReadOptions
        How they are read.
    in_order : PlanesInOrder
        Mends them.

    Returns
    -------
    list of ndarray, shape (C, h, w), float32
        Of one number of channels.
    """
    images: list[np.ndarray] = []
    for index in evenly(len(sources), _LOOKED_AT):
        with contextlib.suppress(DataError), open_image(sources[index], options) as reader:
            if reader.channels in (1, in_order.model.channels):
                place = middle(reader.size, _MIDDLE)
                seen = in_order.mended(reader.read_unit, reader.size, 0, slice(None), 0.0)(*place)
                images.append(seen[0].cpu().numpy())
    return [image for image in images if len(image) == len(images[0])]
