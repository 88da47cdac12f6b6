"""The image collection that the benchmarks read: its pairs, as index.csv has them, and the part of an image that is scored."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from bsn.data import Pair

DEFAULT = Path("../shared/data")
NOT_TRAINED_ON = "ms-*"  # photographs whose author nobody states, so that no weights are made of them


def pairs(data: Path, name: str, split: str | None = None) -> list[Pair]:
    """Noisy and clean files of a set; of one split of it, or all."""
    with (data / "index.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] == name and split in (None, row["split"])]
    return [Pair(data / row["noisy"], data / row["clean"], Path(row["noisy"]).stem) for row in rows]


def middle(image: np.ndarray, side: int) -> np.ndarray:
    """Middle part of an image (..., H, W), at most `side` pixels high and wide; a view."""
    top, left = (max(length - side, 0) // 2 for length in image.shape[-2:])
    return image[..., top : top + side, left : left + side]
