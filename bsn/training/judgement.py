"""Settings that follow from the noise of the training images."""

from __future__ import annotations

import dataclasses

from bsn.data import ImageSource
from bsn.noise import Advice, Judgement, NoiseStatistics, judge_noise
from bsn.training.config import TrainConfig
from bsn.training.held_back import SMALLEST_CROP, pixels_of

__all__ = ["SMALLEST_CROP", "judge", "pixels_of", "remark_on_length", "settle_optimizer"]

_MOST_PASSES = 200  # a run of 93 passes was good, one of 625 overfitted the noise


def judge(
    source: ImageSource, config: TrainConfig, judgement: Judgement | None = None
) -> tuple[TrainConfig, NoiseStatistics | None, Advice | None]:
    """Replace "auto" by what the images ask for.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    config : TrainConfig
        Settings, some of them "auto".
    judgement : Judgement, optional
        Judgement of these images, where it is known already.

    Returns
    -------
    config : TrainConfig
        Without "auto". Images too small to be measured are taken to have independent noise.
    statistics, advice
        What was measured; None where nothing was automatic, or nothing could be measured.
    """
    if not config.automatic and not config.noise_learned:
        return dataclasses.replace(config, noise_scope="set"), None, None
    judgement = judgement or judge_noise(source)
    statistics, advice = judgement.statistics, judgement.advice
    if statistics is None:
        return _settle(config, advice), None, None
    if config.stride == "auto":
        if advice.stride > 1 and config.wiener_test is None:
            config = dataclasses.replace(config, wiener_test=True)  # also where the images have no room for a stride
        # Small images have no room for the stride that their noise asks for.
        room = max(min(min(source.size(i)) for i in range(len(source))) // SMALLEST_CROP, 1)
        if room < advice.stride:
            told = (
                *advice.reasons,
                f"the smallest image has room for crops of {SMALLEST_CROP} pixels at stride {room} only",
            )
            advice = dataclasses.replace(advice, stride=room, stride_test=min(advice.stride_test, room), reasons=told)
    return _settle(config, advice), statistics, advice if config.automatic else None


def _settle(config: TrainConfig, advice: Advice) -> TrainConfig:
    """Fill in what is "auto"."""
    stride = advice.stride if config.stride == "auto" else config.stride
    # A stride above 1 says that neighbours share their noise; then the noisy pixel is not an independent witness.
    noise = (advice.noise if stride == 1 else "none") if config.noise == "auto" else config.noise
    settled = dataclasses.replace(config, stride=stride, noise=noise)
    if settled.noise_scope == "auto":
        settled = dataclasses.replace(settled, noise_scope=advice.scope if settled.noise_learned else "set")
    return settled


def settle_optimizer(source: ImageSource, config: TrainConfig, steps: int) -> TrainConfig:
    """Replace the optimiser "auto" by what the noise and the size of the training set allow.

    Muon learns everything faster: it also overfits few images sooner, and learns what strides leave of correlated noise.

    Parameters
    ----------
    source : ImageSource
        Noisy images.
    config : TrainConfig
        Settings with their stride, and a crop that fits the images.
    steps : int
        Length of the run.

    Returns
    -------
    TrainConfig
    """
    if config.optimizer != "auto":
        return config
    few = _passes(config, steps, pixels_of(source)) <= _MOST_PASSES
    return dataclasses.replace(config, optimizer="muon" if config.step == 1 and few else "adamw")


def remark_on_length(config: TrainConfig, steps: int, pixels: int) -> str | None:
    """What a user should know of a run with Muon that is long for its images.

    Parameters
    ----------
    config : TrainConfig
        Settings of the training.
    steps : int
        Length of the run.
    pixels : int
        Number of pixels of the training set, see :func:`pixels_of`.

    Returns
    -------
    str or None
        None where there is nothing to say.
    """
    passes = _passes(config, steps, pixels)
    if config.optimizer != "muon" or passes <= _MOST_PASSES:
        return None
    return (
        f"the run passes {passes:.0f} times over every pixel, and Muon may overfit the noise: watch the validation, or use "
        "--optimizer adamw"
    )


def _passes(config: TrainConfig, steps: int, pixels: int) -> float:
    """How often a run sees every pixel."""
    return steps * config.batch_size * config.crop**2 / pixels
