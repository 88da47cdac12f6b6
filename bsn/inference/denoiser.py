"""Denoising arrays and files."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, overload

import numpy as np
import torch
from torch import Tensor, nn

from bsn.data import DataError, open_image, open_writer
from bsn.data.arrays.planes import PlaneLayout, check_finite, from_unit, to_planes, to_unit, unit_span
from bsn.data.sources.samples import evenly, middle
from bsn.inference.bands import denoise_bands
from bsn.inference.config import InferenceConfig
from bsn.inference.measuring import Region
from bsn.inference.plan import make_pipeline
from bsn.models import Model, image_network
from bsn.models.bundled import load_bundled
from bsn.noise import measure_colours

__all__ = [
    "Denoised",
    "Denoiser",
    "FileReport",
    "denoise",
    "denoise_with_deviation",
    "output_path",
    "uncertainty_path",
]

_LOOKED_AT, _MIDDLE = 16, 512

AnyModel = Model | nn.Module | str | Path | None
Kind = TypeVar("Kind", np.ndarray, Tensor)


class Denoised(NamedTuple, Generic[Kind]):
    """A result and how sure it is.

    Parameters
    ----------
    image : ndarray or Tensor
        Of the kind, dtype, shape and range of the image that was given.
    deviation : ndarray or Tensor
        Standard deviation of each pixel, float32, of the same shape, in units of the image's own values.
    """

    image: Kind
    deviation: Kind


@dataclass
class FileReport:
    """What became of the files of a run: outputs by input, and messages of those that failed."""

    done: dict[Path, Path] = field(default_factory=dict)
    failed: dict[Path, str] = field(default_factory=dict)


class Denoiser:
    """A model ready to denoise many images.

    Parameters
    ----------
    model : Model, nn.Module, str or Path, optional
        A loaded model, a registered network that works on image values, a model file, or the folder of a run. None: the
        model in the box, see :mod:`bsn.models.bundled`.
    config : InferenceConfig, optional
    **options
        Fields of :class:`InferenceConfig`, instead of `config`.

    Raises
    ------
    ModelFileError
        If the model cannot be loaded.
    ValueError
        For options out of range, or a device that is not there.

    Examples
    --------
    >>> import bsn.models
    >>> denoiser = Denoiser(bsn.models.create("tbsn-tiny", channels=1), device="cpu")
    >>> denoiser(np.zeros((40, 50), np.uint16)).dtype
    dtype('uint16')
    """

    def __init__(self, model: AnyModel = None, config: InferenceConfig | None = None, **options: Any) -> None:
        self.config = dataclasses.replace(config or InferenceConfig(), **options)
        self.device = _device(self.config.device)
        if model is None:
            model = load_bundled()
        elif isinstance(model, (str, Path)):
            model = Model.load(model)
        elif isinstance(model, nn.Module):
            model = Model(image_network(model))
        self.model = dataclasses.replace(model, network=model.network.to(self.device).eval())
        self.pipeline = make_pipeline(self.model, self.config)

    @overload
    def __call__(self, image: np.ndarray, axes: str | None = None) -> np.ndarray: ...
    @overload
    def __call__(self, image: Tensor, axes: str | None = None) -> Tensor: ...
    def __call__(self, image: np.ndarray | Tensor, axes: str | None = None) -> np.ndarray | Tensor:
        """Denoise an array.

        Parameters
        ----------
        image : ndarray or Tensor
            uint8, uint16 or float; grey or with the model's number of channels; stacks are denoised plane by plane.
        axes : str, optional
            One letter per axis, such as "YX", "YXC", "ZYX"; guessed from the shape where left out.

        Returns
        -------
        ndarray or Tensor
            Of the same kind, dtype, shape and range.

        Raises
        ------
        data.DataError
            For arrays that are no images, NaN pixels, and a number of channels that is not the model's.
        ValueError
            If the image or a tile is too small for the model.
        """
        planes, layout = self._open(image, axes)
        result = np.empty_like(planes)
        for index, plane in enumerate(planes):
            for band in denoise_bands(self.pipeline, self._reader(plane), plane.shape[1:], plane=index):
                result[index, :, band.top : band.top + band.image.shape[1]] = band.image.numpy()
        return layout.restore(result)

    @overload
    def with_deviation(self, image: np.ndarray, axes: str | None = None) -> Denoised[np.ndarray]: ...
    @overload
    def with_deviation(self, image: Tensor, axes: str | None = None) -> Denoised[Tensor]: ...
    def with_deviation(
        self, image: np.ndarray | Tensor, axes: str | None = None
    ) -> Denoised[np.ndarray] | Denoised[Tensor]:
        """Denoise an array and tell how sure the result is.

        Parameters
        ----------
        image, axes
            As in :meth:`__call__`.

        Returns
        -------
        Denoised
            The result, and the standard deviation of the posterior as float32, in units of the image's own values.

        Raises
        ------
        data.DataError
            As in :meth:`__call__`.
        ValueError
            As in :meth:`__call__`, and for models that predict no uncertainty.
        """
        self.check_deviation()
        planes, layout = self._open(image, axes)
        result, spread = np.empty_like(planes), np.empty_like(planes)
        for index, plane in enumerate(planes):
            bands = denoise_bands(self.pipeline, self._reader(plane), plane.shape[1:], plane=index, deviation=True)
            for band in bands:
                rows = slice(band.top, band.top + band.image.shape[1])
                result[index, :, rows] = band.image.numpy()
                if band.deviation is not None:
                    spread[index, :, rows] = band.deviation.numpy()
        in_units = dataclasses.replace(layout, dtype="float32").restore(spread * unit_span(layout.dtype))
        image = layout.restore(result)
        if isinstance(image, Tensor) and isinstance(in_units, Tensor):
            return Denoised(image, in_units)
        return Denoised(np.asarray(image), np.asarray(in_units))

    def check_deviation(self) -> None:
        """Refuse where there is no posterior to take the standard deviation from.

        Raises
        ------
        ValueError
        """
        if not self.config.posterior:
            raise ValueError("the uncertainty is that of the posterior; leave posterior=False out")
        if self.model.noise is None:
            raise ValueError(
                "this model predicts no uncertainty; train one with a noise model (`bsn train --noise poisson-gaussian`)"
            )

    def _open(self, image: np.ndarray | Tensor, axes: str | None) -> tuple[np.ndarray, PlaneLayout]:
        planes, layout = to_planes(image, axes)
        self._check_channels(planes.shape[1], f"an image of axes {layout.axes}")
        return planes, layout

    def _reader(self, plane: np.ndarray) -> Region:
        source = torch.from_numpy(plane)

        def read(top: int, left: int, height: int, width: int) -> Tensor:
            return source[None, :, top : top + height, left : left + width].to(self.device)

        return read

    def share_noise(self, images: Sequence[np.ndarray]) -> None:
        """Take the images that follow to have about the noise of these, for the Wiener filter.

        Parameters
        ----------
        images : sequence of ndarray, shape (C, H, W), float
            Image values: in [0, 1] for integer images.

        Raises
        ------
        data.DataError
            If all of them together are too small to be measured.
        """
        measurement = dataclasses.replace(self.pipeline.measurement, typical_noise=measure_colours(images))
        self.pipeline = dataclasses.replace(self.pipeline, measurement=measurement)

    def denoise_file(
        self,
        source: str | Path,
        target: str | Path,
        *,
        axes: str | None = None,
        overwrite: bool = False,
        deviation: bool = False,
    ) -> None:
        """Denoise a file region by region, so that images larger than memory work.

        Parameters
        ----------
        source, target : str or Path
            Any format of :mod:`data`. The target gets the dtype, axes, size and metadata of the source, and appears only
            when it is complete.
        axes : str, optional
            One letter per axis; by default what the file says.
        overwrite : bool
            Replace a target that exists.
        deviation : bool
            Also write the standard deviation of the posterior, to the file of :func:`uncertainty_path`.

        Raises
        ------
        data.DataError
            For files that cannot be read or written, NaN pixels, and a number of channels that is not the model's.
        ValueError
            If the image or a tile is too small for the model.
        """
        if deviation:
            self.check_deviation()
        with open_image(source, axes=axes) as reader:
            self._check_channels(reader.channels, f"{Path(source).name} of axes {reader.axes}")
            with contextlib.ExitStack() as stack:

                def writer_of(path: str | Path, dtype: Any) -> Any:
                    new = open_writer(path, reader.shape, reader.axes, dtype, reader.metadata, overwrite=overwrite)
                    return stack.enter_context(new)

                writer = writer_of(target, reader.dtype)
                deviations = writer_of(uncertainty_path(target), np.float32) if deviation else None
                for plane in range(reader.planes):

                    def read(top: int, left: int, height: int, width: int, plane: int = plane) -> Tensor:
                        region = reader.read(plane, top, left, height, width)
                        check_finite(region, f"{Path(source).name} at row {top}, column {left}")
                        return torch.from_numpy(to_unit(region))[None].to(self.device)

                    bands = denoise_bands(self.pipeline, read, reader.size, plane=plane, deviation=deviation)
                    for band in bands:
                        writer.write(plane, band.top, 0, from_unit(band.image.numpy(), reader.dtype))
                        if deviations is not None and band.deviation is not None:
                            in_units = band.deviation.numpy() * unit_span(reader.dtype)
                            deviations.write(plane, band.top, 0, in_units)

    def denoise_files(
        self,
        sources: Iterable[Path],
        target: Callable[[Path], Path],
        *,
        axes: str | None = None,
        overwrite: bool = False,
        deviation: bool = False,
        progress: Callable[[Path], None] = lambda _: None,
    ) -> FileReport:
        """Denoise many files; bad ones are reported and do not stop the others.

        Parameters
        ----------
        sources : iterable of Path
        target : callable
            Output path of an input path.
        axes, overwrite, deviation
            As in :meth:`denoise_file`.
        progress : callable
            Called after each file.

        Returns
        -------
        FileReport
        """
        report, sources = FileReport(), list(sources)
        if deviation:
            self.check_deviation()
        if self.config.same_noise and self.pipeline.filter is not None:
            self._share_noise_of_files(sources, axes)
        for source in sources:
            try:
                self.denoise_file(source, target(source), axes=axes, overwrite=overwrite, deviation=deviation)
                report.done[source] = target(source)
            except ValueError as error:  # DataError is one
                report.failed[source] = str(error)
            progress(source)
        return report

    def _share_noise_of_files(self, sources: list[Path], axes: str | None) -> None:
        """From the middle of some files; those that cannot be read are reported when their turn comes."""
        images = []
        for index in evenly(len(sources), _LOOKED_AT):
            with contextlib.suppress(DataError), open_image(sources[index], axes=axes) as reader:
                if reader.channels in (1, self.model.channels):
                    seen = reader.read(0, *middle(reader.size, _MIDDLE))
                    check_finite(seen, sources[index].name)
                    images.append(to_unit(seen))
        with contextlib.suppress(DataError):
            if images:
                self.share_noise([image for image in images if len(image) == len(images[0])])

    def _check_channels(self, channels: int, what: str) -> None:
        if channels != self.model.channels and not (channels == 1 and self.model.inference.grey_as_colour):
            raise DataError(
                f"{what} with {channels} channel{'s' * (channels != 1)}",
                f"this model denoises images of {self.model.channels}",
                "use a model trained on such images",
            )


@overload
def denoise(image: np.ndarray, model: AnyModel = None, *, axes: str | None = None, **options: Any) -> np.ndarray: ...
@overload
def denoise(image: Tensor, model: AnyModel = None, *, axes: str | None = None, **options: Any) -> Tensor: ...
def denoise(
    image: np.ndarray | Tensor, model: AnyModel = None, *, axes: str | None = None, **options: Any
) -> np.ndarray | Tensor:
    """Denoise one array.

    Parameters
    ----------
    image : ndarray or Tensor
        See :meth:`Denoiser.__call__`.
    model : Model, nn.Module, str or Path, optional
        See :class:`Denoiser`.
    axes : str, optional
        One letter per axis, such as "YX", "YXC", "ZYX"; guessed from the shape where left out.
    **options
        Fields of :class:`InferenceConfig`: ``stride``, ``r3_passes``, ``ensemble``, ``tile``, ``device`` ...

    Returns
    -------
    ndarray or Tensor
        Of the same kind, dtype, shape and range.

    Raises
    ------
    data.DataError, ValueError, ModelFileError
        See :class:`Denoiser`.
    """
    return Denoiser(model, **options)(image, axes)


@overload
def denoise_with_deviation(
    image: np.ndarray, model: AnyModel = None, *, axes: str | None = None, **options: Any
) -> Denoised[np.ndarray]: ...
@overload
def denoise_with_deviation(
    image: Tensor, model: AnyModel = None, *, axes: str | None = None, **options: Any
) -> Denoised[Tensor]: ...
def denoise_with_deviation(
    image: np.ndarray | Tensor, model: AnyModel = None, *, axes: str | None = None, **options: Any
) -> Denoised[np.ndarray] | Denoised[Tensor]:
    """Denoise one array and tell how sure the result is, for models that were trained with a noise model.

    Parameters
    ----------
    image, model, axes, **options
        As in :func:`denoise`.

    Returns
    -------
    Denoised
        ``image`` and ``deviation``, see :meth:`Denoiser.with_deviation`.

    Raises
    ------
    data.DataError, ValueError, ModelFileError
        See :meth:`Denoiser.with_deviation`.
    """
    return Denoiser(model, **options).with_deviation(image, axes)


def output_path(source: Path, folder: Path) -> Path:
    """Where the result of a file goes: the same name in `folder`; lossy JPEG becomes PNG."""
    name = source.with_suffix(".png").name if source.suffix.lower() in (".jpg", ".jpeg") else source.name
    return folder / name


def uncertainty_path(target: str | Path) -> Path:
    """Where the standard deviations of a result go: float32 beside it, ``name_uncertainty.tif``."""
    return Path(target).with_name(Path(target).stem + "_uncertainty.tif")


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise ValueError(f"device {name!r} is not here; use 'cpu' or 'auto'") from None
    return device
