"""What all parts of the study have in common: the space, the images, how a genotype is trained."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rain import learning_curve, pair_data
from bsn.data import read_image
from bsn.engine import LoopConfig
from restoration.config import RestoreConfig
from restoration.manas.genotype import Genotype
from restoration.manas.search import SearchConfig, draw_genotypes, genotype_cost, uniform_cost
from restoration.manas.space import Shape
from restoration.run import PairData, ValidationData, train

SHAPE = Shape((16, 16, 16), (1, 1, 1))
TOLERANCE = 0.03
STEPS = 400
VALIDATION_BACKGROUNDS = 8
SETS = ("rain100l", "rain100h")

SEARCH = SearchConfig(widths=SHAPE.widths, modules=SHAPE.modules, crop=32, backgrounds=2, group_size=2)
CONFIG = RestoreConfig("manas-tiny", crop=32, batch_size=4, validation_crop=96)
LOOP = LoopConfig(
    steps=STEPS,
    warmup_steps=20,
    ema=0.98,
    validate_every=100,
    checkpoint_every=0,
    precision="32-true",
    accelerator="cpu",
)


@dataclass(frozen=True)
class Images:
    """Pairs to search and train on, pairs to choose by, pairs to score at the very end."""

    search: PairData
    validation: ValidationData
    test: dict[str, PairData]


def images(data: Path, runs: Path) -> Images:
    """Divide the training parts of both sets by background; the validation part is copied into one folder."""
    rain, split = data / "rain", runs / "validation"
    clean = rain / "rain100l" / "train" / "clean"
    # Some backgrounds lie in the set twice, under two names.
    distinct = {
        read_image(clean / path.name).pixels.tobytes(): path.name
        for path in sorted((rain / "rain100h" / "train" / "rainy").iterdir())
    }
    shared = sorted(distinct.values())
    order = np.random.default_rng(0).permutation(len(shared))
    held = {shared[index] for index in order[:VALIDATION_BACKGROUNDS]}
    kept = [name for name in shared if name not in held]
    if not split.is_dir():
        part = runs / "validation.part"
        for folder in ("rainy", "clean"):
            (part / folder).mkdir(parents=True, exist_ok=True)
        for name in sorted(held):
            for chosen in SETS:
                shutil.copyfile(rain / chosen / "train" / "rainy" / name, part / "rainy" / f"{chosen}_{name}")
                shutil.copyfile(clean / name, part / "clean" / f"{chosen}_{name}")
        part.replace(split)
    rainy = [str(rain / chosen / "train" / "rainy" / name) for chosen in SETS for name in kept]
    return Images(
        PairData(rainy, [str(clean / name) for name in kept], layout="names"),
        ValidationData(str(split / "rainy"), str(split / "clean"), layout="names"),
        {chosen: pair_data(data, chosen, "test") for chosen in SETS},
    )


def chance(count: int) -> list[Genotype]:
    """The genotypes of the table: random ones of the mean cost of the space, all nine candidates alike."""
    return draw_genotypes(SHAPE, count, uniform_cost(SHAPE), seed=0, tolerance=TOLERANCE)


def trained(
    name: str,
    genotype: Genotype,
    seed: int,
    where: Images,
    runs: Path,
    *,
    steps: int = STEPS,
    pairs: PairData | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Train a genotype, or take it from an earlier call: validation scores by step, and the seconds of the processor."""
    folder, path = runs / "trained" / name, runs / "trained" / f"{name}.json"
    clock = folder / "processor_seconds"
    if not clock.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        genotype.save(path)
        shutil.rmtree(folder, ignore_errors=True)
        before = time.process_time()
        config, loop = replace(CONFIG, genotype=str(path), **changes), replace(LOOP, seed=seed, steps=steps)
        train(pairs or where.search, folder, config, loop, validate=where.validation)
        clock.write_text(f"{time.process_time() - before:.1f}\n")
    return {
        "name": name,
        "seed": seed,
        "steps": steps,
        "macs": genotype_cost(genotype),
        "seconds": float(clock.read_text()),
        "modules": genotype.modules,
        "edges": genotype.edges,
        "psnr": dict(learning_curve(folder)),
    }


class Rows:
    """Rows of a part of the study, on disk as soon as they are there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []

    def has(self, name: str) -> bool:
        """Whether there is a row of this name."""
        return any(row["name"] == name for row in self.rows)

    def add(self, row: dict[str, Any]) -> None:
        """Add a row, or take the place of one of its name."""
        self.rows = [*(old for old in self.rows if old["name"] != row["name"]), row]
        self.path.write_text(json.dumps(self.rows, indent=1) + "\n")
        told = {key: value for key, value in row.items() if key not in ("modules", "edges")}
        print(json.dumps(told), flush=True)
