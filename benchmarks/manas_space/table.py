"""The table: random genotypes of one cost, each trained alike; some with several seeds."""

from __future__ import annotations

from pathlib import Path

from benchmarks.manas_space.setting import Images, Rows, chance, trained
from benchmarks.manas_space.spread import validation_score

_EARLY = 12


def fill(where: Images, runs: Path, genotypes: int, seeds: int, repeated: int) -> None:
    """Train all genotypes with seed 0 and the first ones with further seeds, so that a part of the table is of use, too."""
    rows, drawn = Rows(runs / "table.json"), chance(genotypes)
    early = min(_EARLY, genotypes)
    jobs = [(number, 0) for number in range(early)]
    jobs += [(number, seed) for number in range(repeated) for seed in range(1, seeds)]
    jobs += [(number, 0) for number in range(early, genotypes)]
    for number, seed in jobs:
        row = trained(f"random_{number:02d}_seed{seed}", drawn[number], seed, where, runs)
        rows.add({"genotype": number, **row})


def repeat_best(where: Images, runs: Path, seeds: int, count: int) -> None:
    """Train the best genotypes of seed 0 with the other seeds: are they better, or was the run lucky?

    Those that were trained with every seed before are left out; they are what the best are compared with.
    """
    table, rows = Rows(runs / "table.json").rows, Rows(runs / "again.json")
    known = {row["genotype"] for row in table if row["seed"] > 0}
    ranked = sorted((row for row in table if row["seed"] == 0), key=validation_score, reverse=True)
    best = [row["genotype"] for row in ranked if row["genotype"] not in known][:count]
    drawn = chance(max(best) + 1)
    for number in best:
        for seed in range(1, seeds):
            row = trained(f"random_{number:02d}_seed{seed}", drawn[number], seed, where, runs)
            rows.add({"genotype": number, **row})
