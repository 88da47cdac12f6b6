"""How a network is run: memory layout, precision, CUDA graphs, compiler, allocator."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn

from bsn.engine.allocator import keep_freed_memory
from bsn.engine.devices import best_precision
from bsn.engine.recording import record
from bsn.inference.config import InferenceConfig
from bsn.models.interface import main_output

__all__ = ["Runner"]

KEPT_GRAPHS = 4  # tile shapes of one image: inner, right, bottom, corner
LARGEST_GRAPH = 512 * 512  # pixels for which "auto" takes graphs: where launches, not arithmetic, fill the time

log = logging.getLogger(__name__)


class Runner:
    """A network prepared for many forward passes.

    Parameters
    ----------
    network : nn.Module
        Network in eval mode on `device`; its weights are laid out channels-last in place, their values stay.
    device : torch.device
        Device that computes.
    config : InferenceConfig
        `precision`, `engine` and `keep_memory` count.

    Raises
    ------
    ValueError
        If CUDA graphs are asked for on another device.
    """

    def __init__(self, network: nn.Module, device: torch.device, config: InferenceConfig) -> None:
        if config.keep_memory and device.type == "cpu":
            keep_freed_memory()
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # its overloads leave the keyword out
        wanted = config.precision
        self.bf16 = wanted == "bf16" or (wanted == "auto" and best_precision(device.type) == "bf16-mixed")
        self.run: Callable[..., Tensor] = network
        if config.engine == "compile":
            self.run = torch.compile(network, dynamic=False)
        elif config.engine == "graphs":
            if device.type != "cuda":
                raise ValueError(f"engine 'graphs' needs a CUDA device, not {device.type}; use 'eager' or 'compile'")
            self.run = _Graphs(network, self.bf16)
        elif config.engine == "auto" and device.type == "cuda":
            self.run = _Automatic(network, self.bf16)

    def __call__(self, x: Tensor, available: Tensor | None = None) -> Tensor:
        """Run the network once.

        Parameters
        ----------
        x : Tensor, shape (N, C, H, W)
            Images in network values, or windows of :func:`bsn.frames.windows`.
        available : Tensor, shape (1, 2 k), optional
            Neighbours that all the windows have.

        Returns
        -------
        Tensor, shape (N, K, H, W)
        """
        more = {} if available is None else {"available": available.expand(len(x), -1)}
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            return main_output(self.run(x, **more))


class _Graphs:
    """One captured CUDA graph per input shape: a forward pass becomes one launch."""

    def __init__(self, network: nn.Module, bf16: bool) -> None:
        self.network, self.bf16 = network, bf16
        self.captured: dict[tuple[int, ...], tuple[torch.cuda.CUDAGraph, dict[str, Tensor], Tensor]] = {}

    def __call__(self, x: Tensor, **more: Tensor) -> Tensor:
        """Copy the inputs in, replay, copy the output out."""
        if tuple(x.shape) not in self.captured:
            if len(self.captured) == KEPT_GRAPHS:
                self.captured.pop(next(iter(self.captured)))
            self.captured[tuple(x.shape)] = self._capture({"x": x, **more})
        graph, given, out = self.captured[tuple(x.shape)]
        for name, value in {"x": x, **more}.items():
            given[name].copy_(value)
        graph.replay()
        return out.clone()

    def _capture(self, inputs: dict[str, Tensor]) -> tuple[torch.cuda.CUDAGraph, dict[str, Tensor], Tensor]:
        given = {name: value.clone() for name, value in inputs.items()}
        x, more = given["x"], {name: value for name, value in given.items() if name != "x"}
        # Cached casts of the weights would be freed after the block and be gone at the replay.
        with torch.autocast("cuda", torch.bfloat16, enabled=self.bf16, cache_enabled=False):
            graph, out = record(lambda: main_output(self.network(x, **more)))
        return graph, given, out


class _Automatic:
    """CUDA graphs for small inputs whose shape comes again, otherwise, and once a capture has failed, the network itself.

    A capture costs several forward passes, so the first input of a shape runs without, and a single image costs what
    it did. Shapes beyond the number of graphs that are kept run without, too: no graph is captured twice.
    """

    def __init__(self, network: nn.Module, bf16: bool) -> None:
        self.network = network
        self.graphs: _Graphs | None = _Graphs(network, bf16)
        self.seen: set[tuple[int, ...]] = set()

    def __call__(self, x: Tensor, **more: Tensor) -> Tensor:
        """Forward pass of (N, C, H, W), with what else the network takes."""
        if self.graphs is None or not self._worth_a_graph(tuple(x.shape), self.graphs):
            return main_output(self.network(x, **more))
        try:
            return self.graphs(x, **more)
        except RuntimeError as error:
            self.graphs = None
            log.warning("CUDA graphs failed, going on without them (engine='eager' avoids the attempt): %s", error)
        return main_output(self.network(x, **more))

    def _worth_a_graph(self, shape: tuple[int, ...], graphs: _Graphs) -> bool:
        if shape in graphs.captured:
            return True
        if shape[-2] * shape[-1] > LARGEST_GRAPH or len(graphs.captured) == KEPT_GRAPHS:
            return False
        again = shape in self.seen
        self.seen.add(shape)
        return again
