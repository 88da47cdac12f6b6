"""What a run begins with: random weights, a trained model, or a prior of the box.

A trained model brings its network and its value scale. A prior (:func:`bsn.models.bundled.boxed_priors`) brings weights for
the network that the run would train anyway: it was trained on photographs that were put on the value scale of their set, as
every run puts its own images, so that the value scale stays that of the images.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from bsn.hole import Hole
from bsn.models import HalfPlane, Model, PhaseUNet, create, is_blind, load, presets
from bsn.models.bundled import BoxedModel, find_boxed
from bsn.models.grey import as_grey
from bsn.noise import outputs_for_posterior
from bsn.training.config import AUTO, TrainConfig

__all__ = [
    "OWN_TERMS",
    "check_noise",
    "named_prior",
    "new_network",
    "started_network",
    "starting_model",
    "terms_of_weights",
    "trained_model",
]

OWN_TERMS = "derived from the training images; their terms apply"
"""Terms of the weights of a run that begins with random ones."""


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
    return trained_model(str(config.start), channels, blind=True)


def trained_model(path: str, channels: int, *, blind: bool) -> Model:
    """Load a trained model, if a run of this kind can begin with it.

    Parameters
    ----------
    path : str
        A model file, the folder of a run, or the name of a model in the box.
    channels : int
        Channels of the images.
    blind : bool
        Whether the run trains a blind network, or one that sees the pixel it predicts.

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        For a model of the other kind, or with another number of channels.
    """
    model = load(path)
    if blind and not is_blind(model.network):
        raise ValueError(
            f"the model {path} sees the pixel it predicts and would learn to copy the noise; start with a blind one"
        )
    if not blind and is_blind(model.network):
        raise ValueError(
            f"the model {path} does not see the pixel it predicts; start with one that does, or use --scheme blind"
        )
    if model.channels != channels:
        raise ValueError(f"the model {path} has {model.channels} channels, the images have {channels}")
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
        Settled settings, see :func:`bsn.training.prior_choice.settle_start`.
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
