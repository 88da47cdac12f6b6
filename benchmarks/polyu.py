"""Correlated camera noise: the published way (stride 5 for training, 2 with R3 for denoising) on real photographs.

    python -m benchmarks.polyu --data ../shared/data --steps 2500

Trains on the noisy files of PolyU with the recipe "camera", scores the pairs that the index marks "test" with the protocol
"rgb8". Writes benchmarks/results/polyu.json; the run itself goes to runs/.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import time
from pathlib import Path

import torch

from benchmarks.datasets import DEFAULT, pairs
from benchmarks.measure import write_result
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.inference.scoring import score_files
from bsn.training import get_recipe, train

WAYS = {
    "stride 2": {"stride": 2},
    "stride 2, R3 x 8": {"stride": 2, "r3_passes": 8},
    "stride 1": {"stride": 1},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--steps", type=int, default=2500)
    options = parser.parse_args()
    torch.set_num_threads(2)
    run = Path("runs/polyu")
    shutil.rmtree(run, ignore_errors=True)
    recipe = get_recipe("camera")
    images = [str(pair.noisy) for pair in pairs(options.data, "polyu")]
    start = time.monotonic()
    train(images, run, recipe.train, dataclasses.replace(recipe.loop, steps=options.steps))
    seconds = time.monotonic() - start
    scores = {}
    for label, inference in WAYS.items():
        table = score_files(pairs(options.data, "polyu", "test"), get_protocol("rgb8"), Denoiser(run, **inference))
        scores[label] = {"means": table.means, "rows": table.rows}
        print(f"{label}: noisy {table.means['noisy_psnr']:.2f} dB -> {table.means['psnr']:.2f} dB")
    content = {
        "steps": options.steps,
        "training_seconds": seconds,
        "threads": torch.get_num_threads(),
        "scores": scores,
    }
    print(write_result("polyu", content))


if __name__ == "__main__":
    main()
