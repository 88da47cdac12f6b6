"""Real runs on rain: train a preset on the training part of a set, score the held-out test part.

    python -m benchmarks.rain --set rain100l --model elf-tiny --minutes 5 [--data ../shared/data] [--seed 0]

Sets: rain100l (49 pairs to train on, 21 to test), rain800 (89 and 50 pairs, no background on both sides). The public sets are
themselves test sets, so no number from here may be compared with published ones. Writes
benchmarks/results/rain_<set>_<model>.json; the run itself goes to runs/.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import shutil
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import write_result
from bsn.data import check_no_leak
from bsn.evaluation import get_protocol
from bsn.models import Model
from bsn.models.measure import count_parameters, macs_per_pixel
from restoration.recipes import get_recipe
from restoration.run import PairData, train
from restoration.scoring import DEGRADED, score_models


def pair_data(data: Path, name: str, split: str) -> PairData:
    """Pairs of one part of a set; Rain100H lies here without clean images, it has those of Rain100L."""
    folder = data / "rain" / name / split
    if name == "rain800":
        return PairData([str(folder / "pair")], layout="rain800", group_pattern=r"(bg\d+)")
    clean = folder.parents[1] / "rain100l" / split / "clean" if name == "rain100h" else folder / "clean"
    return PairData([str(folder / "rainy")], [str(clean)], layout="names")


def learning_curve(run: Path) -> list[tuple[int, float]]:
    """Steps and validation PSNR of a run."""
    with (run / "metrics.csv").open(newline="") as file:
        return [(int(row["step"]), float(row["val_psnr"])) for row in csv.DictReader(file) if row.get("val_psnr")]


def seconds_per_image(network: torch.nn.Module, size: tuple[int, int] = (321, 481)) -> float:
    """Best of three forward passes of one image."""
    x, times = torch.rand(1, 3, *size), []
    with torch.no_grad():
        for _ in range(3):
            start = time.perf_counter()
            network(x)
            times.append(time.perf_counter() - start)
    return min(times)


def learn(data: Path, name: str, recipe_name: str, run: Path, **loop: Any) -> dict[str, Any]:
    """Train with a recipe on the training part of a set, score the test part.

    Parameters
    ----------
    data : Path
        Folder of the image sets.
    name : {"rain100l", "rain800"}
        The set.
    recipe_name : str
        A recipe of :mod:`restoration.recipes`.
    run : Path
        Folder of the run; what is in it goes.
    **loop
        Settings of the loop in place of the recipe's.

    Returns
    -------
    dict
        JSON values: length, size of the network, learning curve, scores.
    """
    shutil.rmtree(run, ignore_errors=True)
    recipe = get_recipe(recipe_name)
    training, test = (pair_data(data, name, split) for split in ("train", "test"))
    check_no_leak(training.pairs(), test.pairs())
    start = time.monotonic()
    result = train(training, run, recipe.train, dataclasses.replace(recipe.loop, **loop))
    seconds = time.monotonic() - start
    scores = {}
    for protocol in ("y", "drt"):
        tables = score_models(test.pairs(), get_protocol(protocol), [run])
        scores[protocol] = {key: table.means for key, table in tables.items()}
        before, after = scores[protocol][DEGRADED], scores[protocol][str(run)]
        print(
            f"{run.name} {protocol}: {before['psnr']:.2f} -> {after['psnr']:.2f} dB, "
            f"{before['ssim']:.3f} -> {after['ssim']:.3f}"
        )
    network = Model.load(run).network
    return {
        "steps": result.steps,
        "training_seconds": seconds,
        "threads": torch.get_num_threads(),
        "parameters": count_parameters(network),
        "learning_curve": learning_curve(run),
        "scores": scores,
        "rows": {key: table.rows for key, table in tables.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--set", choices=["rain100l", "rain800"], default="rain100l")
    parser.add_argument("--model", choices=["elf-tiny", "ddsa-tiny", "drt-tiny"], default="elf-tiny")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--steps", type=int, help="instead of --minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    name = f"{options.set}_{options.model}"
    run = Path("runs") / f"rain_{name}"
    minutes = None if options.steps else options.minutes
    steps = options.steps or 10**6
    found = learn(options.data, options.set, options.model, run, steps=steps, minutes=minutes, seed=options.seed)
    network = Model.load(run).network
    content = {
        **found,
        "macs_per_pixel": macs_per_pixel(network, 336),
        "seconds_per_image_321x481": seconds_per_image(network),
    }
    print(write_result(f"rain_{name}", content))


if __name__ == "__main__":
    main()
