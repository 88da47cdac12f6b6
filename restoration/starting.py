"""The network that a run begins with: a preset with random weights, or a model that is trained already."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from torch import nn

from bsn.models import ValueScale, create, first_network, is_blind, load, presets
from restoration.config import RestoreConfig

__all__ = ["starting_network"]


def starting_network(config: RestoreConfig, channels: int) -> tuple[nn.Module, dict[str, Any]]:
    """Build the network of a run.

    Parameters
    ----------
    config : RestoreConfig
        Names the preset, or the model to begin with.
    channels : int
        Channels of the images.

    Returns
    -------
    network : nn.Module
        In the mode of training.
    began : dict of str to Any
        What it is and what it began as, for the model file.

    Raises
    ------
    ValueError
        For a blind-spot network, which ignores the pixel it restores, and for a model of other channels or another scale of
        values.
    ModelFileError
        If the model to begin with cannot be read.
    """
    if config.start is None:
        return _new(config, channels), {"model": config.model}
    model = load(config.start)
    if is_blind(model.network):
        raise ValueError(f"the model {config.start} ignores the pixel it restores; start with one that sees it")
    if model.channels != channels:
        raise ValueError(
            f"the model {config.start} has {model.channels} channels, the images have {channels}; start with a model of "
            f"{channels} channels, or without --start"
        )
    if model.scale != ValueScale():
        raise ValueError(
            f"the model {config.start} computes on another scale of values than [0, 1]; start with a model of bsn restore train"
        )
    told = {name: model.provenance.get(name) for name in ("model", "trained_for", "steps")}
    first = first_network(model.network)
    network = _checkpointed(first, config.start) if config.checkpointing else first
    return network.train(), {"model": told["model"] or "unknown", "start": told}


def _checkpointed(network: nn.Module, name: str) -> nn.Module:
    """The same network and weights; activations are computed again in the backward pass."""
    shape: Any = network.config
    if not hasattr(shape, "checkpointing"):
        raise ValueError(
            f"the network of {name} has no checkpointing; leave --checkpointing out, or take smaller crops"
        )
    saving = type(network)(dataclasses.replace(shape, checkpointing=True))
    saving.load_state_dict(network.state_dict())
    return saving


def _new(config: RestoreConfig, channels: int) -> nn.Module:
    if config.model in presets() and presets()[config.model].blind:
        raise ValueError(
            f"{config.model} is a blind-spot network, which ignores the pixel it restores; use another model"
        )
    overrides: dict[str, object] = {"checkpointing": True} if config.checkpointing else {}
    if config.genotype is not None:
        overrides["genotype"] = Path(config.genotype)
    return create(config.model, channels=channels, **overrides)
