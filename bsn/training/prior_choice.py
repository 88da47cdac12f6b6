"""Whether a prior of the box fits a run, and which one."""

from __future__ import annotations

import dataclasses

from bsn.hole import Hole
from bsn.models import HalfPlane, HalfPlaneConfig, PhaseUNet, presets
from bsn.models.bundled import BoxedModel, boxed_priors
from bsn.training.config import AUTO, TrainConfig
from bsn.training.hole_settings import HALF_PLANES, PHASES
from bsn.training.starting import named_prior

__all__ = ["LONG", "PRIOR_RATE", "settle_start"]

PRIOR_RATE = 0.5
"""Learning rate of a run that begins with a prior, as a share of the usual one."""

LONG = 2_000
"""Longer runs take the usual rate: they have the time to leave the prior behind. At half of it, 5,800 steps on W2S end 0.07 dB
below a run from random weights, at the usual one within the spread of seeds."""

_CHANNELS = (1, 3)


def settle_start(config: TrainConfig, channels: int, steps: int | None = None) -> tuple[TrainConfig, str]:
    """Choose the prior of the box that a run begins with, if one is asked for and fits.

    Parameters
    ----------
    config : TrainConfig
        Settings with network, hole, noise model and context; its `start` is "auto", the name of a prior, or something else.
    channels : int
        Channels of the images.
    steps : int, optional
        Length of the run, which decides its learning rate; None: that of the recipe.

    Returns
    -------
    config : TrainConfig
        Where `start` was "auto", it is the name of the prior, or None for random weights.
    said : str
        A sentence for the user; empty where "auto" was not asked for.

    Raises
    ------
    ValueError
        For a prior that is named and does not fit.
    """
    named = named_prior(config)
    if config.start != AUTO and named is None:
        return config, ""
    found = _fitting(config, channels)
    if named is None:
        if isinstance(found, str):
            return dataclasses.replace(config, start=None), f"training starts from random weights, since {found}"
        said = f"training starts from the prior {found.name} of the box; --start none starts from random weights"
        return _begun_with(config, found, steps), said
    if isinstance(found, str) or found.name != named.name:
        why = found if isinstance(found, str) else f"{found.name} is the one for these images"
        raise ValueError(f"the prior {named.name} does not fit this run: {why}; use --start auto")
    return _begun_with(config, named, steps), ""


def _begun_with(config: TrainConfig, prior: BoxedModel, steps: int | None) -> TrainConfig:
    """Settings of a run that begins with a prior: it has less to learn, and unlearns at too high a rate."""
    recipe = PHASES if prior.size == "white" else HALF_PLANES
    share = PRIOR_RATE if (steps or recipe.steps) <= LONG else 1.0
    rate = share * recipe.learning_rate if config.learning_rate == "auto" else config.learning_rate
    return dataclasses.replace(config, start=prior.name, learning_rate=rate)


def _fitting(config: TrainConfig, channels: int) -> BoxedModel | str:
    """The prior for a run, or why there is none."""
    if channels not in _CHANNELS:
        return f"the priors in the box are for grey images and colours, not for {channels} channels"
    if config.neighbours:
        return "the priors in the box know no neighbouring frames"
    if config.value_scale != "standardise":
        return f"the priors in the box are for standardised values, not for the value scale {config.value_scale}"
    noise = "white" if _is_white(config) else "shared" if _is_shared(config) else ""
    found = next((prior for prior in boxed_priors() if prior.size == noise), None)
    if found is None:
        return f"the box has no prior for {_described(config)}"
    return found if _has_network(found, config) else f"the prior {found.name} in the box is for another {config.model}"


def _has_network(prior: BoxedModel, config: TrainConfig) -> bool:
    """Whether the prior is the network that the settings name, as it is registered now."""
    given, own = prior.load().network, presets()[config.model].config
    if isinstance(given, HalfPlane) and isinstance(own, HalfPlaneConfig):
        return given.config == dataclasses.replace(
            own, channels=given.channels, outputs=given.config.outputs, hole=given.config.hole
        )
    return isinstance(given, PhaseUNet) and given.config == dataclasses.replace(
        own, channels=given.channels, outputs=given.config.outputs
    )


def _is_white(config: TrainConfig) -> bool:
    return config.model == PHASES.model and config.noise != "none" and config.step == 1


def _is_shared(config: TrainConfig) -> bool:
    square = config.hole != "none" and Hole.parse(config.hole).shape in ("square", "pixel")
    return config.model == HALF_PLANES.model and config.noise == "none" and square


def _described(config: TrainConfig) -> str:
    treatment = f"hole {config.hole}" if config.hole != "none" else f"stride {config.stride}"
    return f"{config.model} with {treatment} and noise {config.noise}"
