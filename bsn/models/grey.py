"""A network for grey images that computes what a network for colours makes of a grey image."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from bsn.models.halfplane import HalfPlane
from bsn.models.phase_unet import PhaseUNet
from bsn.noise.posterior import outputs_for_posterior

__all__ = ["as_grey"]


@torch.no_grad()
def as_grey(network: PhaseUNet | HalfPlane) -> PhaseUNet | HalfPlane:
    """Make the network that sees a grey image as the given one sees it repeated in all channels.

    Parameters
    ----------
    network : PhaseUNet or HalfPlane
        A network without context, for more than one channel.

    Returns
    -------
    PhaseUNet or HalfPlane
        Network for one channel. Its mean is the mean over the channels of the given network; its uncertainty, if the given one
        has outputs for a covariance, is that of the first channel. A network for one channel is returned as it is.

    Raises
    ------
    ValueError
        For a network with context.

    Notes
    -----
    Weights of layers that read the image are summed over its channels, and those of the last layer averaged: both are linear.
    """
    channels = network.channels
    if network.context:
        raise ValueError(
            f"a network that takes {network.context} neighbouring frames on each side is not turned grey; use one without "
            "context"
        )
    if channels == 1:
        return network
    cell = network.config.cell**2 if isinstance(network, HalfPlane) else 1
    posterior = network.config.outputs == outputs_for_posterior(channels)
    grey = _for_one_channel(network, outputs_for_posterior(1) if posterior else None)
    given = network.state_dict()
    made = {name: _folded(given[name], like, channels, cell) for name, like in grey.state_dict().items()}
    grey.load_state_dict(made)
    return grey.train(network.training)


def _for_one_channel(network: PhaseUNet | HalfPlane, outputs: int | None) -> PhaseUNet | HalfPlane:
    """A new network of the same shape."""
    if isinstance(network, HalfPlane):
        return HalfPlane(dataclasses.replace(network.config, channels=1, outputs=outputs))
    return PhaseUNet(dataclasses.replace(network.config, channels=1, outputs=outputs))


def _folded(weight: Tensor, like: Tensor, channels: int, cell: int) -> Tensor:
    """A weight or bias of the grey network; the image's channels are the last ones that a layer reads."""
    if weight.shape == like.shape:
        return weight
    if weight.shape[0] != like.shape[0]:
        weight = _averaged(weight, channels, cell, like.shape[0] // cell)
    if weight.ndim > 1 and weight.shape[1] != like.shape[1]:
        others, image = weight[:, : -channels * cell], weight[:, -channels * cell :]
        weight = torch.cat([others, image.unflatten(1, (channels, cell)).sum(1)], 1)
    return weight


def _averaged(weight: Tensor, channels: int, cell: int, outputs: int) -> Tensor:
    """Rows of the mean over the channels and, where there are two outputs, of the first entry of the covariance."""
    mean = weight[: channels * cell].unflatten(0, (channels, cell)).mean(0)
    return torch.cat([mean, weight[channels * cell : (channels + outputs - 1) * cell]])
