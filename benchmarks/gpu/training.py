"""Full-size TBSN trained on noisy images only: the published recipe and ours, and the same minutes without attention.

Each training is a part of its own, since each takes half of the minutes that a card is lent for.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from benchmarks.attention_pays import SETS, VARIANTS, compare
from benchmarks.gpu.plan import Part, Setting, Tasks
from bsn.training import get_recipe

MINUTES = 4.0
SEEDS = (0, 1, 2)
AROUND = 35.0  # seconds for reading, measuring the noise, and scores


def published() -> dict[str, Any]:
    """Every setting of the published recipe but its network, which the comparison names."""
    config = get_recipe("tbsn").train
    named = {"model", "channel_attention", "start"}
    return {field.name: getattr(config, field.name) for field in dataclasses.fields(config) if field.name not in named}


def published_loop() -> dict[str, Any]:
    """Schedule of the published recipe; its length is that of the comparison, its precision the card's."""
    loop = get_recipe("tbsn").loop
    names = ("schedule", "milestones", "warmup_steps", "clip", "ema", "validate_every")
    return {name: getattr(loop, name) for name in names}


def _train(name: str, variant: str, seed: int, setting: Setting) -> dict[str, Any]:
    options: dict[str, Any] = {"minutes": MINUTES, "size": "full"}
    if setting.tiny:
        options = {"steps": 2, "size": "tiny"}
    if variant == "published recipe":
        small = {"crop": 16, "batch_size": 1, "stride": 2} if setting.tiny else {}
        options |= {"settings": {**published(), **small}, "loop": published_loop()}
    return compare(
        name,
        "global" if variant == "published recipe" else variant,
        data=setting.data,
        runs=setting.runs / variant.replace(" ", "-"),
        seed=seed,
        accelerator="auto" if setting.device == "cuda" else "cpu",
        **options,
    )


def _part(name: str, variant: str, seed: int) -> Part:
    def tasks(setting: Setting) -> Tasks:
        return {f"{name}, {variant}, seed {seed}": functools.partial(_train, name, variant, seed, setting)}

    seconds = 60 * MINUTES + AROUND
    title = f"training_{name}_{variant.replace(' ', '-')}_{seed}"
    return Part(title, seconds + 30, tasks, least=seconds, group="training")


ORDER = ["attention", "published recipe", *(variant for variant in VARIANTS if variant != "attention")]

PARTS = [_part(name, variant, SEEDS[0]) for variant in ORDER for name in reversed(SETS)]
# The published recipe is a point of reference, not a variant of the comparison: one seed is enough.
MORE = [_part(name, variant, seed) for seed in SEEDS[1:] for variant in VARIANTS for name in reversed(SETS)]
