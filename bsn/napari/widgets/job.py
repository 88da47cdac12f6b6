"""A job in a thread of napari, and the row of a widget that shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from bsn.napari.control import Cancelled, Control, Told
from bsn.napari.drivers import keep_triton_out
from bsn.napari.widgets.parts import BAD

__all__ = ["JobRow"]

_STEPS = 1000


class _Failed(NamedTuple):
    text: str


class _Ended:
    """The job was cancelled. An exception that is returned would be raised by the worker."""


class _Bridge(QObject):
    """Brings what the thread tells into the thread of the window."""

    told = Signal(object)


class JobRow(QWidget):
    """Buttons, a bar and a sentence: starts a job, and shows how far it is.

    Parameters
    ----------
    start : str
        Text of the button that starts it.
    started : callable
        Called when the button is pressed; it calls :meth:`run`.
    pauses : bool
        Whether the job can be paused.
    """

    def __init__(self, start: str, started: Callable[[], None], *, pauses: bool = False) -> None:
        super().__init__()
        keep_triton_out()
        self._control: Control | None = None
        self._worker: Any = None
        self._bridge: _Bridge | None = None
        self._content: Callable[[Any], None] = lambda _: None
        self._remarks: list[str] = []
        self.start_button, self.cancel_button = QPushButton(start), QPushButton("Stop" if pauses else "Cancel")
        self.pause_button = QPushButton("Pause")
        self.bar, self.status = QProgressBar(), QLabel()
        self.status.setWordWrap(True)
        self.bar.setRange(0, _STEPS)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button)
        if pauses:
            buttons.addWidget(self.pause_button)
        buttons.addWidget(self.cancel_button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addLayout(buttons)
        rows.addWidget(self.bar)
        rows.addWidget(self.status)
        self.start_button.clicked.connect(lambda: started())
        self.cancel_button.clicked.connect(lambda: self.cancel())
        self.pause_button.clicked.connect(lambda: self._pause())
        self._show_running(False)

    @property
    def running(self) -> bool:
        """Whether a job runs."""
        return self._control is not None

    def run(
        self,
        work: Callable[[Control], Any],
        done: Callable[[Any], None],
        *,
        content: Callable[[Any], None] = lambda _: None,
    ) -> None:
        """Start a job; one runs at a time.

        Parameters
        ----------
        work : callable
            Called with a control in a thread; what it returns goes to `done`. Refusals, errors of files and of memory are
            shown in a line; others are shown by napari.
        done : callable
            Called in the thread of the window.
        content : callable
            Gets what the job tells beside its text, in the thread of the window.
        """
        if self.running:
            return
        keep_triton_out()
        self._bridge = bridge = _Bridge()
        bridge.told.connect(self._told)
        self._content = content
        self._control = control = Control(bridge.told.emit)
        self._remarks = []
        self.say("")
        self.bar.setRange(0, 0)
        self._show_running(True)
        worker: Any = create_worker(_guarded, work, control, _start_thread=False)
        control.also_cancelled_by(lambda: bool(worker.abort_requested))
        self.destroyed.connect(control.cancel)
        worker.returned.connect(lambda result: self._returned(control, result, done))
        worker.errored.connect(lambda error: self._returned(control, _Failed(str(error) or type(error).__name__), done))
        worker.warned.connect(lambda warning: self._warned(control, *warning[:2]))
        self._worker = worker
        worker.start()

    def cancel(self) -> None:
        """Ask the job to end; its row says so."""
        if self._control is not None:
            self._control.cancel()
            self.cancel_button.setEnabled(False)
            self.say("ending ...")

    def say(self, text: str, *, failed: bool = False) -> None:
        """Show a sentence.

        Parameters
        ----------
        text : str
            What to show.
        failed : bool
            Show it as an error.
        """
        self.status.setText(text)
        self.status.setStyleSheet(f"color: {BAD};" if failed else "")

    def _pause(self) -> None:
        control = self._control
        if control is None:
            return
        if control.paused:
            control.go_on()
        else:
            control.pause()
            self.say("paused: " + self.status.text())
        self.pause_button.setText("Go on" if control.paused else "Pause")

    def _told(self, told: Told) -> None:
        if self._control is None or self._control.cancelled or self._control.paused:
            return
        if told.text:
            self.say(told.text)
        if told.content is not None:
            self._content(told.content)
        elif told.share is None:
            self.bar.setRange(0, 0)
        else:
            self.bar.setRange(0, _STEPS)
            self.bar.setValue(round(_STEPS * told.share))

    def _warned(self, control: Control, warning: Warning, kind: type[Warning]) -> None:
        """Keep what our own packages warn of; napari shows it, too, but not for long."""
        if control is self._control and kind.__module__.split(".")[0] == "bsn" and str(warning) not in self._remarks:
            self._remarks.append(str(warning))

    def _returned(self, control: Control, result: Any, done: Callable[[Any], None]) -> None:
        if control is not self._control:
            return
        self._control = self._worker = self._bridge = None
        self._show_running(False)
        self.bar.setRange(0, _STEPS)
        self.bar.setValue(0)
        if isinstance(result, _Failed):
            self.say(result.text, failed=True)
        elif isinstance(result, _Ended):
            self.say("Cancelled; nothing was changed.")
        else:
            self.bar.setValue(_STEPS)
            done(result)
            if self._remarks:
                self.say("\n".join([self.status.text(), *self._remarks]))

    def _show_running(self, running: bool) -> None:
        self.start_button.setEnabled(not running)
        self.cancel_button.setEnabled(running)
        self.pause_button.setEnabled(running)
        self.pause_button.setText("Pause")


def _guarded(work: Callable[[Control], Any], control: Control) -> Any:
    """Run a job; what a user can do something about comes back as a sentence."""
    try:
        return work(control)
    except Cancelled:
        return _Ended()
    except (ValueError, RuntimeError, OSError, MemoryError) as error:
        return _Failed(str(error) or type(error).__name__)
