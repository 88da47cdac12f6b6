"""Table of models in the box that are adapted to images."""

from __future__ import annotations

from collections.abc import Collection
from statistics import fmean
from typing import Any

from benchmarks.tables.markdown import Table, bold
from benchmarks.tables.stored import RESULTS, value

__all__ = ["adapting"]

_SETS = {"w2s": "W2S, test fields", "fmd": "FMD", "w2s_train": "W2S, fields of the choice", "kodak24": "Kodak"}
_METHODS = ("noisy", "BM3D, measured level", "photo-base", "photo-base --adapt")


def adapting() -> Table:
    """Mean PSNR of each set, and the least and the largest gain of an image by the adaptation."""
    rows, sources = [], []
    for name, title in _SETS.items():
        if not (RESULTS / f"adapting_{name}.json").is_file():
            continue
        table = value(f"adapting_{name}", "table")
        means = [_mean(table.values(), method) for method in _METHODS]
        best = max(mean for mean in means if mean is not None)
        cells = ["-" if mean is None else bold(f"{mean:.2f}") if mean == best else f"{mean:.2f}" for mean in means]
        gains = [row[_METHODS[3]]["psnr"] - row[_METHODS[2]]["psnr"] for row in table.values()]
        rows.append([title, str(len(table)), *cells, f"{min(gains):+.2f} to {max(gains):+.2f}"])
        sources.append(f"adapting_{name}")
    return Table(["set", "images", *_METHODS, "gain of an image"], rows, sources)


def _mean(rows: Collection[dict[str, Any]], method: str) -> float | None:
    """Mean PSNR; None where a method did not see all images."""
    found = [row[method]["psnr"] for row in rows if method in row]
    return fmean(found) if len(found) == len(rows) else None
