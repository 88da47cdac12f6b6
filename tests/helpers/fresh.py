"""Code in a process of its own that need not wait for PyTorch: it is forked from one in which only libraries are imported.

For code that would disturb the tests (it kills itself, other folders come first on its path, its terminal has other letters).
Our own packages are imported anew each time.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SERVER = """
import json, os, sys, traceback

import torch, numpy, scipy.ndimage, scipy.signal, lightning_fabric, jsonargparse

def run(job):
    os.chdir(job["folder"])
    os.environ.update(job["environment"])
    sys.path[:0] = job["path"]
    sys.argv = ["-c", *job["arguments"]]
    encoding = (job["environment"].get("PYTHONIOENCODING") or "utf-8").split(":")[0]
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(job[name], os.O_WRONLY | os.O_CREAT), number)
        getattr(sys, name).reconfigure(encoding=encoding)
    try:
        exec(compile(job["code"], "<test>", "exec"), {"__name__": "__main__"})
        return 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os._exit(run(json.loads(line)))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Done:
    """What a process left: exit code (minus the signal that ended it), standard output and error."""

    returncode: int
    stdout: str
    stderr: str


@functools.cache
def _server(parent: int) -> subprocess.Popen[str]:
    """The process that forks; one for each process of the tests."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
    return subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )


def run_fresh(
    code: str,
    *arguments: object,
    folder: Path,
    path: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run Python code in a fresh process, in a folder, with more folders at the head of its path."""
    with tempfile.TemporaryDirectory() as place:
        files = {name: str(Path(place) / name) for name in ("stdout", "stderr")}
        job = {
            "code": code,
            "arguments": [str(argument) for argument in arguments],
            "folder": str(folder),
            "path": ["", *map(str, path)],
            "environment": dict(environment or {}),
            **files,
        }
        server = _server(os.getpid())
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(job) + "\n")
        server.stdin.flush()
        returncode = int(server.stdout.readline())
        said = {name: Path(file).read_bytes().decode("utf-8", "surrogateescape") for name, file in files.items()}
    return Done(returncode, **said)
