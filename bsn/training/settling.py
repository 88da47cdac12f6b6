"""Settings with "auto" and noisy images give settings without "auto": one decision, for ``bsn inspect`` and ``bsn train``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bsn.data import DataError, ImageSource
from bsn.models import Model
from bsn.noise import Advice, Judgement, NoiseStatistics, advise, judge_noise
from bsn.noise.report import NoiseReport
from bsn.noise.stacks import MeasuredStack
from bsn.training.config import TrainConfig
from bsn.training.context_settings import settle_context
from bsn.training.held_back import SMALLEST_CROP, fit_crop, pixels_of, smallest_side
from bsn.training.hole_settings import (
    as_started,
    check_hole,
    check_room,
    fill_recipe,
    measures_hole,
    recommended_steps,
    settle_hole,
)
from bsn.training.passes import few_passes
from bsn.training.pattern_settings import settle_pattern
from bsn.training.prior_choice import settle_start

__all__ = ["Settled", "settle", "settle_inspected"]


@dataclass(frozen=True)
class Settled:
    """Settings of a run, whole, and what they follow from.

    Parameters
    ----------
    config : TrainConfig
        No setting is "auto" or left to the program.
    reasons : tuple of str
        Sentences for the user.
    statistics : NoiseStatistics, optional
        What was measured; None where nothing had to be, or nothing could be.
    advice : Advice, optional
        What the measurement advises, as far as the images have room for it; None where nothing was measured.
    source : ImageSource, optional
        The images as they are trained on, without a pattern that all frames share if it is taken off.
    """

    config: TrainConfig
    reasons: tuple[str, ...] = ()
    statistics: NoiseStatistics | None = None
    advice: Advice | None = None
    source: ImageSource | None = None

    def words(self) -> str:
        """Options by which ``bsn train`` treats noise as this decision does."""
        return f"{self._noise_words()}{self._context_words()}"

    def _context_words(self) -> str:
        config = self.config
        pattern = " --fixed_pattern subtract" if config.fixed_pattern == "subtract" else ""
        if not config.neighbours:
            return pattern
        return f" --context {config.neighbours} --{'' if config.context_hole else 'no_'}context_hole{pattern}"

    def _noise_words(self) -> str:
        config = self.config
        if config.hole != "none":
            words = f"--hole {config.hole} --hole_test {config.hole_test} --noise {config.noise}"
        else:
            words = f"--stride {config.stride} --stride_test {config.stride_test} --noise {config.noise}"
        if config.noise != "none":
            return f"{words} --noise_scope {config.noise_scope}"
        return f"{words} --wiener_test" if config.wiener_test else words


def settle(
    source: ImageSource,
    config: TrainConfig,
    steps: int | None = None,
    *,
    start: Model | None = None,
    judgement: Judgement | None = None,
    alone: str = "",
    stacks: Sequence[MeasuredStack] | None = None,
) -> Settled:
    """Replace everything that is "auto" or left out by what the images ask for.

    The steps follow each other: a pattern that all frames share is taken off; the noise decides hole or stride, noise model and
    scope; the hole decides the network, and both decide whether a prior of the box fits; the stride decides which crops fit;
    all decide the optimiser and the inference that is stored in the model.

    Parameters
    ----------
    source : ImageSource
        Noisy images; a sample of them is measured, see :func:`bsn.noise.judge_noise`.
    config : TrainConfig
        Settings, some of them "auto" or None.
    steps : int, optional
        Length of the run, for the choice of the optimiser; None where it is not known.
    start : Model, optional
        The trained model that the run begins with.
    judgement : Judgement, optional
        Judgement of these images, where it is known already.
    alone : str
        Why planes of stacks are to be denoised without their neighbours, if they are.
    stacks : sequence of MeasuredStack, optional
        What was measured on stacks of these images, where it is known already.

    Returns
    -------
    Settled
        Images too small to be measured are taken to have independent noise.

    Raises
    ------
    DataError
        If the images are smaller than a crop.
    ValueError
        For a hole that the other settings, the starting model or the images cannot have.
    """
    reasons: list[str] = []
    config = config if start is None else as_started(config, start)
    check_hole(config)
    if start is not None and start.noise is None and config.noise == "auto":
        config = dataclasses.replace(config, noise="none")
        reasons.append("the model that the run starts from has no noise model, so this run has none either")
    statistics, advice = None, None
    config, free, left, why = settle_pattern(source, config, alone)
    if free is not source:
        source, judgement, stacks = free, None, None  # what was measured before is of other images
    reasons += why
    automatic = config.automatic or measures_hole(config)
    if automatic or config.noise_learned:
        judgement = judgement or judge_noise(source)
        statistics = judgement.statistics
        config = settle_hole(config, judgement.advice, judgement.correlation)
        wanted = judgement.advice
        if wanted.hole is not None and config.hole == "none" and statistics is not None:
            wanted = advise(statistics)
        advice = _with_room(source, wanted) if config.stride == "auto" else wanted
        reasons += advice.reasons if automatic else ()
        config = _settle_noise(config, wanted, advice)
    else:
        config = settle_hole(config, None, None)
    check_room(source, config)
    config, why = settle_context(source, config, alone=alone, stacks=stacks, pattern_left=left)
    reasons += why
    config, why_start = settle_start(config, source.channels, steps)
    reasons += [why_start] if why_start else []
    config = fill_recipe(_settle_scope(config, advice))
    config = _settle_crop(source, config)
    config = _settle_optimizer(source, config, steps)
    config = _settle_inference(source, config)
    return Settled(config, tuple(reasons), statistics, None if statistics is None else advice, source)


def settle_inspected(report: NoiseReport) -> Settled | DataError | None:
    """Tell what training makes of inspected images by itself.

    Parameters
    ----------
    report : NoiseReport
        What :func:`bsn.noise.report.inspect_files` found.

    Returns
    -------
    Settled, DataError or None
        The settings; the error with which training would refuse the images; None where nothing could be measured.
    """
    if report.advice is None or report.source is None:
        return None
    try:
        return settle(
            report.source,
            TrainConfig(),
            judgement=Judgement(report.together, report.advice, report.correlation),
            stacks=report.stacks,
        )
    except DataError as error:
        return error


def _with_room(source: ImageSource, advice: Advice) -> Advice:
    """Advice with a stride at which the smallest image still has room for a crop."""
    room = max(smallest_side(source) // SMALLEST_CROP, 1)
    if room >= advice.stride:
        return advice
    told = f"the smallest image has room for crops of {SMALLEST_CROP} pixels at stride {room} only"
    return dataclasses.replace(
        advice, stride=room, stride_test=min(advice.stride_test, room), reasons=(*advice.reasons, told)
    )


def _settle_noise(config: TrainConfig, wanted: Advice, advice: Advice) -> TrainConfig:
    """Stride and noise model, from what the noise wants and what the images have room for."""
    if config.stride == "auto":
        # The noise is correlated also where the images have no room for a stride.
        wiener = True if wanted.stride > 1 and config.wiener_test is None else config.wiener_test
        config = dataclasses.replace(config, stride=advice.stride, wiener_test=wiener)
    if config.noise == "auto":
        # A stride above 1 says that neighbours share their noise, as does a hole of several pixels; then the noisy pixel is
        # not an independent witness.
        alone = config.stride == 1 and config.hole in ("none", "pixel")
        config = dataclasses.replace(config, noise=advice.noise if alone else "none")
    return config


def _settle_scope(config: TrainConfig, advice: Advice | None) -> TrainConfig:
    """Whether one noise model holds for all images; without a measurement it does."""
    if advice is None:
        return dataclasses.replace(config, noise_scope="set")
    if config.noise_scope != "auto":
        return config
    return dataclasses.replace(config, noise_scope=advice.scope if config.noise_learned else "set")


def _settle_crop(source: ImageSource, config: TrainConfig) -> TrainConfig:
    """A crop that fits into the smallest image."""
    mosaic = config.downsampling == "mosaic"
    crop = fit_crop(source, config.crop, stride=1 if mosaic else config.step, grid=config.step if mosaic else 1)
    return dataclasses.replace(config, crop=crop)


def _settle_optimizer(source: ImageSource, config: TrainConfig, steps: int | None) -> TrainConfig:
    """The optimiser that noise and size of the training set allow.

    Muon learns everything faster: it also overfits few images sooner, and learns what strides leave of correlated noise.
    """
    if config.optimizer != "auto":
        return config
    few = few_passes(config, steps or recommended_steps(config), pixels_of(source))
    return dataclasses.replace(config, optimizer="muon" if config.step == 1 and few else "adamw")


def _settle_inference(source: ImageSource, config: TrainConfig) -> TrainConfig:
    """Stride, Wiener filter and second pass that the model file recommends for denoising."""
    photographs = source.channels == 3 and source.dtype == np.uint8
    return dataclasses.replace(
        config,
        stride_test=config.inference_stride,
        wiener_test=config.inference_wiener,
        polish_test=config.hides_neighbours and photographs if config.polish_test is None else config.polish_test,
    )
