"""How a network is run: memory layout, precision, CUDA graphs, compiler, threads, allocator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bsn.engine.allocator import keep_freed_memory
from bsn.engine.devices import best_precision
from bsn.inference.config import InferenceConfig
from bsn.models.interface import main_output

__all__ = ["make_runner"]

WARM_UP = 2  # eager runs before a capture, in which libraries choose their algorithms
KEPT_GRAPHS = 4  # tile shapes of one image: inner, right, bottom, corner


def make_runner(network: nn.Module, device: torch.device, config: InferenceConfig) -> Callable[[Tensor], Tensor]:
    """Prepare a network for many forward passes.

    Parameters
    ----------
    network : nn.Module
        In eval mode on `device`; its weights are laid out channels-last in place, their values stay.
    device : torch.device
    config : InferenceConfig
        `precision`, `engine`, `threads` and `keep_memory` count.

    Returns
    -------
    callable
        Maps (N, C, H, W) to the restored image of the same shape.

    Raises
    ------
    ValueError
        If CUDA graphs are asked for on another device.
    """
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if config.keep_memory and device.type == "cpu":
        keep_freed_memory()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    bf16 = config.precision == "bf16" or (config.precision == "auto" and best_precision(device.type) == "bf16-mixed")
    run: Callable[[Tensor], Tensor] = network
    if config.engine == "compile":
        run = torch.compile(network, dynamic=False)
    elif config.engine == "graphs":
        if device.type != "cuda":
            raise ValueError(f"engine 'graphs' needs a CUDA device, not {device.type}; use 'eager' or 'compile'")
        run = _Graphs(network, bf16)

    def forward(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=bf16):
            return main_output(run(x))

    return forward


class _Graphs:
    """One captured CUDA graph per input shape: a forward pass becomes one launch."""

    def __init__(self, network: nn.Module, bf16: bool) -> None:
        self.network, self.bf16 = network, bf16
        self.captured: dict[tuple[int, ...], tuple[torch.cuda.CUDAGraph, Tensor, Tensor]] = {}

    def __call__(self, x: Tensor) -> Tensor:
        """Copy the input in, replay, copy the output out."""
        if tuple(x.shape) not in self.captured:
            if len(self.captured) == KEPT_GRAPHS:
                self.captured.pop(next(iter(self.captured)))
            self.captured[tuple(x.shape)] = self._capture(x)
        graph, given, out = self.captured[tuple(x.shape)]
        given.copy_(x)
        graph.replay()
        return out.clone()

    def _capture(self, x: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, Tensor]:
        given, graph = x.clone(), torch.cuda.CUDAGraph()
        # Cached casts of the weights would be freed after the block and be gone at the replay.
        with torch.autocast("cuda", torch.bfloat16, enabled=self.bf16, cache_enabled=False):
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(WARM_UP):
                    self.network(given)
            torch.cuda.current_stream().wait_stream(stream)
            with torch.cuda.graph(graph):
                out = main_output(self.network(given))
        return graph, given, out
