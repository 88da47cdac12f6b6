"""The program of a worker process: reads orders, does one after another, and tells how they go.

A line of standard input is an order, ``{"order": 3, "task": "inspect", ...}``, or ``{"stop": 3}``. A line of standard
output is ``{"order": 3, "told": {...}}`` on the way; the last one is ``{"order": 3, "result": {...}}``, or has "error".
The process ends with its input, so that no work goes on that nobody can see: a training writes a checkpoint before.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
import traceback
import warnings
from typing import IO, Any

from bsn.app.tasks import Stopped, find_task
from bsn.data.errors import one_line

__all__ = ["main"]

_GRACE = 60.0  # seconds that a training has to write its checkpoint when the server is gone


class _Worker:
    """Orders of one process, and who may stop them."""

    def __init__(self, orders: IO[str], answers: IO[str]) -> None:
        self._orders, self._answers = orders, answers
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._stop = threading.Event()
        self._current: int | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        while (order := self._waiting.get()) is not None:
            self._do(order)

    def _read(self) -> None:
        for line in self._orders:
            message = json.loads(line)
            if "stop" not in message:
                self._waiting.put(message)
            elif message["stop"] == self._current:
                self._stop.set()
        self._stop.set()
        self._waiting.put(None)
        threading.Timer(_GRACE, os._exit, (1,)).start()

    def _do(self, order: dict[str, Any]) -> None:
        number = order.pop("order")
        self._stop.clear()
        self._current = number
        self._say(number, told={"begun": True})
        try:
            result = find_task(order.pop("task"))(order, lambda told: self._say(number, told=told), self._stop)
            self._say(number, result=result)
        except Stopped:
            self._say(number, result={"stopped": True})
        except (ValueError, RuntimeError, OSError) as error:
            self._say(number, error=one_line(error))
        except Exception as error:  # a fault of ours; the page has to go on
            traceback.print_exc()
            self._say(number, error=f"unexpected: {one_line(error)}; start with BSN_DEBUG=1 to see more")
        finally:
            self._current = None

    def _say(self, number: int, **message: Any) -> None:
        with self._lock, contextlib.suppress(BrokenPipeError):
            self._answers.write(json.dumps({"order": number, **message}) + "\n")
            self._answers.flush()


def main() -> None:
    """Serve orders until standard input ends."""
    # What libraries print must not stand between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if not os.environ.get("BSN_DEBUG"):
        warnings.simplefilter("ignore")
    _Worker(os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8"), answers).run()


if __name__ == "__main__":
    main()
