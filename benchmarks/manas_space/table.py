"""The table: random genotypes of one cost, each trained alike; some with several seeds."""

from __future__ import annotations

from pathlib import Path

from benchmarks.manas_space.setting import Images, Rows, chance, trained


def fill(where: Images, runs: Path, genotypes: int, seeds: int, repeated: int) -> None:
    """Train all genotypes with seed 0, then the first ones with further seeds."""
    rows, drawn = Rows(runs / "table.json"), chance(genotypes)
    jobs = [(number, 0) for number in range(genotypes)]
    jobs += [(number, seed) for number in range(repeated) for seed in range(1, seeds)]
    for number, seed in jobs:
        row = trained(f"random_{number:02d}_seed{seed}", drawn[number], seed, where, runs)
        rows.add({"genotype": number, **row})
