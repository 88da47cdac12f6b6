"""Contact sheets of camera photographs: noisy, non-local means, the model in the box, trained, and what was removed.

    python -m benchmarks.camera_pictures --data ../shared/data --polyu RUN --sidd RUN -o SHEETS

RUN is the folder of a run on the noisy files of that set. PolyU: test images of a ball and of classrooms, whose
fine texture is easily lost; the SIDD pair; Dog and Frog of RNI15, which have no truth and are denoised by the run on PolyU.
Each sheet is a crop of 256 x 256 pixels, twice as large. The last column is what the trained model removed, times eight,
around grey: it should show no picture. These sets may not be passed on, and neither may the sheets.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow

from benchmarks.camera import way_of
from benchmarks.camera_schemes import to_bytes
from benchmarks.datasets import DEFAULT, middle, pairs
from benchmarks.polyu import measured_sigma, non_local_means, read

SIDE, ENLARGED, AMPLIFIED = 256, 2, 8
Way = Callable[[np.ndarray], np.ndarray]


def chosen(data: Path) -> dict[str, tuple[str, Path, Path | None]]:
    """Name of a sheet to (run, noisy file, clean file)."""
    found: dict[str, tuple[str, Path, Path | None]] = {}
    for pair in pairs(data, "polyu", "test"):
        if any(word in pair.name for word in ("ball", "classroom")):
            found[pair.name] = ("polyu", pair.degraded, pair.clean)
    for pair in pairs(data, "sidd"):
        found[f"sidd_{pair.name}"] = ("sidd", pair.degraded, pair.clean)
    for name in ("Dog", "Frog"):
        found[f"rni15_{name}"] = ("polyu", data / "rni15" / f"{name}.png", None)
    return found


def simple_filter(noisy: np.ndarray) -> np.ndarray:
    """Non-local means at the measured level."""
    return non_local_means(noisy, measured_sigma(noisy))


def sheet(noisy: np.ndarray, clean: np.ndarray | None, ways: list[Way]) -> np.ndarray:
    """Columns: noisy, each way, what the last one removed, and the truth where there is one; (h, w, 3), 8 bits."""
    results = [way(noisy) for way in ways]
    removed = 0.5 + AMPLIFIED * (noisy - results[-1])
    columns = [noisy, *results, removed, *([] if clean is None else [clean])]
    joined = np.concatenate([to_bytes(middle(column, SIDE)) for column in columns], axis=2)
    return np.moveaxis(joined, 0, -1).repeat(ENLARGED, 0).repeat(ENLARGED, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--polyu", type=Path, required=True, help="run on noisy files of PolyU")
    parser.add_argument("--sidd", type=Path, required=True, help="run on noisy blocks of SIDD")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    box = way_of("camera", options.threads)
    trained = {name: way_of(getattr(options, name), options.threads) for name in ("polyu", "sidd")}
    for name, (run, noisy, clean) in chosen(options.data).items():
        picture = sheet(read(noisy), None if clean is None else read(clean), [simple_filter, box, trained[run]])
        path = options.output / f"{Path(name).stem}.png"
        Pillow.fromarray(picture).save(path)
        print(path, flush=True)


if __name__ == "__main__":
    main()
