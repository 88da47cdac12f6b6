"""Out of memory: what a user can do about it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from bsn.data import DataError
from bsn.inference.tiling import Tiling

__all__ = ["telling_of_memory"]

_PHRASES = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")


@contextlib.contextmanager
def telling_of_memory(what: str, size: tuple[int, int], tiling: Tiling) -> Iterator[None]:
    """Turn what PyTorch and numpy raise for lack of memory into an error that names smaller tiles.

    Parameters
    ----------
    what : str
        Name of the image.
    size : tuple of int
        (H, W) of its planes.
    tiling : Tiling
        Tiling in use, which knows smaller tiles.

    Raises
    ------
    data.DataError
        For every lack of memory that leaves the block.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        lacking = isinstance(error, (MemoryError, torch.OutOfMemoryError))
        if not lacking and not any(phrase in str(error).lower() for phrase in _PHRASES):
            raise
        largest = max(max(s.stop - s.start for s in tiling.segments(length)) for length in size)
        smaller = tiling.smaller(min(largest, max(size)))
        raise DataError(
            f"{what} of {size[0]} x {size[1]} pixels",
            f"there is not enough memory for tiles of {largest} pixels",
            "close other programs, or use device cpu or a machine with more memory"
            if smaller is None
            else f"use smaller tiles, such as --tile {smaller} (in Python: tile={smaller})",
        ) from error
