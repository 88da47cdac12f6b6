"""Training of the weights in the box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from bsn.data import Gaussian, RandomCrops
from bsn.engine import FitResult, LoopConfig, RunFolder, RunSettings, fit, plain
from bsn.evaluation import ImagePair, Validation, get_protocol
from bsn.models import InferenceDefaults, ValueScale, create
from distill.config import DistillConfig
from distill.task import DistillTask
from tools.bundled.corruption import BlindNoise
from tools.bundled.pairs import SyntheticPairs
from tools.bundled.photographs import HELD_OUT, PHOTOGRAPHS
from tools.bundled.sources import training_source

__all__ = ["CONFIG", "LOOP", "train_bundled"]

CONFIG = DistillConfig(
    student="tiny", crop=80, batch_size=24, loss="l1", learning_rate=1.5e-3, betas=(0.9, 0.99), value_scale="unit"
)
LOOP = LoopConfig(
    steps=14_000, warmup_steps=200, ema=0.999, validate_every=2_000, checkpoint_every=1_000, deterministic=False
)
VALIDATION_SIGMAS = (15.0, 25.0, 50.0)
LICENCE = "Apache-2.0; trained on photographs in the public domain, under CC0 or without known restrictions"


def train_bundled(output: str | Path, config: DistillConfig = CONFIG, loop: LoopConfig = LOOP) -> FitResult:
    """Train a noise-level adaptive student on free photographs, supervised by the clean ones.

    Parameters
    ----------
    output : str or Path
        Folder of the run.
    config : DistillConfig
    loop : LoopConfig

    Returns
    -------
    FitResult
    """
    torch.manual_seed(loop.seed)
    source = training_source(config.crop, loop.seed)
    noise = BlindNoise()
    crops = RandomCrops(source, config.crop, seed=loop.seed, augment=config.augment, weighting="uniform")
    task = DistillTask(
        create(config.student, bias=False),
        SyntheticPairs(crops, noise),
        config,
        ValueScale(),
        validation=Validation(_validation_pairs(), get_protocol("rgb8")),
        provenance={
            "model": config.student,
            "trained_for": (
                "photographs, colour or grey, with white noise (Gaussian or Poisson-Gaussian) up to a standard deviation "
                f"of {noise.largest:g} of 255; the level need not be known"
            ),
            "supervision": "clean photographs with synthetic noise",
            "photographs": {photograph.file: photograph.terms for photograph in PHOTOGRAPHS},
            "loss": config.loss,
        },
        inference=InferenceDefaults(training_crop=config.crop, grey_as_colour=True),
        weights_licence=LICENCE,
    )
    return fit(task, loop, RunFolder(Path(output)), settings=RunSettings(plain(config), plain(config)))


def _validation_pairs() -> list[ImagePair]:
    clean = HELD_OUT.read()[:, 100:356, 100:356]
    rng = np.random.default_rng(0)
    pairs = []
    for sigma in VALIDATION_SIGMAS:
        noisy = Gaussian.from_grey_levels(sigma)(clean, rng)
        pairs.append(ImagePair(f"sigma {sigma:g}", noisy, clean))
    return pairs
