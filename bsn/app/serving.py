"""The server from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import socket
import webbrowser
from collections.abc import Callable

from aiohttp import web

from bsn.app.desk import Desk
from bsn.app.guard import Guard
from bsn.app.server import make_application
from bsn.app.settings import AppSettings
from bsn.data.errors import DataError

__all__ = ["serve"]

_HOST = "127.0.0.1"


def serve(settings: AppSettings, port: int, *, browser: bool, say: Callable[[str], None]) -> None:
    """Serve the page until the process is interrupted.

    Parameters
    ----------
    settings : AppSettings
        Folders and limits.
    port : int
        Where to listen, on 127.0.0.1 only; 0 for any free port.
    browser : bool
        Whether to open the page in the user's browser.
    say : callable
        Gets lines for the user.

    Raises
    ------
    DataError
        The port is taken or may not be used.
    """
    listening = _listen(port)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(settings, listening, browser, say))


def _listen(port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise DataError(f"--port {port}", "there is no such port", "use 0 for a free one, or 1024 to 65535")
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.bind((_HOST, port))
    except OSError as error:
        listening.close()
        raise DataError(
            f"--port {port}", f"it cannot be used ({(error.strerror or str(error)).lower()})", "use 0 for a free one"
        ) from None
    return listening


async def _serve(settings: AppSettings, listening: socket.socket, browser: bool, say: Callable[[str], None]) -> None:
    guard = Guard(listening.getsockname()[1], secrets.token_urlsafe(24))
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows, Ctrl-C cancels this task
            loop.add_signal_handler(number, ended.set)
    runner = web.AppRunner(make_application(Desk(settings), guard), access_log=None)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        say(f"the page: {guard.address}")
        say(f"folders:  {', '.join(map(str, settings.folders))}; results go to {settings.output}")
        say("Ctrl-C ends it; trainings are paused and can be resumed later")
        if browser:
            loop.run_in_executor(None, webbrowser.open, guard.address)
        await ended.wait()
        say("ending; a training that runs writes its checkpoint first")
    finally:
        await runner.cleanup()
