"""What else minutes can be spent on: longer trainings, wider networks, other costs; several rainy images of a background."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.manas_space.setting import LOOP, SHAPE, STEPS, TOLERANCE, Images, Rows, chance, trained
from restoration.losses import LossWeights
from restoration.manas.search import draw_genotypes, uniform_cost

FEW = 4


def pull(where: Images, runs: Path, genotypes: int) -> None:
    """The first genotypes of the table twice as long, wider, and with other modules; others with one node."""
    rows, smaller = Rows(runs / "levers.json"), replace(SHAPE, nodes=1)
    shallow = draw_genotypes(smaller, genotypes, uniform_cost(smaller), seed=0, tolerance=TOLERANCE)
    for number, genotype in enumerate(chance(genotypes)):
        changed: dict[str, dict[str, Any]] = {
            "twice the steps": {"genotype": genotype, "steps": 2 * STEPS},
            "widths 24": {"genotype": genotype.with_widths((24, 24, 24))},
            "parallel modules": {"genotype": replace(genotype, modules=(("parallel",), ("parallel",)))},
            "fusion modules": {"genotype": replace(genotype, modules=(("fusion",), ("fusion",)))},
            "other genotypes, one node": {"genotype": shallow[number]},
        }
        for lever, options in changed.items():
            name = f"{lever.replace(', ', '_').replace(' ', '_')}_{number:02d}_seed0"
            if rows.has(name):
                continue
            row = trained(name, options.pop("genotype"), 0, where, runs, **options)
            rows.add({"lever": lever, "genotype": number, **row})


def many_to_one(where: Images, runs: Path, seeds: int) -> None:
    """Both rainy images of a background side by side, with their agreement in the loss, against images one by one.

    Few backgrounds, where a regulariser has something to do; equal steps and equal images in a batch.
    """
    rows, (genotype,) = Rows(runs / "many_to_one.json"), chance(1)
    assert where.search.clean is not None
    clean = where.search.clean[:FEW]
    names = {Path(path).name for path in clean}
    few = replace(
        where.search, clean=clean, degraded=[path for path in where.search.degraded if Path(path).name in names]
    )
    for seed in range(seeds):
        for kind, changes in {
            "one by one": {},
            "side by side": {"group_size": 2},
            "side by side, agreement": {"group_size": 2, "loss": LossWeights(charbonnier=1.0, internal=1.0)},
        }.items():
            name = f"{kind.replace(', ', '_').replace(' ', '_')}_seed{seed}"
            row = trained(name, genotype, seed, where, runs, pairs=few, **changes)
            rows.add({"kind": kind, "backgrounds": FEW, "images_seen": LOOP.length * 4, **row})
