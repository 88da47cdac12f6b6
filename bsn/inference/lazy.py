"""Dask arrays, denoised block by block when they are computed.

A block has whole planes, since noise is measured on planes, and as many of the frames before and after as the network looks at.
What is decided once for an image (whether it counts photons, whether its values fit the model) is decided from the same small
samples as for an array in memory, in a task of its own. So the result has the bits of the whole array.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bsn.data import DataError, PlaneIndex, check_axes, guess_axes, stack_axis
from bsn.data.arrays.pixel_types import Range, check_dtype, from_unit, to_unit, unit_span
from bsn.data.arrays.planes import Missing, check_finite
from bsn.data.files.formats.extras import need
from bsn.data.sources.samples import evenly, middle
from bsn.inference.counting import Counting, counting_of
from bsn.inference.denoiser import AnyModel, Denoiser
from bsn.inference.fitness import SAMPLED, DenoisingWarning, remarks_on
from bsn.inference.parts import Part
from bsn.inference.pattern_free import subtracts_pattern
from bsn.inference.shared import Packed, pack_denoiser, unpack_denoiser

__all__ = ["denoise_lazy"]

_TAKE_OFF_NONE = 'use fixed_pattern="keep", or denoise a file with bsn denoise --scheduler'
_Ranges = tuple[tuple[int, int], ...]  # along each leading axis, first index and the one after the last


@dataclass(frozen=True)
class _Geometry:
    """The whole image, without its pixels."""

    index: PlaneIndex
    dtype: np.dtype[Any]
    stated: bool
    nan: Missing
    value_range: Range | None

    @property
    def what(self) -> str:
        return f"an image of axes {self.index.axes}"


class _Seen:
    """An image of which some blocks are in memory, see :class:`bsn.inference.fitness.ImagePlanes`."""

    def __init__(self, geometry: _Geometry, blocks: Sequence[tuple[_Ranges, tuple[int, ...], np.ndarray]]) -> None:
        self.geometry, self._blocks = geometry, blocks
        self.stacked = geometry.index if geometry.stated else None
        self.dtype, self.size = geometry.dtype, geometry.index.size
        self.planes, self.channels = geometry.index.count, geometry.index.depth

    def read_unit(self, plane_index: int, top: int, left: int, height: int, width: int) -> np.ndarray:
        index = self.geometry.index
        position = index.position(plane_index)
        for ranges, (first_row, first_column), block in self._blocks:
            bounds = dict(zip(index.leading, ranges, strict=True))
            if all(bounds[letter][0] <= at < bounds[letter][1] for letter, at in position.items()):
                places = {letter: at - bounds[letter][0] for letter, at in position.items()}
                places |= {"Y": top - first_row, "X": left - first_column}
                lengths = {"Y": height, "X": width, index.channel_axis: index.depth}
                box = block[tuple(slice(places.get(a, 0), places.get(a, 0) + lengths.get(a, 1)) for a in index.axes)]
                pixels = np.ascontiguousarray(index.from_box(box))
                check_finite(pixels, self.geometry.what, self.geometry.nan)
                return to_unit(pixels, self.geometry.value_range)
        raise AssertionError(f"plane {plane_index} is in no block")


def denoise_lazy(
    array: Any,
    model: AnyModel = None,
    *,
    axes: str | None = None,
    nan: Missing = "refuse",
    value_range: Range | None = None,
    **options: Any,
) -> Any:
    """Denoise a Dask array when it is computed, on threads, processes, or a cluster.

    Parameters
    ----------
    array : dask.array.Array
        As :meth:`Denoiser.__call__` takes arrays. Blocks are its chunks along T, Z and the like; a block has whole planes.
    model : Model, nn.Module, str or Path, optional
        See :class:`Denoiser`. None: "photo".
    axes, nan, value_range
        See :meth:`Denoiser.__call__`.
    **options
        Fields of :class:`InferenceConfig`.

    Returns
    -------
    dask.array.Array
        The denoised array, of the same shape and dtype; the same bits as those of :func:`bsn.denoise` on the whole array with
        the same model. What is to be said of the image is told by the task that finds it.

    Raises
    ------
    data.DataError
        For arrays that are not images, and without Dask. When it is computed, see :meth:`Denoiser.__call__`.
    ValueError, ModelFileError
        See :class:`Denoiser`.

    Examples
    --------
    >>> import dask.array, bsn.models
    >>> frames = dask.array.ones((6, 40, 50), chunks=(2, 40, 50), dtype="uint16")
    >>> clean = denoise_lazy(frames, bsn.models.create("phase-unet-tiny", channels=1), axes="TYX", device="cpu")
    >>> clean.shape, clean.chunks[0]
    ((6, 40, 50), (2, 2, 2))
    """
    need("dask.array", "dask", "a lazy array", "dask")
    delayed = need("dask", "dask", "a lazy array", "dask").delayed
    if not hasattr(array, "to_delayed"):
        raise DataError(f"an object of type {type(array).__name__}", "is no Dask array", "use bsn.denoise for arrays")
    shape = tuple(int(n) for n in array.shape)
    letters = check_axes(axes, shape) if axes else guess_axes(shape)
    geometry = _Geometry(PlaneIndex(letters, shape), check_dtype(array.dtype, "an array"), bool(axes), nan, value_range)
    denoiser = Denoiser(model, **options)
    if denoiser.config.strength == 0:
        return array
    if denoiser.config.neighbours:
        raise DataError(
            f"neighbours {denoiser.config.neighbours}",
            "a Dask array is denoised block by block",
            "leave neighbours out",
        )
    if subtracts_pattern(denoiser.config, denoiser.model):
        raise DataError(
            "a model that takes off what all frames share", "a Dask array is denoised block by block", _TAKE_OFF_NONE
        )
    packed = delayed(pack_denoiser(denoiser), pure=False)
    counting = delayed(_survey)(packed, geometry, _samples(array, geometry.index))
    first = _block(array, geometry.index, tuple((0, 1) for _ in geometry.index.leading))
    first = first if denoiser.pipeline.checks_once else None
    reach = denoiser.model.context
    stack = stack_axis(geometry.index, denoiser.model.inference.context_axis) if axes and reach else ""

    def denoised(ranges: _Ranges) -> Any:
        import dask.array

        wide = tuple(
            (max(a - reach, 0), min(b + reach, geometry.index.length(letter))) if letter == stack else (a, b)
            for letter, (a, b) in zip(geometry.index.leading, ranges, strict=True)
        )
        result = delayed(_denoise_block)(
            packed, geometry, counting, ranges, wide, _block(array, geometry.index, wide), first
        )
        return dask.array.from_delayed(result, _block_shape(geometry.index, ranges), dtype=array.dtype)

    return _joined(array, geometry.index, denoised)


def _joined(array: Any, index: PlaneIndex, denoised: Any) -> Any:
    """All blocks, put together axis by axis."""
    import dask.array

    chunks = [array.chunks[index.axes.index(letter)] for letter in index.leading]
    edges = [list(itertools.pairwise([0, *itertools.accumulate(int(n) for n in sizes)])) for sizes in chunks]

    def join(known: _Ranges) -> Any:
        if len(known) == len(edges):
            return denoised(known)
        parts = [join((*known, place)) for place in edges[len(known)]]
        return dask.array.concatenate(parts, axis=index.axes.index(index.leading[len(known)]))

    return join(())


def _block(array: Any, index: PlaneIndex, ranges: _Ranges) -> Any:
    """Whole planes as one delayed array."""
    bounds = dict(zip(index.leading, ranges, strict=True))
    block = array[tuple(slice(*bounds[letter]) if letter in bounds else slice(None) for letter in index.axes)]
    return block.rechunk(block.shape).to_delayed().item()


def _block_shape(index: PlaneIndex, ranges: _Ranges) -> tuple[int, ...]:
    bounds = dict(zip(index.leading, ranges, strict=True))
    return tuple(bounds[a][1] - bounds[a][0] if a in bounds else index.length(a) for a in index.axes)


def _samples(array: Any, index: PlaneIndex) -> list[tuple[_Ranges, tuple[int, int], Any]]:
    """The small parts by which an image is judged as a whole."""
    top, left, height, width = middle(index.size, SAMPLED.side)
    inside = {"Y": slice(top, top + height), "X": slice(left, left + width)}
    found = []
    for plane in evenly(index.count, SAMPLED.planes):
        position = index.position(plane)
        place = tuple(
            slice(position[a], position[a] + 1) if a in position else inside.get(a, slice(None)) for a in index.axes
        )
        part = array[place]
        ranges = tuple((position[a], position[a] + 1) for a in index.leading)
        found.append((ranges, (top, left), part.rechunk(part.shape).to_delayed().item()))
    return found


def _survey(
    packed: Packed, geometry: _Geometry, samples: list[tuple[_Ranges, tuple[int, int], np.ndarray]]
) -> Counting:
    """Judge the image; runs when the array is computed."""
    denoiser, image = unpack_denoiser(packed), _Seen(geometry, samples)
    counting = counting_of(image, geometry.dtype, geometry.value_range, keep_mean=denoiser.keep_mean)
    as_float = f"give it as float32 with value_range=(0, {unit_span(geometry.dtype):g})"
    remarks = remarks_on(image, denoiser.model, geometry.what, stated=geometry.value_range is not None)
    for remark in (*remarks, *counting.remarks(as_float)):
        warnings.warn(f"{geometry.what}: {remark.text}", DenoisingWarning, stacklevel=2)
    return counting


def _denoise_block(
    packed: Packed,
    geometry: _Geometry,
    counting: Counting,
    ranges: _Ranges,
    wide: _Ranges,
    block: np.ndarray,
    first: np.ndarray | None,
) -> np.ndarray:
    """Denoise some planes, of which `block` also has the neighbours; runs when the array is computed."""
    denoiser, index = unpack_denoiser(packed), geometry.index
    blocks = [(wide, (0, 0), block)]
    blocks += [] if first is None else [(tuple((0, 1) for _ in index.leading), (0, 0), first)]
    image = _Seen(geometry, blocks)
    wanted = PlaneIndex(index.axes, _block_shape(index, ranges), index.channels)
    sizes = [index.length(letter) for letter in index.leading]
    places = list(itertools.product(*(range(a, b) for a, b in ranges)))
    numbers = [int(np.ravel_multi_index(place, sizes)) if sizes else 0 for place in places]
    result = np.empty(wanted.shape, geometry.dtype)
    part = Part(tuple(numbers), (0, index.size[0]))
    for rows in denoiser.bands(image, geometry.what, geometry.value_range, counting, deviation=False, part=part):
        height, width = rows.image.shape[1:]
        starts, lengths = wanted.box(numbers.index(rows.plane), rows.rows.start, 0, height, width)
        pixels = from_unit(rows.image, geometry.dtype, geometry.value_range)
        result[tuple(slice(s, s + n) for s, n in zip(starts, lengths, strict=True))] = wanted.to_box(pixels)
    return result
