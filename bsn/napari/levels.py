"""Arrays of layers that are computed when they are shown, or stored at several resolutions."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from bsn.data import PlaneIndex
from bsn.data.files.formats.extras import need
from bsn.data.files.formats.zarr_levels import block_edges, block_means

__all__ = ["as_lazy", "coarser", "is_lazy", "levels_like"]


def is_lazy(pixels: Any) -> bool:
    """Whether an array is read or computed part by part, such as those of Dask, Zarr and HDF5.

    Parameters
    ----------
    pixels : array
        Data of a layer.

    Returns
    -------
    bool
    """
    return not isinstance(pixels, np.ndarray) and getattr(pixels, "chunks", None) is not None


def as_lazy(pixels: Any, axes: str) -> Any:
    """Make a Dask array with a block for each plane, so that a plane is computed when it is shown.

    Parameters
    ----------
    pixels : array
        Of Dask, Zarr, HDF5 or numpy.
    axes : str
        One letter per axis.

    Returns
    -------
    dask.array.Array
    """
    dask = need("dask.array", "dask", "a lazy layer", "napari")
    leading = PlaneIndex(axes, tuple(pixels.shape)).leading
    chunks = tuple(1 if letter in leading else -1 for letter in axes)
    return pixels.rechunk(chunks) if hasattr(pixels, "rechunk") else dask.from_array(pixels, chunks=chunks)


def levels_like(pixels: Any, shapes: Sequence[Sequence[int]]) -> list[Any]:
    """Make the coarser resolutions of an array.

    Parameters
    ----------
    pixels : ndarray or dask.array.Array
        The finest resolution.
    shapes : sequence of sequence of int
        Shape of each resolution, the finest first.

    Returns
    -------
    list of array
        As many; each the mean of the blocks of the one before, computed lazily of a lazy array.
    """
    found = [pixels]
    for shape in shapes[1:]:
        found.append(coarser(found[-1], shape))
    return found


def coarser(pixels: Any, shape: Sequence[int]) -> Any:
    """Mean over blocks of an array.

    Parameters
    ----------
    pixels : ndarray or dask.array.Array
        The finer one.
    shape : sequence of int
        Shape of the result, along no axis longer.

    Returns
    -------
    array
        Of that shape, and the type of `pixels`.
    """
    edges = [block_edges(whole, part) for whole, part in zip(pixels.shape, shape, strict=True)]
    if isinstance(pixels, np.ndarray):
        return block_means(pixels, edges)
    # A block must have whole the axes that shrink.
    shrinks = [part < whole for whole, part in zip(pixels.shape, shape, strict=True)]
    blocks = pixels.rechunk({axis: -1 for axis, does in enumerate(shrinks) if does})
    chunks = [(part,) if does else chunk for part, does, chunk in zip(shape, shrinks, blocks.chunks, strict=True)]
    return blocks.map_blocks(
        functools.partial(
            _means_of_block, edges=[edge if does else None for edge, does in zip(edges, shrinks, strict=True)]
        ),
        chunks=tuple(chunks),
        dtype=pixels.dtype,
    )


def _means_of_block(block: np.ndarray, edges: Sequence[np.ndarray | None]) -> np.ndarray:
    own = [np.arange(n + 1) if edge is None else edge for n, edge in zip(block.shape, edges, strict=True)]
    return block_means(block, own)
