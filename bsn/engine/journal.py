"""What a run tells: progress on the terminal, metrics.csv always, TensorBoard on request, a log file."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from bsn.engine.errors import RunError
from bsn.engine.metrics_file import MetricsFile
from bsn.engine.run_folder import RunFolder
from bsn.engine.watching import loss_of

__all__ = ["Journal"]

_QUIET_SECONDS = 30.0
_FLUSH_SECONDS = 1.0


class Journal:
    """Reporter of one run; on processes other than the first it does nothing.

    Parameters
    ----------
    folder : RunFolder
        Folder of the run.
    total : int, optional
        Steps of the whole run; None while they are not known, see :meth:`set_total`.
    active : bool
        False on all processes but one.
    tensorboard : bool
        Also write the numbers for TensorBoard.
    resume_step : int
        Rows of metrics.csv beyond this step are from work that was lost with a kill, and dropped.
    """

    def __init__(
        self,
        folder: RunFolder,
        total: int | None,
        *,
        active: bool = True,
        tensorboard: bool = False,
        resume_step: int = 0,
    ) -> None:
        self.folder, self.total, self.active = folder, total, active
        self._metrics = MetricsFile(folder.metrics, resume_step) if active else None
        self._progress: Any = None
        self._board: Any = None
        self._start, self._start_step = time.monotonic(), resume_step
        self._next_line = self._start
        self._next_flush = self._start
        self._log = logging.getLogger("bsn.run")
        if active:
            self._open_log()
            self._open_board(tensorboard)

    def _open_log(self) -> None:
        self._log.setLevel(logging.INFO)
        self._log.propagate = False
        handler = logging.FileHandler(self.folder.log, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        self._log.addHandler(handler)

    def _open_board(self, wanted: bool) -> None:
        if not wanted:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise RunError(
                'TensorBoard is not installed; pip install "blindspot-denoising[tensorboard]" or leave --tensorboard out'
            ) from None
        self._board = SummaryWriter(str(self.folder.path / "tensorboard"))

    def __enter__(self) -> Journal:
        if self.active:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            console = Console(stderr=True)
            if console.is_terminal:
                self._progress = Progress(
                    TextColumn("step {task.completed}{task.fields[of]}"),
                    BarColumn(),
                    TextColumn("{task.fields[rate]:.2f} steps/s"),
                    TimeElapsedColumn(),
                    TextColumn("ETA"),
                    TimeRemainingColumn(),
                    TextColumn("loss {task.fields[loss]:.4g}"),
                    console=console,
                )
                self._progress.start()
                self._bar = self._progress.add_task(
                    "", total=self.total, completed=self._start_step, of=self._of, rate=0.0, loss=0.0
                )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
        if self._metrics is not None:
            self._metrics.close()
            for handler in list(self._log.handlers):
                handler.close()
                self._log.removeHandler(handler)
        if self._board is not None:
            self._board.close()

    @property
    def _of(self) -> str:
        return "" if self.total is None else f"/{self.total}"

    def set_total(self, total: int) -> None:
        """Note the length of a run that became known only on the way.

        Parameters
        ----------
        total : int
            Steps.
        """
        self.total = total
        if self._progress is not None:
            self._progress.update(self._bar, total=total, of=self._of)

    def say(self, text: str) -> None:
        """Write one line to the terminal and the log.

        Parameters
        ----------
        text : str
            One sentence or more.
        """
        if not self.active:
            return
        self._log.info(text)
        if self._progress is not None:
            self._progress.console.print(text, highlight=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def step(self, step: int, numbers: Mapping[str, float]) -> None:
        """Report a finished training step.

        Parameters
        ----------
        step : int
            Counted from 1.
        numbers : mapping of str to float
            Numbers of the step by name, such as the loss.
        """
        if not self.active:
            return
        now = time.monotonic()
        loss = loss_of(numbers)
        rate = (step - self._start_step) / max(now - self._start, 1e-9)
        if self._progress is not None:
            self._progress.update(self._bar, completed=step, rate=rate, loss=loss)
        elif now >= self._next_line:
            left = "" if self.total is None else f"  {(self.total - step) / max(rate, 1e-9):.0f} s left"
            self.say(f"step {step}{self._of}  loss {loss:.4g}  {rate:.2f} steps/s{left}")
            self._next_line = now + _QUIET_SECONDS
        self._add_row({"step": step, **numbers})
        if self._metrics is not None and now >= self._next_flush:
            self._metrics.flush()
            self._next_flush = now + _FLUSH_SECONDS

    def validation(self, step: int, numbers: Mapping[str, float]) -> None:
        """Report validation numbers.

        Parameters
        ----------
        step : int
            Number of steps taken so far.
        numbers : mapping of str to float
            Numbers of the validation by name.
        """
        if not self.active or not numbers:
            return
        self.say(f"step {step}{self._of}  " + "  ".join(f"{key} {value:.5g}" for key, value in numbers.items()))
        self._add_row({"step": step, **numbers})
        if self._metrics is not None:
            self._metrics.flush()

    def _add_row(self, row: Mapping[str, float]) -> None:
        if self._metrics is not None:
            self._metrics.add(row)
        if self._board is not None:
            for key, value in row.items():
                if key != "step":
                    self._board.add_scalar(key, value, int(row["step"]))
