"""How often a run sees every pixel, and what follows for the optimiser."""

from __future__ import annotations

from bsn.training.config import TrainConfig

__all__ = ["few_passes", "remark_on_length"]

_MOST_PASSES = 200  # a run of 93 passes was good, one of 625 overfitted the noise


def few_passes(config: TrainConfig, steps: int, pixels: int) -> bool:
    """Whether a run is short enough for Muon, which overfits few images sooner than AdamW does.

    Parameters
    ----------
    config : TrainConfig
        Settings of the training, with a crop that fits the images.
    steps : int
        Length of the run.
    pixels : int
        Number of pixels of the training set, see :func:`bsn.training.held_back.pixels_of`.

    Returns
    -------
    bool
        True for at most 200 passes over every pixel.
    """
    return _passes(config, steps, pixels) <= _MOST_PASSES


def remark_on_length(config: TrainConfig, steps: int, pixels: int) -> str | None:
    """What a user should know of a run with Muon that is long for its images.

    Parameters
    ----------
    config : TrainConfig
        Settings of the training.
    steps : int
        Length of the run.
    pixels : int
        Number of pixels of the training set, see :func:`bsn.training.held_back.pixels_of`.

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
