"""The tests that need a GPU, one file after the other; and where there is NVIDIA's checker, its memcheck on the kernels."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.gpu.plan import Part, Setting, Tasks

FILES = [f"tests/{room}/test_gpu.py" for room in ("bsn/ops/kernels", "bsn", "distill", "restoration")]
CHECKED = "test_layer_norm or test_channel_attention"  # without launches by the thousand
SHOWN = 1500  # characters of a failing run


def pytest(words: Sequence[str], prefix: Sequence[str] = ()) -> dict[str, Any]:
    """Outcome of a run of pytest; what it printed last if it failed.

    Raises
    ------
    RuntimeError
        If tests failed, so that the next run tries them again.
    """
    done = subprocess.run([*prefix, sys.executable, "-m", "pytest", "-q", *words], capture_output=True, text=True)
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed|skipped|error)", done.stdout[-400:])}
    if done.returncode not in (0, 5):  # 5: nothing was collected
        raise RuntimeError(f"exit code {done.returncode}: {(done.stdout + done.stderr)[-SHOWN:]}")
    return counts


def _file(path: str, tiny: bool) -> Callable[[], dict[str, Any]]:
    # Without a GPU all of them are skipped, which is what the small trial sees.
    return lambda: pytest(["-m", "gpu", path, *(["--collect-only"] if tiny else [])])


def _tests(setting: Setting) -> Tasks:
    return {path: _file(path, setting.tiny) for path in FILES}


def _memcheck(setting: Setting) -> Tasks:
    def run() -> dict[str, Any]:
        checker = shutil.which("compute-sanitizer")
        if checker is None:
            return {"skipped": "compute-sanitizer is not installed here"}
        prefix = [checker, "--tool", "memcheck", "--error-exitcode", "9", "--target-processes", "all"]
        return pytest(["-m", "gpu", FILES[0], "-k", CHECKED], prefix)

    return {"kernels": run}


PARTS = [Part("tests", 120, _tests, least=20)]
LAST = [Part("memcheck", 240, _memcheck, least=120)]
