"""Conditions a network is examined in (precision, mode, size), and private copies of it that repeat bit by bit."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

__all__ = ["Condition", "NetworkRefusal", "Subject", "move_weights"]

Network = TypeVar("Network", bound=nn.Module)


class NetworkRefusal(ValueError):
    """The network cannot be examined: it fails on the input, is not deterministic, or is not an image-to-image map."""


@dataclass(frozen=True)
class Condition:
    """How a network is run while it is examined.

    Parameters
    ----------
    name : str
        Name in reports.
    size : tuple of int
        (H, W) of the input.
    training : bool, optional
        Train or eval mode; None leaves every module in its present mode.
    dtype : torch.dtype
        Type of weights and input.
    autocast : torch.dtype, optional
        Runs under autocast to it.
    spread : float
        Moves the weights first, see :func:`move_weights`: a leak can hide behind weights that start at zero.
    value_range : tuple of float
        Smallest and largest value of the random input: leave the range that the network was made for.
    """

    name: str
    size: tuple[int, int]
    training: bool | None = None
    dtype: torch.dtype = torch.float64
    autocast: torch.dtype | None = None
    spread: float = 0.0
    value_range: tuple[float, float] = (0.0, 1.0)


def move_weights(network: Network, spread: float = 0.2, seed: int = 0) -> Network:
    """Move all weights away from their values, in place, zero starts included.

    Parameters
    ----------
    network : nn.Module
        Changed in place.
    spread : float
        Standard deviation of the step, times fan-in^-1/2 for matrices and kernels.
    seed : int
        Seed of the steps.

    Returns
    -------
    nn.Module
        `network`.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            if not parameter.requires_grad:
                continue
            size = spread / max(parameter[0].numel(), 1) ** 0.5 if parameter.ndim > 1 else spread
            parameter.add_((size * torch.randn(parameter.shape, generator=generator)).to(parameter))
    return network


class Subject:
    """A private copy of a network in one condition, whose runs start from the same state and random numbers each time.

    Parameters
    ----------
    network : nn.Module
        Maps (N, C, H, W) to (N, C', H, W). It is copied and not changed.
    channels : int
        C.
    condition : Condition
        Mode, value range, type and seed of the runs.
    seed : int
        Seed of inputs, weights and random layers.

    Raises
    ------
    NetworkRefusal
        If the network cannot be copied.
    """

    def __init__(self, network: nn.Module, channels: int, condition: Condition, seed: int = 0) -> None:
        try:
            self.network = copy.deepcopy(network)
        except Exception as error:  # modules may hold anything
            raise NetworkRefusal(f"{type(network).__name__} cannot be copied ({_short(error)})") from None
        if condition.spread:
            move_weights(self.network, condition.spread, seed)
        self.network.to("cpu", condition.dtype)
        if condition.training is not None:
            self.network.train(condition.training)
        self.channels, self.condition, self.seed = channels, condition, seed
        self._buffers = {name: value.clone() for name, value in self.network.named_buffers()}
        self._weights = {name: value.detach().clone() for name, value in self.network.named_parameters()}

    def draw(self, seed: int, batch: int = 1) -> Tensor:
        """Random input, uniform over the value range.

        Parameters
        ----------
        seed : int
            Seed of the input.
        batch : int
            Number of images.

        Returns
        -------
        Tensor, shape (batch, C, H, W)
        """
        low, high = self.condition.value_range
        generator = torch.Generator().manual_seed(seed)
        x = torch.rand(batch, self.channels, *self.condition.size, generator=generator, dtype=torch.float64)
        return (low + (high - low) * x).to(self.condition.dtype)

    def run(self, x: Tensor) -> Tensor:
        """Output of the network; differentiable if gradients are enabled.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Images in the value range.

        Returns
        -------
        Tensor, shape (N, C', H, W)

        Raises
        ------
        NetworkRefusal
            If the network fails, or its output has another size than its input.
        """
        self._restore()
        with torch.random.fork_rng(devices=[]), self._autocast():
            torch.default_generator.manual_seed(self.seed)  # `torch.manual_seed` would seed the GPUs, too
            try:
                out = self.network(x)
            except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, NotImplementedError) as error:
                raise NetworkRefusal(
                    f"the network fails on an input of shape {tuple(x.shape)}: {_short(error)}"
                ) from error
        self._check_output(x, out)
        return out

    def _restore(self) -> None:
        """Undo what the last run wrote into buffers (statistics) and weights (masks applied in place)."""
        with torch.no_grad():
            for name, buffer in self.network.named_buffers():
                if name in self._buffers:
                    buffer.copy_(self._buffers[name])
            for name, weight in self.network.named_parameters():
                weight.data.copy_(self._weights[name])

    def _autocast(self) -> torch.autocast:
        kind = self.condition.autocast
        return torch.autocast("cpu", dtype=kind or torch.bfloat16, enabled=kind is not None)

    @staticmethod
    def _check_output(x: Tensor, out: object) -> None:
        if not isinstance(out, Tensor):
            raise NetworkRefusal(f"the network returns a {type(out).__name__}; an image batch (N, C, H, W) is needed")
        if out.ndim != 4 or out.shape[0] != x.shape[0] or out.shape[-2:] != x.shape[-2:]:
            raise NetworkRefusal(
                f"the network turns {tuple(x.shape)} into {tuple(out.shape)}; only maps that keep the size of the image "
                "have a pixel to be blind to"
            )
        if not bool(torch.isfinite(out).all()):
            raise NetworkRefusal("the network returns NaN or infinity for an ordinary random input")


def _short(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
