"""A run that is watched by the program that started it: a window, a page, a notebook."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bsn.engine.side_effects import generators_restored

__all__ = ["Progress", "Watch", "Watching", "loss_of"]


def loss_of(numbers: Mapping[str, float]) -> float:
    """Find the loss among the numbers of a step, whose name depends on what is trained.

    Parameters
    ----------
    numbers : mapping of str to float
        Numbers of the step by name.

    Returns
    -------
    float
        The first one whose name ends with "loss"; every task has one.
    """
    return next(value for name, value in numbers.items() if name.endswith("loss"))


@dataclass(frozen=True)
class Progress:
    """Where a run stands after a step.

    Parameters
    ----------
    step : int
        Steps taken, those before a resume included.
    total : int or None
        Steps of the whole run; None while a run by minutes still measures its speed.
    seconds : float
        Seconds that the run has taken, those before a resume included.
    rate : float
        Steps per second since the run was started or resumed.
    numbers : mapping of str to float
        Numbers of the step, such as ``loss`` and ``learning_rate``.
    validation : mapping of str to float
        Numbers of the last validation; empty before the first.
    save : callable
        ``save(path)`` writes the model of this moment, with averaged weights where the run keeps them.
    """

    step: int
    total: int | None
    seconds: float
    rate: float
    numbers: Mapping[str, float]
    validation: Mapping[str, float]
    save: Callable[[Path], None]

    @property
    def loss(self) -> float:
        """Loss of the step."""
        return loss_of(self.numbers)

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end of the run at this rate; None while the length is not known."""
        return None if self.total is None or self.rate <= 0 else (self.total - self.step) / self.rate


Watch = Callable[[Progress], bool | None]
"""Called after every step, in the thread that trains. As long as it does not return, the run pauses. True asks the run to stop:
the next step is finished, a checkpoint is written, and :class:`bsn.engine.Interrupted` is raised, as after an interrupt."""


class Watching:
    """A watcher that leaves a run as it would be without it: its random numbers, and its clock.

    Parameters
    ----------
    watch : callable, optional
        None where nobody watches.

    Attributes
    ----------
    seconds : float
        Time that the watcher took, pauses included.
    """

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch
        self.seconds = 0.0

    def tell(self, progress: Callable[[], Progress]) -> bool:
        """Tell the watcher where the run stands.

        Parameters
        ----------
        progress : callable
            Makes what is told; called only where somebody watches.

        Returns
        -------
        bool
            Whether the run is to stop.
        """
        if self._watch is None:
            return False
        begin = time.monotonic()
        try:
            with generators_restored():
                return bool(self._watch(progress()))
        finally:
            self.seconds += time.monotonic() - begin
