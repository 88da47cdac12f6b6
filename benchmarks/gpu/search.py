"""A longer MANAS search on rain: search, derive, train, beside a random network of the same cost (`benchmarks.manas`)."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.gpu.plan import Part, Setting, Tasks

SEARCH_MINUTES, TRAIN_MINUTES = 4.0, 1.5


def _search(setting: Setting) -> dict[str, Any]:
    """What `benchmarks.manas` writes, which keeps its own finished runs, too."""
    command = [sys.executable, "-m", "benchmarks.manas", "--data", str(setting.data), "--skip_multi"]
    command += ["--runs", str(setting.runs / "manas"), "--results", str(setting.runs)]
    if setting.tiny:
        command += ["--search_steps", "2", "--train_steps", "1", "--images", "1", "--chance", "0", "--threads", "1"]
    else:
        command += ["--search_minutes", str(SEARCH_MINUTES), "--train_minutes", str(TRAIN_MINUTES), "--chance", "1"]
    subprocess.run(command, check=True)
    found: dict[str, Any] = json.loads((setting.runs / "manas.json").read_text(encoding="utf-8"))
    return found


def _tasks(setting: Setting) -> Tasks:
    return {"search and training": lambda: _search(setting)}


PARTS = [Part("search", 60 * (SEARCH_MINUTES + 2 * TRAIN_MINUTES) + 60, _tasks, least=60 * SEARCH_MINUTES + 30)]
