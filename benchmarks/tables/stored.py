"""Stored results: their content, the command that made them, the machine that ran it."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "results"

# Presets under the names that the result files carry.
TINY, SMALL, LARGE = "phase-unet-tiny", "phase-unet-small", "phase-unet-large"


@functools.cache
def stored(name: str) -> dict[str, Any]:
    """Content of ``benchmarks/results/<name>.json``.

    Raises
    ------
    FileNotFoundError
        If no benchmark wrote such a file.
    """
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def value(name: str, path: str) -> Any:
    """One number of a stored result.

    Parameters
    ----------
    name : str
        Name of the result file, without folder and suffix.
    path : str
        Keys on the way to the number, parted by ``/``; a whole number chooses from a list.
    """
    found: Any = stored(name)
    for key in path.split("/"):
        found = found[int(key)] if isinstance(found, list) else found[key]
    return found


def command(name: str) -> str:
    """The command that wrote a result, without the folder of the image sets, which differs from machine to machine."""
    words = stored(name)["command"].split()
    kept = [word for i, word in enumerate(words) if word != "--data" and words[max(i - 1, 0)] != "--data"]
    return " ".join(kept)


def machine(name: str) -> str:
    """Processor or GPU, threads and versions of a stored result."""
    found = stored(name)["environment"]
    return f"{found['machine']}; Python {found['python']}, PyTorch {found['torch']}"


def note(name: str) -> str:
    """What the result file says about how it came to be; empty for most."""
    return str(stored(name).get("note", ""))
