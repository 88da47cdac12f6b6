"""Denoising arrays and files."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from torch import Tensor, nn

from bsn.data import DataError, ReadOptions
from bsn.data.arrays.pixel_types import Range, grey_level, unit_span
from bsn.data.arrays.planes import Missing, PlaneLayout, to_planes
from bsn.data.files.results import open_results
from bsn.engine.side_effects import threads_set
from bsn.inference.bands import denoise_bands
from bsn.inference.config import InferenceConfig
from bsn.inference.counting import Counting, counting_of
from bsn.inference.device import named_device
from bsn.inference.explanation import Explanation
from bsn.inference.file_line import Wanted, denoise_line, fill_results
from bsn.inference.fitness import DenoisingWarning, ImagePlanes, Remark, goes_as_mosaic, misses_pixels, remarks_on
from bsn.inference.measuring import Region
from bsn.inference.memory import telling_of_memory
from bsn.inference.mosaic import GreyPasses, bands_of_mosaic
from bsn.inference.parts import Part
from bsn.inference.pattern_free import without_pattern
from bsn.inference.pipeline import Pipeline
from bsn.inference.plan import check_deviation, make_pipeline
from bsn.inference.planes_in_order import PlanesInOrder
from bsn.inference.polishing import polishing_model
from bsn.inference.results import ArrayPlanes, Denoised, FileReport, FinishedRows, joined, unchanged_rows
from bsn.inference.shared_noise import middles_of_files
from bsn.inference.stages import Measured
from bsn.inference.whole_planes import adapted_planes, check_adaptable, joint_frames
from bsn.models import Model, image_network, is_blind
from bsn.models.bundled import load, load_bundled
from bsn.noise import measure_spectrum

__all__ = ["AnyModel", "Denoiser"]

AnyModel = Model | nn.Module | str | Path | None


class Denoiser:
    """A model ready to denoise many images.

    Parameters
    ----------
    model : Model, nn.Module, str or Path, optional
        A loaded model, a registered network that works on image values, a model file, the folder of a run, or the name of
        a model in the box (:mod:`bsn.models.bundled`), such as "photo" or "photo-tiny". None: "photo".
    config : InferenceConfig, optional
        Strides, tiles, precision and the like; the model's defaults if left out.
    **options
        Fields of :class:`InferenceConfig`, instead of `config`.

    Attributes
    ----------
    explanations : list of Explanation
        What the result of the last image or file was chosen from and why, one for each plane (and each channel, where these are
        denoised one by one); empty where nothing was chosen. Of results that are not mixed, the first plane alone is
        checked.
    frame_done : callable or None
        Called after each plane of an image with their number so far and in all, for displays of progress.
    progress : callable or None
        Called after each band of rows with the share of the image that is done, from 0 to 1. An exception that it raises ends
        the work.

    Raises
    ------
    ModelFileError
        If the model cannot be loaded.
    ValueError
        For options out of range, or a device that is not there.

    Examples
    --------
    >>> import bsn.models
    >>> denoiser = Denoiser(bsn.models.create("phase-unet-tiny", channels=1), device="cpu")
    >>> denoiser(np.zeros((40, 50), np.uint16)).dtype
    dtype('uint16')
    """

    def __init__(self, model: AnyModel = None, config: InferenceConfig | None = None, **options: Any) -> None:
        self.config = dataclasses.replace(config or InferenceConfig(), **options)
        self.device = named_device(self.config.device)
        if model is None:
            model = load_bundled()
        elif isinstance(model, (str, Path)):
            model = load(model)
        elif isinstance(model, nn.Module):
            model = Model(image_network(model))
        self.model = dataclasses.replace(model, network=model.network.to(self.device).eval())
        if self.config.neighbours and is_blind(self.model.network):
            raise ValueError(
                f"neighbours {self.config.neighbours}: this model is blind to the pixel that it denoises, and averages are for "
                "models in the box and students; leave neighbours out, or train with --context"
            )
        check_adaptable(self.model, self.config)
        self.pipeline = make_pipeline(self.model, self.config)
        self._in_order = PlanesInOrder(self.model, self.device, self.config.outliers)
        self.explanations: list[Explanation] = []
        self.frame_done: Callable[[int, int], None] | None = None
        self.progress: Callable[[float], None] | None = None

    @overload
    def __call__(
        self, image: np.ndarray, axes: str | None = None, *, nan: Missing = ..., value_range: Range | None = ...
    ) -> np.ndarray: ...
    @overload
    def __call__(
        self, image: Tensor, axes: str | None = None, *, nan: Missing = ..., value_range: Range | None = ...
    ) -> Tensor: ...
    def __call__(
        self,
        image: np.ndarray | Tensor,
        axes: str | None = None,
        *,
        nan: Missing = "refuse",
        value_range: Range | None = None,
    ) -> np.ndarray | Tensor:
        """Denoise an array.

        Parameters
        ----------
        image : ndarray or Tensor
            uint8, uint16 or float; grey or with the model's number of channels (others are denoised channel by channel, with
            a warning). Stacks are denoised plane by plane, by models with context with the neighbours of each along T or Z.
        axes : str, optional
            One letter per axis, such as "YX", "YXC", "ZYX"; guessed from the shape where left out.
        nan : {"refuse", "keep"}
            Whether NaN and infinite pixels are refused, or are missing: NaN in the result.
        value_range : tuple of float, optional
            The pixel values that stand for 0 and 1, such as (0, 4095) for 12 bits in 16.

        Returns
        -------
        ndarray or Tensor
            The denoised image, of the same kind, dtype, shape and range.

        Raises
        ------
        data.DataError
            For arrays that are not images, NaN pixels, a number of channels that does not fit the model, values on another
            scale than those of the training, and where memory does not suffice.
        ValueError
            If the image or a tile is too small for the model.
        """
        planes, layout = to_planes(image, axes, nan=nan, value_range=value_range)
        if self.config.strength == 0:
            return image.clone() if isinstance(image, Tensor) else image.copy()
        with threads_set(self.config.threads):
            return layout.restore(joined(self._bands_of_array(planes, layout, stated_axes=axes is not None), planes))

    @overload
    def with_deviation(
        self, image: np.ndarray, axes: str | None = None, *, nan: Missing = ..., value_range: Range | None = ...
    ) -> Denoised[np.ndarray]: ...
    @overload
    def with_deviation(
        self, image: Tensor, axes: str | None = None, *, nan: Missing = ..., value_range: Range | None = ...
    ) -> Denoised[Tensor]: ...
    def with_deviation(
        self,
        image: np.ndarray | Tensor,
        axes: str | None = None,
        *,
        nan: Missing = "refuse",
        value_range: Range | None = None,
    ) -> Denoised[np.ndarray] | Denoised[Tensor]:
        """Denoise an array and tell how sure the result is.

        Parameters
        ----------
        image, axes, nan, value_range
            See :meth:`__call__`.

        Returns
        -------
        Denoised
            The result, and the standard deviation of the posterior as float32, in units of the image's own values.

        Raises
        ------
        data.DataError
            See :meth:`__call__`.
        ValueError
            See :meth:`__call__`, and for models that predict no uncertainty.
        """
        self.check_deviation()
        planes, layout = to_planes(image, axes, nan=nan, value_range=value_range)
        result, spread = np.empty_like(planes), np.empty_like(planes)
        with threads_set(self.config.threads):
            for band in self._bands_of_array(planes, layout, stated_axes=axes is not None, deviation=True):
                result[band.plane, :, band.rows], spread[band.plane, :, band.rows] = band.image, band.deviation
        span = unit_span(layout.dtype, layout.value_range)
        in_units = dataclasses.replace(layout, dtype="float32", value_range=None).restore(spread * span)
        clean = layout.restore(result)
        if isinstance(clean, Tensor) and isinstance(in_units, Tensor):
            return Denoised(clean, in_units)
        return Denoised(np.asarray(clean), np.asarray(in_units))

    def check_deviation(self) -> None:
        """Refuse where there is no posterior to take the standard deviation from.

        Raises
        ------
        ValueError
        """
        check_deviation(self.model, self.config)

    def _bands_of_array(
        self, planes: np.ndarray, layout: PlaneLayout, *, stated_axes: bool, deviation: bool = False
    ) -> Iterator[FinishedRows]:
        what = f"an image of axes {layout.axes}"
        image = ArrayPlanes(planes, np.dtype(layout.dtype), layout.index if stated_axes else None)
        counting = counting_of(image, image.dtype, layout.value_range, keep_mean=self.keep_mean)
        as_float = f"give it as float32 with value_range=(0, {unit_span(image.dtype):g})"
        stated, neighbours, adapt = layout.value_range is not None, self.config.neighbours, self.config.adapt
        for remark in (
            *remarks_on(image, self.model, what, stated=stated, neighbours=neighbours, adapt=adapt),
            *counting.remarks(as_float),
        ):
            warnings.warn(f"{what}: {remark.text}", DenoisingWarning, stacklevel=3)
        return self.bands(image, what, layout.value_range, counting, deviation=deviation)

    @property
    def polished_by(self) -> str | None:
        """Name of the model in the box that gives results their second pass; None where there is none."""
        found = polishing_model(self.model, self.config)
        return None if found is None else found.name

    @property
    def keep_mean(self) -> bool | None:
        """Whether results keep the local mean; models that restore, such as low light, are to change it."""
        restores = "training_pairs" in self.model.provenance
        return False if restores and self.config.keep_mean is None else self.config.keep_mean

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
        """Denoise all planes of an image, or a part of it, from top to bottom.

        Parameters
        ----------
        image : ImagePlanes
            The image.
        what : str
            Its name, for messages.
        value_range : tuple of float, optional
            Its stated range.
        counting : Counting
            How it is treated, see :func:`bsn.inference.counting.counting_of`.
        deviation : bool
            Also give the standard deviation.
        part : Part, optional
            Rows of some planes; the same bits as in the whole.

        Yields
        ------
        FinishedRows
        """
        pipeline = self.pipeline.keeping_mean() if counting.keep_mean else self.pipeline
        level = grey_level(image.dtype, value_range)
        self.explanations = []
        if self.config.strength == 0:
            yield from unchanged_rows(image, part)
            return
        if goes_as_mosaic(image, self.model) and not misses_pixels(image):
            with telling_of_memory(what, image.size, self.pipeline.tiling):
                outliers = self.config.outliers or self.model.inference.outliers
                passes, strength = self._passes(image.size), self.config.strength
                yield from bands_of_mosaic(passes, image, strength, part, outliers=outliers)
            self._tell(1, 1)
            return
        if self.config.neighbours or self.config.adapt:
            rows_of = self._joint_rows if self.config.neighbours else self._adapted_rows
            with telling_of_memory(what, image.size, self.pipeline.tiling):
                yield from rows_of(image, counting, part, level)
            return
        checked: list[Measured] = []
        planes, rows = (range(image.planes), None) if part is None else (part.planes, part.rows)
        wanted = {*planes, 0} if pipeline.checks_once else planes  # the check of the first plane holds of all
        done = 0
        for plane, mended, found in self._in_order.each(without_pattern(image, self.config, self.model), level, wanted):
            numbers = range(plane * len(mended), (plane + 1) * len(mended))
            here = pipeline if found is None else pipeline.with_neighbours(found)
            with telling_of_memory(what, image.size, here.tiling):
                measured = self._measured(mended, image.size, level, checked, here)
                checked = measured if pipeline.checks_once else []
                if plane not in planes:
                    continue
                bands = [
                    denoise_bands(
                        here, read, image.size, plane=number, deviation=deviation, measured=known, wanted=rows
                    )
                    for read, number, known in zip(mended, numbers, measured, strict=True)
                ]
                for parts in zip(*bands, strict=True):
                    finished = FinishedRows.of(plane, parts, mended)
                    yield counting.finish(finished.put_back(image, self.config.strength))
                    if self.progress is not None:
                        self.progress((done + min(1.0, finished.rows.stop / image.size[0])) / len(planes))
            done += 1
            self._tell(done, len(planes))

    def _tell(self, done: int, of: int) -> None:
        """Report finished planes."""
        if self.progress is not None:
            self.progress(done / of)
        if self.frame_done is not None:
            self.frame_done(done, of)

    def _passes(self, size: tuple[int, int]) -> GreyPasses:
        """Passes of a mosaic of that half size, of its planes and of the whole, each as it is."""
        strength = max(self.config.strength, 1.0)
        config = dataclasses.replace(self.config, neighbours=0, fixed_pattern="keep", mix="off", strength=strength)
        return GreyPasses(Denoiser(self.model, config), size, self.progress)

    def _joint_rows(
        self, image: ImagePlanes, counting: Counting, part: Part | None, _: float
    ) -> Iterator[FinishedRows]:
        """Planes that are denoised together with their neighbours, see :attr:`InferenceConfig.neighbours`."""
        joint, alone = joint_frames(self, without_pattern(image, self.config, self.model), counting)
        for done, of, rows in joint.rows(part):
            yield counting.finish(rows.put_back(image, self.config.strength))
            self.explanations = list(alone.explanations)
            self._tell(done, of)

    def _adapted_rows(
        self, image: ImagePlanes, counting: Counting, part: Part | None, level: float
    ) -> Iterator[FinishedRows]:
        """Planes denoised by the model as it is adapted to the image, see :attr:`InferenceConfig.adapt`."""
        adapted = adapted_planes(self, without_pattern(image, self.config, self.model), level, counting)
        self.explanations = [found.explanation for found in adapted.adaptations]
        for done, of, rows in adapted.rows(part):
            yield counting.finish(rows.put_back(image, self.config.strength))
            self._tell(done, of)

    def _measured(
        self,
        mended: Sequence[Region],
        size: tuple[int, int],
        level: float,
        checked: Sequence[Measured],
        pipeline: Pipeline,
    ) -> list[Measured]:
        """What is measured on a plane, for each group of its channels; what was checked on the first plane stays."""
        if checked:
            known = zip(mended, checked, strict=True)
            return [of.again(pipeline.measurement(read, size)) for read, of in known]
        found = [pipeline.measure(read, size, level) for read in mended]
        self.explanations += [of.explanation for of in found if of.explanation is not None]
        return found

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
        measurement = dataclasses.replace(self.pipeline.measurement, typical=measure_spectrum(images))
        self.pipeline = dataclasses.replace(self.pipeline, measurement=measurement)

    def denoise_file(
        self,
        source: str | Path,
        target: str | Path,
        *,
        axes: str | None = None,
        options: ReadOptions | None = None,
        overwrite: bool = False,
        deviation: bool = False,
        output_dtype: str | None = None,
        remark: Callable[[Remark], None] | None = None,
    ) -> None:
        """Denoise a file region by region, so that images larger than memory work.

        Parameters
        ----------
        source, target : str or Path
            Any format of :mod:`bsn.data`. The target gets the dtype, axes, size and metadata of the source, and appears only
            when it is complete; a remark names the metadata that its format has no place for.
            Of a packed file each image is denoised, into a packed file.
        axes : str, optional
            One letter per axis; by default what the file says.
        options : ReadOptions, optional
            How the source is read: its key, missing values, range.
        overwrite : bool
            Replace a target that exists.
        deviation : bool
            Also write the standard deviation of the posterior, to the file of :func:`uncertainty_path`.
        output_dtype : str, optional
            Type of the result's pixels, such as "float32" for counts of few photons, which integers would round. The values
            stay in units of the source. By default the type of the source.
        remark : callable
            Gets what the user should know of the image; by default it becomes a warning.

        Raises
        ------
        data.DataError
            For files that cannot be read or written, and as in :meth:`__call__`.
        ValueError
            If the image or a tile is too small for the model.
        """
        if deviation:
            self.check_deviation()
        wanted = Wanted(deviation, output_dtype, overwrite)
        how, say = ReadOptions.of(options, axes=axes), remark or functools.partial(_warn, Path(source))
        with (
            open_results(source, wanted.targets(target), how, overwrite=overwrite) as images,
            threads_set(self.config.threads),
        ):
            fill_results(self, images, deviation=deviation, say=say)

    def denoise_files(
        self,
        sources: Iterable[Path],
        target: Callable[[Path], Path],
        *,
        axes: str | None = None,
        options: ReadOptions | None = None,
        overwrite: bool = False,
        deviation: bool = False,
        output_dtype: str | None = None,
        progress: Callable[[Path], None] = lambda _: None,
    ) -> FileReport:
        """Denoise many files; bad ones are reported and do not stop the others.

        While one is denoised, the next is decoded and the last is encoded (:mod:`bsn.inference.file_line`).

        Parameters
        ----------
        sources : iterable of Path
            Noisy files.
        target : callable
            Output path of an input path, see :func:`bsn.inference.result_paths`.
        axes, options, overwrite, deviation, output_dtype
            See :meth:`denoise_file`.
        progress : callable
            Called after each file.

        Returns
        -------
        FileReport

        Raises
        ------
        ValueError
            If the deviation is asked of a model that predicts none.
        """
        if deviation:
            self.check_deviation()
        sources, how = list(sources), ReadOptions.of(options, axes=axes)
        self.share_noise_of_files(sources, how)
        report = denoise_line(self, sources, target, how, Wanted(deviation, output_dtype, overwrite), progress)
        for text in report.said():
            warnings.warn(text, DenoisingWarning, stacklevel=2)
        return report

    def share_noise_of_files(self, sources: Sequence[Path], options: ReadOptions) -> None:
        """Where it was asked for, take files to have about the same noise, measured in the middle of some of them.

        Parameters
        ----------
        sources : sequence of Path
            All files; those that cannot be read are reported when their turn comes.
        options : ReadOptions
            How they are read.
        """
        if not self.config.same_noise or self.pipeline.filter is None:
            return
        images = middles_of_files(sources, options, self._in_order)
        with contextlib.suppress(DataError):
            if images:
                self.share_noise(images)


def _warn(source: Path, remark: Remark) -> None:
    warnings.warn(f"{source.name}: {remark.text}", DenoisingWarning, stacklevel=3)
