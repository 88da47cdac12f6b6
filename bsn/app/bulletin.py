"""Who is told when something on the page changes."""

from __future__ import annotations

import asyncio

__all__ = ["Bulletin"]


class Bulletin:
    """Listeners of a server: one for each open tab."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Event] = set()

    def listen(self) -> asyncio.Event:
        """An event that is set whenever something changes; to be given back by :meth:`unlisten`.

        Returns
        -------
        asyncio.Event
        """
        event = asyncio.Event()
        event.set()
        self._listeners.add(event)
        return event

    def unlisten(self, event: asyncio.Event) -> None:
        """Forget a listener.

        Parameters
        ----------
        event : asyncio.Event
            From :meth:`listen`.
        """
        self._listeners.discard(event)

    def changed(self) -> None:
        """Tell all listeners."""
        for event in self._listeners:
            event.set()
