"""The pairs of the image collection that the benchmarks read: index.csv says which files belong together."""

from __future__ import annotations

import csv
from pathlib import Path

from bsn.data import Pair

DEFAULT = Path("../shared/data")


def pairs(data: Path, name: str, split: str | None = None) -> list[Pair]:
    """Noisy and clean files of a set; of one split of it, or all."""
    with (data / "index.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == name and split in (None, row["split"])]
    return [Pair(data / row["noisy"], data / row["clean"], Path(row["noisy"]).stem) for row in rows]
