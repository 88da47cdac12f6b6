"""Code in processes of their own that need not wait for PyTorch: they are forked from one with only libraries imported.

For code that would disturb the tests (it kills itself, other folders come first on its path, its terminal has other letters).
Our own packages are imported anew each time.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SERVER = """
import json, os, sys, traceback

import torch, numpy, scipy.ndimage, scipy.signal, lightning_fabric, jsonargparse
import einops, rich.console, rich.progress, safetensors.torch, skimage.metrics, tifffile, torch.utils.flop_counter, yaml

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
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()

for line in sys.stdin:
    children = []
    for job in json.loads(line):
        children.append(os.fork())
        if children[-1] == 0:
            os._exit(run(job))
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]), flush=True)
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
    (done,) = _run(code, arguments, folder, path, [environment or {}])
    return done


def run_ranks(code: str, *arguments: object, folder: Path, path: Sequence[Path] = (), count: int = 2) -> list[Done]:
    """Run the same code in several processes at once that are the ranks of one run, as a launcher would start them."""
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0"}
    return _run(code, arguments, folder, path, [{**common, "LOCAL_RANK": str(rank)} for rank in range(count)])


def _run(
    code: str,
    arguments: Sequence[object],
    folder: Path,
    path: Sequence[Path],
    environments: Sequence[Mapping[str, str]],
) -> list[Done]:
    """One process for each environment, all at once."""
    with tempfile.TemporaryDirectory() as place:
        outputs = [
            {name: str(Path(place) / f"{name}{number}") for name in ("stdout", "stderr")}
            for number in range(len(environments))
        ]
        jobs = [
            {
                "code": code,
                "arguments": [str(argument) for argument in arguments],
                "folder": str(folder),
                "path": ["", *map(str, path)],
                "environment": dict(environment),
                **files,
            }
            for environment, files in zip(environments, outputs, strict=True)
        ]
        server = _server(os.getpid())
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(jobs) + "\n")
        server.stdin.flush()
        codes = json.loads(server.stdout.readline())
        return [
            Done(
                code,
                **{name: Path(file).read_bytes().decode("utf-8", "surrogateescape") for name, file in files.items()},
            )
            for code, files in zip(codes, outputs, strict=True)
        ]
