"""What the engine trains: a Task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

__all__ = ["Part", "Task", "Update", "Workers"]

Loss = tuple[Tensor, Mapping[str, Tensor | float]]


@dataclass(frozen=True)
class Workers:
    """Place of this process among the processes of a run."""

    rank: int = 0
    world_size: int = 1
    device: str = "cpu"


@dataclass(frozen=True)
class Part:
    """Loss of one part of a batch as a function of tensors, which a GPU can record once and replay.

    Parameters
    ----------
    function : callable
        Maps the tensors to ``(loss, logged numbers)``, by the same operations whatever their values.
    inputs : sequence of Tensor
        Tensors on the device that computes.
    """

    function: Callable[..., Loss]
    inputs: Sequence[Tensor]

    def __call__(self) -> Loss:
        """Loss and logged numbers."""
        return self.function(*self.inputs)


@dataclass(frozen=True)
class Update:
    """One change of parameters.

    Parameters
    ----------
    parts : sequence of callable
        Each computes ``(loss, logged numbers)`` of one part of the batch; the gradients of their mean are accumulated
        before the optimiser steps. One part is the ordinary case; as a :class:`Part` it can be recorded on a GPU.
    optimizer : str
        Which of the task's optimisers steps.
    batch : sequence of str
        Names of the files in the batch, for the message if the loss is not finite.
    """

    parts: Sequence[Callable[[], Loss]]
    optimizer: str = "main"
    batch: Sequence[str] = field(default_factory=tuple)


class Task(ABC):
    """Something the engine can train.

    Attributes
    ----------
    modules : dict of str to nn.Module
        Everything with parameters or buffers. The engine replaces the entries by their distributed, mixed-precision
        wrappers before the first step, so updates must call ``self.modules[name]``.
    averaged : sequence of str
        Names of the modules of which an exponential moving average is kept (if the run asks for one).
    unscheduled : sequence of str
        Names of the optimisers whose learning rates stay as they are, whatever the schedule of the run.
    monitor : str
        Validation number by which the best weights are chosen; lower is better, or higher with a leading "+".
    """

    modules: dict[str, nn.Module]
    averaged: Sequence[str] = ("network",)
    unscheduled: Sequence[str] = ()
    monitor: str = "val_loss"

    def start(self, workers: Workers) -> None:  # noqa: B027  (a hook that most tasks need not fill)
        """Take note of this process's place; called once before the first step.

        Parameters
        ----------
        workers : Workers
            Rank, number of processes and device.
        """

    def remark(self, steps: int) -> str | None:
        """What to tell the user of a run by minutes, once its length in steps is known.

        Parameters
        ----------
        steps : int
            Length of the run.

        Returns
        -------
        str or None
        """
        return None

    @abstractmethod
    def optimizers(self) -> dict[str, Optimizer]:
        """Optimisers of :attr:`modules`, made anew; called once, after the modules were wrapped."""

    @abstractmethod
    def updates(self, step: int) -> Iterator[Update]:
        """Changes of parameters of one step. The engine applies each before it asks for the next.

        Parameters
        ----------
        step : int
            Counted from 0.

        Returns
        -------
        iterator of Update
        """

    def validate(self, step: int, modules: Mapping[str, nn.Module], samples: Path) -> dict[str, float]:
        """Numbers of a validation.

        Parameters
        ----------
        step : int
            Number of steps taken so far.
        modules : mapping of str to nn.Module
            Modules by name, with averaged weights where there are some.
        samples : Path
            Folder for pictures.

        Returns
        -------
        dict of str to float
        """
        return {}

    def save(self, path: Path, modules: Mapping[str, nn.Module], facts: Mapping[str, Any]) -> None:  # noqa: B027
        """Write a finished model file.

        Parameters
        ----------
        path : Path
            File of the finished model.
        modules : mapping of str to nn.Module
            The trained modules, with averaged weights where there are some.
        facts : mapping
            Steps and validation numbers, which go into the provenance.
        """

    def state_dict(self) -> dict[str, Any]:
        """Whatever else a resumed task needs: tensors, numbers, strings, and lists or dicts of them."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:  # noqa: B027
        """Restore what :meth:`state_dict` gave.

        Parameters
        ----------
        state : mapping
            The stored state.
        """

    def close(self) -> None:  # noqa: B027
        """Release threads and files; called once, also after errors."""
