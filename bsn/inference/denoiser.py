"""Denoising arrays and files."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bsn.data import DataError, open_image, open_writer
from bsn.data.arrays.planes import check_finite, from_unit, to_planes, to_unit, unit_span
from bsn.data.sources.samples import evenly, middle
from bsn.inference.bands import denoise_bands
from bsn.inference.config import InferenceConfig
from bsn.inference.pipeline import Pipeline
from bsn.models import Model, image_network
from bsn.models.bundled import load_bundled
from bsn.noise import measure_colours

__all__ = ["Denoiser", "FileReport", "denoise", "output_path", "uncertainty_path"]


_LOOKED_AT, _MIDDLE = 16, 512


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

    def __init__(
        self, model: Model | nn.Module | str | Path | None = None, config: InferenceConfig | None = None, **options: Any
    ) -> None:
        self.config = dataclasses.replace(config or InferenceConfig(), **options)
        self.device = _device(self.config.device)
        if model is None:
            model = load_bundled()
        elif isinstance(model, (str, Path)):
            model = Model.load(model)
        elif isinstance(model, nn.Module):
            model = Model(image_network(model))
        self.model = dataclasses.replace(model, network=model.network.to(self.device).eval())
        self.pipeline = Pipeline(self.model, self.config)

    def __call__(self, image: np.ndarray | Tensor, axes: str | None = None) -> Any:
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
            Of the same kind, dtype, shape and range. With ``uncertainty=True`` a pair: the result, and the standard
            deviation of the posterior as float32, in units of the image's own values.

        Raises
        ------
        data.DataError
            For arrays that are no images, NaN pixels, and a number of channels that is not the model's.
        ValueError
            If the image or a tile is too small for the model.
        """
        planes, layout = to_planes(image, axes)
        self._check_channels(planes.shape[1], f"an image of axes {layout.axes}")
        channels = planes.shape[1]
        outputs = self.pipeline.outputs(channels)
        result = np.empty((planes.shape[0], outputs, *planes.shape[2:]), planes.dtype)
        for index, plane in enumerate(planes):
            source = torch.from_numpy(plane)

            def read(top: int, left: int, height: int, width: int, source: Tensor = source) -> Tensor:
                return source[None, :, top : top + height, left : left + width].to(self.device)

            for top, rows in denoise_bands(self.pipeline, read, plane.shape[1:], outputs, plane=index):
                result[index, :, top : top + rows.shape[1]] = rows.numpy()
        clean = layout.restore(result[:, :channels])
        if not self.config.uncertainty:
            return clean
        in_units = result[:, channels:] * unit_span(layout.dtype)
        return clean, dataclasses.replace(layout, dtype="float32").restore(in_units)

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
        self.pipeline = dataclasses.replace(self.pipeline, typical_noise=measure_colours(images))

    def denoise_file(
        self, source: str | Path, target: str | Path, *, axes: str | None = None, overwrite: bool = False
    ) -> None:
        """Denoise a file region by region, so that images larger than memory work.

        Parameters
        ----------
        source, target : str or Path
            Any format of :mod:`data`. The target gets the dtype, axes, size and metadata of the source, and appears only
            when it is complete.
            With ``uncertainty=True`` a second file, see :func:`uncertainty_path`.
        axes : str, optional
        overwrite : bool

        Raises
        ------
        data.DataError
            For files that cannot be read or written, NaN pixels, and a number of channels that is not the model's.
        ValueError
            If the image or a tile is too small for the model.
        """
        with open_image(source, axes=axes) as reader:
            self._check_channels(reader.channels, f"{Path(source).name} of axes {reader.axes}")
            with contextlib.ExitStack() as stack:

                def writer_of(path: str | Path, dtype: Any) -> Any:
                    new = open_writer(path, reader.shape, reader.axes, dtype, reader.metadata, overwrite=overwrite)
                    return stack.enter_context(new)

                writer = writer_of(target, reader.dtype)
                deviations = writer_of(uncertainty_path(target), np.float32) if self.config.uncertainty else None
                for plane in range(reader.planes):

                    def read(top: int, left: int, height: int, width: int, plane: int = plane) -> Tensor:
                        region = reader.read(plane, top, left, height, width)
                        check_finite(region, f"{Path(source).name} at row {top}, column {left}")
                        return torch.from_numpy(to_unit(region))[None].to(self.device)

                    outputs = self.pipeline.outputs(reader.channels)
                    for top, rows in denoise_bands(self.pipeline, read, reader.size, outputs, plane=plane):
                        values = rows.numpy()
                        writer.write(plane, top, 0, from_unit(values[: reader.channels], reader.dtype))
                        if deviations is not None:
                            deviations.write(plane, top, 0, values[reader.channels :] * unit_span(reader.dtype))

    def denoise_files(
        self,
        sources: Iterable[Path],
        target: Callable[[Path], Path],
        *,
        axes: str | None = None,
        overwrite: bool = False,
        progress: Callable[[Path], None] = lambda _: None,
    ) -> FileReport:
        """Denoise many files; bad ones are reported and do not stop the others.

        Parameters
        ----------
        sources : iterable of Path
        target : callable
            Output path of an input path.
        axes : str, optional
        overwrite : bool
        progress : callable
            Called after each file.

        Returns
        -------
        FileReport
        """
        report, sources = FileReport(), list(sources)
        if self.config.same_noise and self.pipeline.wiener:
            self._share_noise_of_files(sources, axes)
        for source in sources:
            try:
                self.denoise_file(source, target(source), axes=axes, overwrite=overwrite)
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


def denoise(
    image: np.ndarray | Tensor,
    model: Model | nn.Module | str | Path | None = None,
    *,
    axes: str | None = None,
    **options: Any,
) -> Any:
    """Denoise one array.

    Parameters
    ----------
    image : ndarray or Tensor
        uint8, uint16 or float, see :meth:`Denoiser.__call__`.
    model : Model, nn.Module, str or Path, optional
        See :class:`Denoiser`.
    axes : str, optional
    **options
        Fields of :class:`InferenceConfig`: ``stride``, ``r3_passes``, ``ensemble``, ``tile``, ``device`` ...

    Returns
    -------
    ndarray or Tensor
        Of the same kind, dtype, shape and range. With ``uncertainty=True`` a pair, see :meth:`Denoiser.__call__`.

    Raises
    ------
    data.DataError, ValueError, ModelFileError
        See :class:`Denoiser`.
    """
    return Denoiser(model, **options)(image, axes)


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
