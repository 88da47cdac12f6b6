"""Memory of denoising images larger than memory: peak against image size, with the small preset.

    python -m benchmarks.large_image [--sides 2000 4000 8000]

Writes random uint16 TIFF files, denoises each tile by tile in a process of its own, prints time and peak resident memory,
writes benchmarks/results/large_image.json.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import peak_memory, write_result
from bsn.data import open_writer
from bsn.inference import Denoiser
from bsn.models import create


def write_image(path: Path, side: int) -> None:
    rng = np.random.default_rng(0)
    with open_writer(path, (side, side), "YX", np.uint16) as writer:
        for top in range(0, side, 500):
            writer.write(0, top, 0, rng.integers(0, 4000, (1, min(500, side - top), side), dtype=np.uint16))


def denoise(source: Path, target: Path, model: str) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(2)
    Denoiser(create(model, channels=1)).denoise_file(source, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[2000, 4000, 8000])
    parser.add_argument("--model", default="phase-unet-tiny")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for side in options.sides:
            source, target = Path(folder, f"{side}.tif"), Path(folder, f"{side}_out.tif")
            write_image(source, side)
            start = time.perf_counter()
            peak = peak_memory(denoise, source, target, options.model)
            seconds = time.perf_counter() - start
            rows.append({"side": side, "file_bytes": source.stat().st_size, "seconds": seconds, "peak_bytes": peak})
            print(
                f"{side} x {side}: {seconds:6.0f} s, peak {peak / 1e6:6.0f} MB (file {source.stat().st_size / 1e6:.0f} MB)"
            )
            source.unlink()
            target.unlink()
    print(write_result("large_image", {"model": options.model, "rows": rows}))


if __name__ == "__main__":
    main()
