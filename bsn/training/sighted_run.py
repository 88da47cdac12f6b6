"""From noisy images, and perhaps clean ones, to the task of a network that sees the noisy pixel."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bsn.data import (
    ArraySource,
    CropBatch,
    DataError,
    ImageSource,
    JoinedSource,
    RandomCrops,
    ReadOptions,
    jpeg_compressed,
    jpeg_quality,
    open_source,
)
from bsn.data.sources.samples import evenly
from bsn.engine import named_images
from bsn.evaluation import Validation
from bsn.inference import Denoiser, InferenceConfig
from bsn.models import Model, ValueScale, create, first_network, presets
from bsn.noise import MatchedNoise, NoiseCovariance, measure_covariance
from bsn.noise.judgement import grey_level_of, sample_of
from bsn.training.config import AUTO, SIGHTED_MODEL, TrainConfig
from bsn.training.crop_statistics import crop_statistics
from bsn.training.crop_task import values_of
from bsn.training.held_back import fit_crop, held_back_crops
from bsn.training.hole_settings import fill_recipe
from bsn.training.made_pairs import MatchedCrops, RecorruptedCrops
from bsn.training.mended_source import MendedSource
from bsn.training.sighted_task import SightedTask
from bsn.training.starting import terms_of_weights, trained_model

__all__ = ["build_sighted_task"]

_FILES_LOOKED_AT = 16
_HELD_BACK_KEY = 0x76616C  # seed of the noise on held-back crops
_IN_PROVENANCE = ("scheme", "crop", "batch_size", "loss", "optimizer", "learning_rate", "weight_decay")


def build_sighted_task(
    source: ImageSource,
    config: TrainConfig,
    seed: int,
    *,
    validation: Validation | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> SightedTask:
    """Task of a run with the scheme "recorrupted" or "matched".

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    config : TrainConfig
        Settings of the training.
    seed : int
        Seed of crops, noise and held-back crops (the network's initial weights follow torch's global generator).
    validation : Validation, optional
        Whole images with a known truth.
    say : callable
        Gets what was found, in sentences.

    Raises
    ------
    DataError
        If the noise cannot be measured, or images do not fit.
    ValueError
        For a model that is blind, and a start that does not fit.
    """
    config = _settled(config)
    start = None if config.start is None else trained_model(config.start, source.channels, blind=False)
    network = create(config.model, channels=source.channels) if start is None else first_network(start.network).train()
    mended = MendedSource(source, config.outliers)
    covariance = _covariance(source, config, say)
    drawn_from = mended if config.scheme == "recorrupted" else _clean_images(source, config, say)
    config = dataclasses.replace(config, crop=fit_crop(drawn_from, config.crop, grid=network.size_multiple))
    held_back = held_back_crops(drawn_from, config.crop, config.validation_crops, seed)
    crops = RandomCrops(drawn_from, config.crop, seed=seed, augment=config.augment, avoid=held_back)
    pairs: RecorruptedCrops | MatchedCrops
    if config.scheme == "recorrupted":
        pairs = RecorruptedCrops(crops, covariance, config.recorruption)
    else:
        pairs = MatchedCrops(crops, _matched_noise(source, covariance, say))
    mean, spread, _ = crop_statistics(crops)
    if start is not None:
        scale = start.scale
    else:
        scale = ValueScale.eight_bit() if config.value_scale == "255" else ValueScale(mean, spread)
    return SightedTask(
        network,
        pairs,
        config,
        scale,
        mean_intensity=abs(mean) or spread,
        held_back=_fixed_pairs(pairs, held_back),
        truth=config.scheme == "matched",
        validation=validation,
        training_values=values_of(source),
        weights_licence=terms_of_weights(config, start),
        provenance=_provenance(source, config, start, len(drawn_from)),
    )


def _settled(config: TrainConfig) -> TrainConfig:
    """Settings without "auto"; those of blind networks are what they are for a network in one pass."""
    return dataclasses.replace(
        fill_recipe(dataclasses.replace(config, hole="none")),
        model=_sighted(config),
        start=None if config.start == AUTO else config.start,
        context=0,
        context_hole=False,
        stride=1,
        stride_test=1,
        noise="none",
        noise_scope="set",
        wiener_test=False,
        # Absolute, as the images are: a run may be resumed from another folder.
        clean=None if config.clean is None else named_images(config.clean),
        pilot=None if config.pilot is None else os.path.abspath(config.pilot),
        optimizer="adamw" if config.optimizer == "auto" else config.optimizer,
    )


def _sighted(config: TrainConfig) -> str:
    """Name of the network; that of blind training that nobody chose makes room for one that sees."""
    if config.model == "auto":
        return SIGHTED_MODEL
    if config.model in presets() and presets()[config.model].blind:
        raise ValueError(
            f"{config.model} does not see the pixel it predicts, which the scheme {config.scheme!r} is for; choose a network "
            f"that does, such as {SIGHTED_MODEL}, or --scheme blind"
        )
    return config.model


def _covariance(source: ImageSource, config: TrainConfig, say: Callable[[str], None]) -> NoiseCovariance:
    """Noise of the images, measured on a sample of them."""
    try:
        covariance = measure_covariance(sample_of(source), grey_level_of(source))
    except DataError as error:
        raise DataError(
            "the noise of the training images", f"cannot be measured: {error.given} {error.why}", "use --scheme blind"
        ) from error
    variance = covariance.variance()
    if not bool(torch.isfinite(variance).all()) or float(variance.max()) <= 0:
        raise DataError(
            "the training images", "have no noise that could be measured", "give noisy images, or use --scheme blind"
        )
    say(
        f"the noise has a standard deviation of {255 * float(variance.mean().sqrt()):.1f} of 255 grey levels, and its "
        f"correlation between neighbours is {_correlation_of_neighbours(covariance):.2f}; the scheme {config.scheme!r} "
        "takes this as given"
    )
    return covariance


def _correlation_of_neighbours(covariance: NoiseCovariance) -> float:
    """Mean over both directions and the colour axes."""
    middle = covariance.correlation.shape[-1] // 2
    if not middle:
        return 0.0
    beside = covariance.correlation[..., middle, middle + 1], covariance.correlation[..., middle + 1, middle]
    return float(torch.stack(beside).mean())


def _matched_noise(source: ImageSource, covariance: NoiseCovariance, say: Callable[[str], None]) -> MatchedNoise:
    """Noise as the files of a source hold it: rounded where they hold integers, compressed where they are JPEG."""
    quality = _quality(source)
    compress = None if quality is None else functools.partial(_compressed, quality)
    noise = MatchedNoise(covariance, grey_level_of(source), compress).calibrated()
    if quality is not None:
        say(
            f"the files are JPEG of quality {quality}: so are the pairs, with noise {noise.gain:.2f} times as strong before it"
        )
    return noise


def _quality(source: ImageSource) -> int | None:
    """Typical quality of JPEG files; None unless all files are JPEG."""
    paths = list(getattr(source, "paths", []))
    found = [jpeg_quality(paths[i]) for i in evenly(len(paths), _FILES_LOOKED_AT)]
    known = [quality for quality in found if quality is not None]
    return int(np.median(known)) if known and len(known) == len(found) and source.channels in (1, 3) else None


def _compressed(quality: int, images: Tensor, generator: torch.Generator) -> Tensor:
    """Images behind JPEG, each at a place of its own on the grid of 8 x 8 pixels."""
    places = torch.randint(8, (len(images), 2), generator=generator).tolist()
    pixels = images.clamp(0, 1).numpy()
    return torch.from_numpy(
        np.stack(
            [
                jpeg_compressed(image, quality, (row, column))
                for image, (row, column) in zip(pixels, places, strict=True)
            ]
        )
    )


def _clean_images(source: ImageSource, config: TrainConfig, say: Callable[[str], None]) -> ImageSource:
    """Clean photographs of the user, and the training images as the pilot denoises them."""
    parts: list[ImageSource] = []
    kept = ReadOptions(nan=getattr(source, "options", ReadOptions()).nan)
    if config.clean is not None:
        parts.append(open_source(config.clean, kept))
        if parts[0].channels != source.channels:
            raise DataError(
                f"clean images with {parts[0].channels} channels",
                f"the noisy ones have {source.channels}",
                "give clean images of the same kind",
            )
    if config.pilot is not None:
        # The precision is that of the whole run, whatever the device: a resumed run sees the same pixels.
        denoiser = Denoiser(config.pilot, InferenceConfig(device="cpu"))
        denoised = [_denoised(denoiser, source.image(i), kept) for i in range(len(source))]
        parts.append(ArraySource(denoised, "CYX", options=kept))
    told = [f"{len(part)} {what}" for part, what in zip(parts, _names(config), strict=True)]
    say(f"the measured noise is put on {' and '.join(told)}")
    # What is missing is filled, and not learned from. Clean images have no outliers.
    return JoinedSource([MendedSource(part, "ignore") for part in parts])


def _names(config: TrainConfig) -> list[str]:
    wanted = {"clean images": config.clean, "denoised training images": config.pilot}
    return [name for name, given in wanted.items() if given is not None]


def _denoised(denoiser: Denoiser, image: np.ndarray, options: ReadOptions) -> np.ndarray:
    return np.asarray(denoiser(image, "CYX", nan=options.nan), np.float32)


def _fixed_pairs(pairs: RecorruptedCrops | MatchedCrops, held_back: CropBatch | None) -> CropBatch | None:
    """Held-back crops with noise that is always the same."""
    return None if held_back is None else pairs.pairs(held_back, torch.Generator().manual_seed(_HELD_BACK_KEY))


def _provenance(source: ImageSource, config: TrainConfig, start: Model | None, drawn_from: int) -> dict[str, Any]:
    """What a reader of the model file should know."""
    return {
        "model": config.model if start is None else start.provenance.get("model", "unknown"),
        **({} if start is None else {"start": {k: start.provenance.get(k) for k in ("training_images", "steps")}}),
        "training_images": len(source),
        "image_dtype": str(source.dtype),
        **({} if config.scheme != "matched" else {"clean_images": drawn_from, "pilot": config.pilot is not None}),
        **({} if config.scheme != "recorrupted" else {"recorruption": config.recorruption}),
        **{name: getattr(config, name) for name in _IN_PROVENANCE},
    }
