"""What a run begins with: random weights, a trained model, or a prior of the box.

A trained model brings its network and its value scale. A prior (:func:`bsn.models.bundled.boxed_priors`) brings weights for
the network that the run would train anyway: it was trained on photographs that were put on the value scale of their set, as
every run puts its own images, so that the value scale stays that of the images.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from torch import nn

from bsn.hole import Hole
from bsn.models import HalfPlane, HalfPlaneConfig, Model, PhaseUNet, create, is_blind, load, presets
from bsn.models.bundled import BoxedModel, boxed_priors, find_boxed
from bsn.models.grey import as_grey
from bsn.noise import outputs_for_posterior
from bsn.training.config import AUTO, TrainConfig
from bsn.training.hole_settings import HALF_PLANES, PHASES

__all__ = [
    "OWN_TERMS",
    "check_noise",
    "named_prior",
    "new_network",
    "settle_start",
    "started_network",
    "starting_model",
    "terms_of_weights",
]

OWN_TERMS = "derived from the training images; their terms apply"
"""Terms of the weights of a run that begins with random ones."""

PRIOR_RATE = 0.5
"""Learning rate of a run that begins with a prior, as a share of the usual one."""

_CHANNELS = (1, 3)


def starting_model(config: TrainConfig, channels: int) -> Model | None:
    """Load the trained model that a run begins with, if it can be trained on these images.

    Parameters
    ----------
    config : TrainConfig
        Settings as the user gave them.
    channels : int
        Channels of the images.

    Returns
    -------
    Model or None
        None for runs that begin with random weights or a prior.

    Raises
    ------
    ValueError
        For a model that is not blind, or has another number of channels.
    """
    if config.start in (None, AUTO) or named_prior(config) is not None:
        return None
    model = load(str(config.start))
    if not is_blind(model.network):
        raise ValueError(
            f"the model {config.start} sees the pixel it predicts and would learn to copy the noise; start with a blind one"
        )
    if model.channels != channels:
        raise ValueError(f"the model {config.start} has {model.channels} channels, the images have {channels}")
    return model


def started_network(config: TrainConfig, start: Model) -> nn.Module:
    """Give the network of the starting model the hole of this run.

    Parameters
    ----------
    config : TrainConfig
        Settled settings.
    start : Model
        See :func:`starting_model`.

    Returns
    -------
    nn.Module
        In training mode.
    """
    if isinstance(start.network, HalfPlane):
        start.network.open_hole(Hole.parse(config.hole))
    return start.network.train()


def check_noise(start: Model, config: TrainConfig) -> None:
    """Refuse a starting model whose outputs are not those that the run trains.

    Parameters
    ----------
    start : Model
        See :func:`starting_model`.
    config : TrainConfig
        Settled settings.

    Raises
    ------
    ValueError
        If one of the two has a noise model, and the other has none.
    """
    if (start.noise is None) != (config.noise == "none"):
        had, way = (
            ("no noise model", "none") if start.noise is None else ("a noise model", "gaussian or poisson-gaussian")
        )
        raise ValueError(
            f"the model {config.start} was trained with {had}, this run has noise {config.noise!r}; use --noise {way}"
        )


def new_network(config: TrainConfig, channels: int) -> nn.Module:
    """Make the network of the settings, with random weights or those of a prior.

    Parameters
    ----------
    config : TrainConfig
        Settled settings, see :func:`settle_start`.
    channels : int
        Channels of the images.

    Returns
    -------
    nn.Module
    """
    overrides: dict[str, Any] = {}
    if hasattr(presets()[config.model].config if config.model in presets() else None, "channel_attention"):
        overrides["channel_attention"] = config.channel_attention
    if config.noise != "none":
        overrides["outputs"] = outputs_for_posterior(channels)
    if config.hole != "none":
        overrides["hole"] = config.hole
    if config.neighbours:
        overrides |= {"context": config.context, "context_hole": config.context_hole}
    network = create(config.model, channels=channels, **overrides)
    prior = named_prior(config)
    if prior is not None:
        given = prior.load().network
        assert isinstance(given, (PhaseUNet, HalfPlane))
        network.load_state_dict((given if channels == given.channels else as_grey(given)).state_dict())
    return network


def settle_start(config: TrainConfig, channels: int) -> tuple[TrainConfig, str]:
    """Choose the prior of the box that a run begins with, if one is asked for and fits.

    Parameters
    ----------
    config : TrainConfig
        Settings with network, hole, noise model and context; its `start` is "auto", the name of a prior, or something else.
    channels : int
        Channels of the images.

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
        return _begun_with(config, found), said
    if isinstance(found, str) or found.name != named.name:
        why = found if isinstance(found, str) else f"{found.name} is the one for these images"
        raise ValueError(f"the prior {named.name} does not fit this run: {why}; use --start auto")
    return _begun_with(config, named), ""


def _begun_with(config: TrainConfig, prior: BoxedModel) -> TrainConfig:
    """Settings of a run that begins with a prior: it has less to learn, and unlearns at too high a rate."""
    usual = (PHASES if prior.size == "white" else HALF_PLANES).learning_rate
    rate = PRIOR_RATE * usual if config.learning_rate == "auto" else config.learning_rate
    return dataclasses.replace(config, start=prior.name, learning_rate=rate)


def named_prior(config: TrainConfig) -> BoxedModel | None:
    """Find the prior that settings name.

    Parameters
    ----------
    config : TrainConfig
        Settings, whose `start` may be the name of a prior.

    Returns
    -------
    BoxedModel or None
    """
    found = find_boxed(config.start or "")
    return found if found is not None and found.prior else None


def terms_of_weights(config: TrainConfig, start: Model | None) -> str:
    """Terms of a trained model: those of its images, and of the weights that its training began with.

    Parameters
    ----------
    config : TrainConfig
        Settled settings, whose `start` may be the name of a prior.
    start : Model, optional
        The trained model that the run begins with.

    Returns
    -------
    str
    """
    prior = named_prior(config)
    begun = prior.load() if prior is not None else start
    if begun is None or begun.weights_licence in ("not stated", OWN_TERMS):
        return OWN_TERMS
    if begun.weights_licence.startswith(OWN_TERMS):
        return begun.weights_licence
    return f"{OWN_TERMS}; begun with weights under: {begun.weights_licence}"


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
