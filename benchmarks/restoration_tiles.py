"""Tiles against the whole image, for every restoration network: what channel attention over a tile changes.

    python -m benchmarks.restoration_tiles [--models runs/restoration_terms/models/mixed] [--data ../shared/data]

DDSA, ELF, MANAS and NAFNet pool over the whole image, so that tiles have other statistics; DRT does not. The models of
``python -m benchmarks.restoration_terms`` (trained for seconds on all sets) and the one in the box restore a rainy photograph
at once (``--tile 0``, the exact mode) and in tiles. Differences are given as a share of what was removed, root mean square, and
as the PSNR between both results; ``exact`` is the largest difference between ``--tile 0`` and the network itself. Writes
benchmarks/results/restoration_tiles.json.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.datasets import NOT_TRAINED_ON
from benchmarks.measure import write_result
from benchmarks.rain_images import load as load_image
from benchmarks.rain_images import restorer
from benchmarks.restoration_terms import NETWORKS
from bsn.data import SyntheticRain
from bsn.engine import keep_freed_memory
from bsn.models import Model, load

SIZE = (192, 288)
TILES = (64, 96)


def rainy_photograph(data: Path) -> np.ndarray:
    """A photograph that was not trained on, with synthetic rain, shape (3, *SIZE)."""
    path = min((data / "free" / "photos").glob(NOT_TRAINED_ON))
    clean = load_image(path)[:, : SIZE[0], : SIZE[1]]
    return SyntheticRain(density=2.0)(np.ascontiguousarray(clean), 0)


def compare(model: Model, image: np.ndarray) -> dict[str, Any]:
    """The result at once, and tiles of several sides against it."""
    start = time.process_time()
    whole = restorer(model, 0)(image)
    seconds = time.process_time() - start
    direct = model.predict(torch.from_numpy(image)[None])[0].numpy()
    removed = float(np.sqrt(np.mean((image - whole) ** 2)))
    rows: list[dict[str, Any]] = []
    for tile in TILES:
        try:
            result = restorer(model, tile)(image)
        except ValueError as error:  # smaller than the network allows
            rows.append({"tile": tile, "refused": str(error)})
            continue
        difference = float(np.sqrt(np.mean((result - whole) ** 2)))
        rows.append({"tile": tile, "share": difference / removed, "psnr": float(-20 * np.log10(max(difference, 1e-9)))})
    return {
        "pools": bool(model.network.global_statistics),
        "exact": float(np.abs(whole - direct).max()),
        "seconds": seconds,
        "tiles": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", type=Path, default=Path("runs/restoration_terms/models/mixed"))
    parser.add_argument("--result", default="restoration_tiles", help="name of the result file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    image = rainy_photograph(options.data)
    found = {}
    for name in (*NETWORKS, "rain-tiny"):
        found[name] = compare(load(name if name == "rain-tiny" else options.models / f"{name}.safetensors"), image)
        print(f"{name}: {found[name]}", flush=True)
    print(write_result(options.result, {"size": list(SIZE), "networks": found}))


if __name__ == "__main__":
    main()
