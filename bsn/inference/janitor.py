"""Unfinished files of a process that may be killed from outside, when no code of its own runs any more.

A small process waits for the end of this one, whatever the end is, and removes what is left.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["Janitor", "janitor"]

# Its input ends when the process that holds the other end of the pipe does.
_PROGRAM = """
import os, shutil, sys, time
paths = [line.rstrip("\\n") for line in sys.stdin]
left = [path for path in paths if os.path.lexists(path)]
for attempt in range(20):
    for path in left:
        shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.path.lexists(path) and os.remove(path)
    if not any(os.path.lexists(path) for path in left):
        break
    time.sleep(0.25)
if left:
    print("bsn denoise: a process of the run was killed; its unfinished result is removed", file=sys.stderr)
"""


class Janitor:
    """Knows what to remove.

    Parameters
    ----------
    process : subprocess.Popen
        Waits for the end of this one.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def watch(self, path: Path) -> None:
        """Have a file or folder removed that is still there when this process has ended.

        Parameters
        ----------
        path : Path
            It need not exist.
        """
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(f"{path.absolute()}\n")
            self._process.stdin.flush()


@contextmanager
def janitor() -> Iterator[Janitor]:
    """Start a process that outlives this one.

    Yields
    ------
    Janitor
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield Janitor(process)
    finally:
        with suppress(OSError):
            process.communicate()
