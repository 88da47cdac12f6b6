"""One array, one call."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
from torch import Tensor

from bsn.data.arrays.pixel_types import Range, grey_level
from bsn.data.arrays.planes import Missing, to_planes
from bsn.inference.boxed import choose_for_planes
from bsn.inference.denoiser import AnyModel, Denoiser
from bsn.inference.results import ArrayPlanes, Denoised

__all__ = ["denoise", "denoise_with_deviation"]


@overload
def denoise(
    image: np.ndarray,
    model: AnyModel = None,
    *,
    axes: str | None = None,
    nan: Missing = "refuse",
    value_range: Range | None = None,
    **options: Any,
) -> np.ndarray: ...
@overload
def denoise(
    image: Tensor,
    model: AnyModel = None,
    *,
    axes: str | None = None,
    nan: Missing = "refuse",
    value_range: Range | None = None,
    **options: Any,
) -> Tensor: ...
def denoise(
    image: np.ndarray | Tensor,
    model: AnyModel = None,
    *,
    axes: str | None = None,
    nan: Missing = "refuse",
    value_range: Range | None = None,
    **options: Any,
) -> np.ndarray | Tensor:
    """Denoise one array.

    Parameters
    ----------
    image : ndarray or Tensor
        See :meth:`Denoiser.__call__`.
    model : Model, nn.Module, str or Path, optional
        See :class:`Denoiser`. None: the model in the box that the noise of the image asks for, "camera" where neighbours
        share it (if that is installed), otherwise "photo".
    axes, nan, value_range
        See :meth:`Denoiser.__call__`.
    **options
        Fields of :class:`InferenceConfig`: ``stride``, ``r3_passes``, ``ensemble``, ``tile``, ``device`` ...

    Returns
    -------
    ndarray or Tensor
        The denoised image, of the same kind, dtype, shape and range.

    Raises
    ------
    data.DataError, ValueError, ModelFileError
        See :class:`Denoiser`.
    """
    if model is None:
        planes, layout = to_planes(image, axes, nan=nan, value_range=value_range)
        dtype = np.dtype(layout.dtype)
        chosen = choose_for_planes(ArrayPlanes(planes, dtype), grey_level(dtype, value_range))
        model = None if chosen is None else chosen.load()
    return Denoiser(model, **options)(image, axes, nan=nan, value_range=value_range)


@overload
def denoise_with_deviation(
    image: np.ndarray,
    model: AnyModel = None,
    *,
    axes: str | None = None,
    nan: Missing = "refuse",
    value_range: Range | None = None,
    **options: Any,
) -> Denoised[np.ndarray]: ...
@overload
def denoise_with_deviation(
    image: Tensor,
    model: AnyModel = None,
    *,
    axes: str | None = None,
    nan: Missing = "refuse",
    value_range: Range | None = None,
    **options: Any,
) -> Denoised[Tensor]: ...
def denoise_with_deviation(
    image: np.ndarray | Tensor,
    model: AnyModel = None,
    *,
    axes: str | None = None,
    nan: Missing = "refuse",
    value_range: Range | None = None,
    **options: Any,
) -> Denoised[np.ndarray] | Denoised[Tensor]:
    """Denoise one array and tell how sure the result is, for models that were trained with a noise model.

    Parameters
    ----------
    image, model, axes, nan, value_range, **options
        See :func:`denoise`.

    Returns
    -------
    Denoised
        ``image`` and ``deviation``, see :meth:`Denoiser.with_deviation`.

    Raises
    ------
    data.DataError, ValueError, ModelFileError
        See :meth:`Denoiser.with_deviation`.
    """
    return Denoiser(model, **options).with_deviation(image, axes, nan=nan, value_range=value_range)
