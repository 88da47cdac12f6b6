"""The table: random genotypes of one cost, each trained alike; some with several seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.manas_space.setting import Images, chance, trained


def fill(where: Images, runs: Path, genotypes: int, seeds: int, repeated: int) -> list[dict[str, Any]]:
    """Train all genotypes with seed 0, then the first ones with further seeds; the rows are kept as they come."""
    path = runs / "table.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
    known = {row["name"] for row in rows}
    jobs = [(number, 0) for number in range(genotypes)]
    jobs += [(number, seed) for number in range(repeated) for seed in range(1, seeds)]
    drawn = chance(genotypes)
    for number, seed in jobs:
        name = f"random_{number:02d}_seed{seed}"
        if name in known:
            continue
        rows.append({"genotype": number, **trained(name, drawn[number], seed, where, runs)})
        path.write_text(json.dumps(rows, indent=1) + "\n")
        print(name, f"{rows[-1]['macs']:,.0f}", list(rows[-1]["psnr"].values()), rows[-1]["seconds"], flush=True)
    return rows
