"""Work in a thread that the window can pause and cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Cancelled", "Control", "Told"]

_LOOK_EVERY = 0.1  # seconds between two looks at a window that may have been closed


class Cancelled(Exception):
    """The user does not want the result any more."""


@dataclass(frozen=True)
class Told:
    """What a job tells the window on its way.

    Parameters
    ----------
    text : str
        A short sentence.
    share : float, optional
        Share of the work that is done, from 0 to 1; None where it is not known.
    content : object, optional
        Something to show, such as a preview.
    """

    text: str
    share: float | None = None
    content: object = None


class Control:
    """Between a window and the thread of a job.

    Parameters
    ----------
    tell : callable
        Gets what the job tells, in the thread of the job.
    """

    def __init__(self, tell: Callable[[Told], None] = lambda _: None) -> None:
        self._tell = tell
        self._cancelled, self._going = threading.Event(), threading.Event()
        self._going.set()
        self._closed: Callable[[], bool] = lambda: False

    def also_cancelled_by(self, closed: Callable[[], bool]) -> None:
        """Watch another sign of cancellation, such as that napari is closing.

        Parameters
        ----------
        closed : callable
            Tells whether the job is to end.
        """
        self._closed = closed

    def cancel(self) -> None:
        """Ask the job to end; a paused one ends, too."""
        self._cancelled.set()
        self._going.set()

    def pause(self) -> None:
        """Ask the job to wait at its next look."""
        self._going.clear()

    def go_on(self) -> None:
        """Let a paused job go on."""
        self._going.set()

    @property
    def paused(self) -> bool:
        """Whether the job waits, or is asked to."""
        return not self._going.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether the job is asked to end."""
        return self._cancelled.is_set() or self._closed()

    def wait(self) -> None:
        """Wait, in the thread of the job, as long as it is paused."""
        while not self._going.wait(_LOOK_EVERY):
            if self._closed():
                return

    def look(self) -> None:
        """Wait where the job is paused, and end it where it is cancelled.

        Raises
        ------
        Cancelled
        """
        self.wait()
        if self.cancelled:
            raise Cancelled

    def tell(self, text: str, share: float | None = None, content: object = None) -> None:
        """Tell the window something.

        Parameters
        ----------
        text, share, content
            See :class:`Told`.
        """
        self._tell(Told(text, share, content))
