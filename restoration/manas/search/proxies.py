"""Scores of untrained networks, for next to no work, as a filter before a search.

They are worth what they predict: measure their correlation with trained networks before you rely on one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from bsn.engine import generators_restored
from restoration.losses import charbonnier

__all__ = ["gradient_norm", "synflow"]


def gradient_norm(network: nn.Module, degraded: Tensor, clean: Tensor) -> float:
    """Logarithm of the norm of the loss's gradient, with batch statistics (Abdelfattah et al., ICLR 2021).

    Parameters
    ----------
    network : nn.Module
        An untrained network; it keeps its weights.
    degraded, clean : Tensor, shape (N, C, H, W)
        Crops of pairs.

    Returns
    -------
    float
        Minus infinity where no gradient arrives.
    """
    with generators_restored():
        loss = charbonnier(network.train()(degraded), clean)
        found = torch.autograd.grad(loss, [p for p in network.parameters() if p.requires_grad], allow_unused=True)
    total = sum(float(gradient.double().square().sum()) for gradient in found if gradient is not None)
    return 0.5 * math.log(total) if total > 0 else -math.inf


def synflow(network: nn.Module, size: tuple[int, int, int]) -> float:
    """Logarithm of the synaptic flow (Tanaka et al., NeurIPS 2020): what arrives of an image of ones through absolute weights.

    Parameters
    ----------
    network : nn.Module
        An untrained network, which is used up: its weights become absolute ones of float64.
    size : tuple of int
        Channels, rows and columns of the image.

    Returns
    -------
    float
        Logarithm of the sum of weight times gradient over all parameters; minus infinity where nothing arrives.
    """
    network = network.double().eval()
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    with torch.no_grad():
        for parameter in parameters:
            parameter.abs_()
    flow = network(torch.ones(1, *size, dtype=torch.float64)).sum()
    found = torch.autograd.grad(flow, parameters, allow_unused=True)
    total = sum(
        float((p.detach() * gradient).sum().abs())
        for p, gradient in zip(parameters, found, strict=True)
        if gradient is not None
    )
    return math.log(total) if total > 0 else -math.inf
