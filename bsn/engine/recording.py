"""Forward and backward passes recorded as CUDA graphs: one launch in place of hundreds.

A small network is computed faster than its operations can be launched one by one. What a step does to tensors of fixed
shape is recorded at its first use and replayed from then on, with the same numbers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bsn.engine.task import Part

__all__ = ["Recorder", "record"]

WARM_UP = 3  # runs before a recording, in which libraries choose their algorithms and kernels are compiled
KEPT = 8  # recordings: one per shape of a batch

log = logging.getLogger(__name__)


def record(work: Callable[[], Any], *, before: Callable[[], Any] = lambda: None, pool: Any = None) -> tuple[Any, Any]:
    """Record what `work` does on the current CUDA device.

    Parameters
    ----------
    work : callable
        Reads and writes tensors that stay where they are; runs some times before it is recorded.
    before : callable
        Called before each run, outside the recording.
    pool : optional
        Memory of another recording that may be used again (``graph.pool()``): the two never run at the same time.

    Returns
    -------
    graph : torch.cuda.CUDAGraph
        ``graph.replay()`` does the work once more.
    result
        What `work` returned while it was recorded; its tensors hold the numbers of the last replay.

    Raises
    ------
    RuntimeError
        If the work cannot be recorded: it waits for the device, or copies from ordinary memory.
    """
    random = torch.cuda.get_rng_state()
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            before()
            work()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.set_rng_state(random)
    before()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool):
        result = work()
    return graph, result


@dataclass(frozen=True)
class _Recording:
    graph: Any
    inputs: list[Tensor]
    loss: Tensor
    logged: Mapping[str, Tensor | float]
    gradients: list[Tensor | None]


class Recorder:
    """Losses and gradients of parts of batches, recorded by the function and the shapes of its tensors.

    Parameters
    ----------
    backward : callable
        Takes a loss and adds its gradients to the parameters.
    modules : iterable of nn.Module
        Everything with buffers: the runs before a recording leave no trace in them.
    """

    def __init__(self, backward: Callable[[Tensor], None], modules: Iterable[nn.Module]) -> None:
        self._backward = backward
        self._buffers = [buffer for module in modules for buffer in module.buffers()]
        self._recordings: dict[Any, _Recording] = {}
        self._failed = False

    def run(
        self, part: Callable[[], Any], parameters: Sequence[Tensor]
    ) -> tuple[Tensor, Mapping[str, Tensor | float]] | None:
        """Loss of a part, and its gradients in the parameters.

        Parameters
        ----------
        part : callable
            Only a :class:`Part` can be recorded.
        parameters : sequence of Tensor
            Always the same ones for one function; their old gradients go.

        Returns
        -------
        (loss, logged numbers), overwritten by the next run, or None
            None where the part is not or cannot be recorded; it is then to be computed as usual.
        """
        if self._failed or not isinstance(part, Part):
            return None
        key = self._key(part)
        if key not in self._recordings and len(self._recordings) == KEPT:
            return None
        if key not in self._recordings:
            try:
                self._recordings[key] = self._record(part, parameters)
            except RuntimeError as error:
                self._failed = True
                log.warning(
                    "no CUDA graph of a step, going on without (--no_graphs avoids the attempt): %s",
                    error,
                )
                return None
        recording = self._recordings[key]
        torch._foreach_copy_(recording.inputs, list(part.inputs))
        recording.graph.replay()
        for parameter, gradient in zip(parameters, recording.gradients, strict=True):
            parameter.grad = gradient
        return recording.loss, recording.logged

    @staticmethod
    def _key(part: Part) -> Any:
        return part.function, tuple((x.shape, x.dtype, x.stride()) for x in part.inputs)

    def _record(self, part: Part, parameters: Sequence[Tensor]) -> _Recording:
        inputs = [x.detach().clone() for x in part.inputs]

        def clear() -> None:
            for parameter in parameters:
                parameter.grad = None

        def work() -> tuple[Tensor, Mapping[str, Tensor | float]]:
            loss, logged = part.function(*inputs)
            self._backward(loss)
            return loss.detach(), logged

        pool = next((r.graph.pool() for r in self._recordings.values()), None)
        buffers = [buffer.clone() for buffer in self._buffers]
        try:
            graph, (loss, logged) = record(work, before=clear, pool=pool)
        finally:
            for buffer, value in zip(self._buffers, buffers, strict=True):
                buffer.copy_(value)
        return _Recording(graph, inputs, loss, logged, [p.grad for p in parameters])
