"""Opened files, denoised whole or in parts by a denoiser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from bsn.data import ImageReader
from bsn.data.arrays.pixel_types import Range
from bsn.inference.config import InferenceConfig
from bsn.inference.counting import Counting, counting_of
from bsn.inference.explanation import Explanation
from bsn.inference.fitness import ImagePlanes, Remark, goes_as_mosaic, remarks_on
from bsn.inference.parts import Part
from bsn.inference.results import FinishedRows
from bsn.models import Model

__all__ = ["DenoisesPlanes", "bands_of_file", "remarks_on_file"]


class DenoisesPlanes(Protocol):
    """What is needed of a :class:`bsn.inference.Denoiser`.

    Attributes
    ----------
    model : Model
        Its model.
    config : InferenceConfig
        Its settings.
    explanations : list of Explanation
        What the last result was chosen from.
    """

    model: Model
    config: InferenceConfig
    explanations: list[Explanation]

    @property
    def keep_mean(self) -> bool | None:
        """Whether results keep the local mean; None where the image decides."""
        ...

    def bands(
        self,
        image: ImagePlanes,
        what: str,
        value_range: Range | None,
        counting: Counting,
        *,
        deviation: bool,
        part: Part | None = None,
    ) -> Iterator[FinishedRows]:
        """Denoise an image or a part of it, see :meth:`bsn.inference.Denoiser.bands`.

        Parameters
        ----------
        image, what, value_range, counting, deviation, part
            See there.

        Yields
        ------
        FinishedRows
        """
        ...


def remarks_on_file(denoiser: DenoisesPlanes, reader: ImageReader, dtype: np.dtype[Any]) -> list[Remark]:
    """Say what the user should know of an opened file.

    Parameters
    ----------
    denoiser : DenoisesPlanes
        It is to denoise the file.
    reader : ImageReader
        The file.
    dtype : numpy.dtype
        Type of the result's pixels.

    Returns
    -------
    list of Remark

    Raises
    ------
    data.DataError
        If its values are on another scale than those of the training.
    """
    value_range = reader.options.value_range
    stated, config = value_range is not None, denoiser.config
    remarks = remarks_on(
        reader, denoiser.model, _named(reader), stated=stated, neighbours=config.neighbours, adapt=config.adapt
    )
    if goes_as_mosaic(reader, denoiser.model):
        return remarks
    counting = counting_of(reader, dtype, value_range, keep_mean=denoiser.keep_mean)
    return [*remarks, *counting.remarks("write floats (--output_dtype float32)")]


def bands_of_file(
    denoiser: DenoisesPlanes,
    reader: ImageReader,
    dtype: np.dtype[Any],
    *,
    deviation: bool = False,
    part: Part | None = None,
) -> Iterator[FinishedRows]:
    """Denoise an opened file, or a part of it.

    Parameters
    ----------
    denoiser : DenoisesPlanes
        It denoises the file.
    reader : ImageReader
        The file.
    dtype : numpy.dtype
        Type of the result's pixels.
    deviation : bool
        Also give the standard deviation.
    part : Part, optional
        Rows of some planes; the same bits as in the whole.

    Yields
    ------
    FinishedRows
    """
    value_range = reader.options.value_range
    counting = counting_of(reader, dtype, value_range, keep_mean=denoiser.keep_mean)
    yield from denoiser.bands(reader, _named(reader), value_range, counting, deviation=deviation, part=part)


def _named(reader: ImageReader) -> str:
    return f"{reader.path.name} of axes {reader.axes}"
