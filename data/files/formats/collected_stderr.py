"""What libraries of other languages print to the standard error output, where they say nothing otherwise."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_LOCK = threading.RLock()


@contextmanager
def collected_stderr() -> Iterator[list[str]]:
    """Collect the lines that are printed to the standard error output in a block, by whatever language.

    What other threads print meanwhile is among them and does not appear; keep the block short.

    Yields
    ------
    list of str
        Filled when the block ends.
    """
    lines: list[str] = []
    with _LOCK, tempfile.TemporaryFile() as file:
        saved = os.dup(_STDERR)
        try:
            os.dup2(file.fileno(), _STDERR)
            yield lines
        finally:
            os.dup2(saved, _STDERR)
            os.close(saved)
            file.seek(0)
            lines += file.read().decode(errors="replace").splitlines()
