"""Table of a model in the box that is adapted to images."""

from __future__ import annotations

from typing import Any

from benchmarks.tables.markdown import Table, bold
from benchmarks.tables.stored import RESULTS, value

__all__ = ["adapting"]

_SETS = {"w2s": "W2S", "fmd": "FMD", "kodak24": "Kodak"}
_ADAPTED = "photo-base --adapt"
_METHODS = ("noisy", "BM3D, measured noise", "photo-base", _ADAPTED, "trained on this image alone")


def adapting() -> Table:
    """PSNR of each image, and the processor time of the adapted model."""
    rows, sources = [], []
    for name, title in _SETS.items():
        if not (RESULTS / f"adapting_{name}.json").is_file():
            continue
        for image, scores in value(f"adapting_{name}", "table").items():
            seconds = scores[_ADAPTED]["seconds"]
            rows.append([title, image.removesuffix(".tif").removesuffix(".png"), *_cells(scores), f"{seconds:.1f}"])
        sources.append(f"adapting_{name}")
    return Table(["set", "image", *_METHODS, "seconds of a core to adapt"], rows, sources)


def _cells(scores: dict[str, dict[str, Any]]) -> list[str]:
    best = max(scores, key=lambda method: scores[method]["psnr"])
    numbers = {method: f"{found['psnr']:.2f}" for method, found in scores.items()}
    return [bold(numbers[method]) if method == best else numbers.get(method, "-") for method in _METHODS]
