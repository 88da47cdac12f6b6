"""A worker process and its queue: orders wait for each other, and one that hangs or dies takes nothing else with it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["Lane", "OrderFailed"]

_LONGEST_LINE = 1 << 26  # bytes
_SECONDS_TO_END = 20.0  # for a checkpoint, when the server ends
_FRESH = (
    {"start_new_session": True} if os.name == "posix" else {"creationflags": 0x200}
)  # not stopped by the terminal's Ctrl-C

Told = Callable[[dict[str, Any]], None]


class OrderFailed(Exception):
    """An order failed: one line for the user."""


class Lane:
    """Orders for one process, which is started when it is first needed and again after it died."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._numbers = itertools.count(1)
        self._running: int | None = None

    async def do(
        self, task: str, order: dict[str, Any], told: Told = lambda _: None, *, seconds: float | None = None
    ) -> dict[str, Any]:
        """Wait for a turn, have an order done, and give its result.

        Parameters
        ----------
        task : str
            A key of :data:`bsn.app.tasks.TASKS`.
        order : dict
            Values of JSON.
        told : callable
            Gets what the task tells on the way.
        seconds : float, optional
            After which the process is ended; without it, an order may take as long as it takes.

        Returns
        -------
        dict
            ``{"stopped": True}`` where the order was stopped.

        Raises
        ------
        OrderFailed
            With the message of the task, or that the process died or took too long.
        """
        async with self._turn:
            process = await self._alive()
            number = self._running = next(self._numbers)
            try:
                async with asyncio.timeout(seconds):
                    await self._send({"order": number, "task": task, **order})
                    return await self._answer(process, number, told)
            except TimeoutError:
                self.kill()
                await process.wait()
                raise OrderFailed(f"it took longer than {seconds:g} s and was given up; try a smaller image") from None
            except BaseException:
                # Whoever waits no more: the process may be at work still, and is not to be waited for.
                if process.returncode is None and self._running == number:
                    self.kill()
                    await process.wait()  # so that nothing is written after this
                raise
            finally:
                self._running = None

    async def _answer(self, process: asyncio.subprocess.Process, number: int, told: Told) -> dict[str, Any]:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            message = json.loads(line)
            if message["order"] != number:
                continue
            if "told" in message:
                told(message["told"])
            elif "error" in message:
                self._running = None
                raise OrderFailed(message["error"])
            else:
                self._running = None
                return dict(message["result"])
        code = await process.wait()
        self._process = None
        raise OrderFailed(
            f"the worker process ended (code {code}), perhaps because memory ran out; try a smaller image"
        )

    async def stop(self) -> None:
        """Ask the running order to stop; nothing happens where none runs."""
        if self._running is not None:
            await self._send({"stop": self._running})

    def kill(self) -> None:
        """End the process at once; the next order gets a new one."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        self._process = None

    async def close(self) -> None:
        """End the process in order: a training writes its checkpoint."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _SECONDS_TO_END)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def warm(self) -> None:
        """Start the process before it is needed."""
        async with self._turn:
            await self._alive()

    async def _alive(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bsn.app.worker",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if os.environ.get("BSN_DEBUG") else subprocess.DEVNULL,
                limit=_LONGEST_LINE,
                **_FRESH,
            )
        return self._process

    async def _send(self, message: dict[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(json.dumps(message).encode() + b"\n")
            await process.stdin.drain()
