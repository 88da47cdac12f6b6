"""DDSA, DRT and ELF at full size with their published recipes, minutes on Rain100L, scored on its held-out part."""

from __future__ import annotations

import functools
from typing import Any

from benchmarks.gpu.plan import Part, Setting, Tasks
from benchmarks.rain import learn

MINUTES = 3.0
AROUND = 40.0  # seconds for reading and scores
RECIPES = {"ddsa": "ddsa-rain100l", "drt": "drt-rain100", "elf": "elf-rain13k"}


def _learn(model: str, setting: Setting) -> dict[str, Any]:
    run = setting.runs / f"rain100l_{model}"
    if setting.tiny:
        return learn(setting.data, "rain100l", f"{model}-tiny", run, steps=2, accelerator="cpu", validate_every=0)
    return learn(setting.data, "rain100l", RECIPES[model], run, steps=10**6, minutes=MINUTES, precision="auto")


def _part(model: str) -> Part:
    def tasks(setting: Setting) -> Tasks:
        return {f"rain100l, {model}": functools.partial(_learn, model, setting)}

    seconds = 60 * MINUTES + AROUND
    return Part(f"restoration_{model}", seconds + 30, tasks, least=seconds, group="restoration")


PARTS = [_part(model) for model in RECIPES]
