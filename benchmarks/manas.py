"""MANAS on real rain: search, derive, train; the same with random genotypes; many-to-one against one-to-one training.

    python -m benchmarks.manas --search_minutes 40 --train_minutes 20 [--data ../shared/data] [--seed 0] [--ship]
    python -m benchmarks.manas --search_steps 3 --train_steps 2 --images 1 --runs /tmp/try --result manas_try   # does it run?

Rain100L and Rain100H share backgrounds, so two rainy images of each are searched on. The derived network and three genotypes of
chance of the same cost are trained alike on the training part of Rain100L, as many steps as the first gets in its minutes, and
scored on its held-out part (protocol y). Then the searched network is trained on both sets, with both images of a background
in a batch and their agreement in the loss, and with images one by one, at equal steps. A budget of minutes is turned into steps
by the speed of the first ones. Everything that has ended is kept in runs/manas, so the command can be stopped and
called again. Writes benchmarks/results/manas.json; --ship makes the found genotype the default of manas-tiny.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import RESULTS, write_result
from benchmarks.rain import pair_data
from bsn.data import check_no_leak
from bsn.engine import LoopConfig
from bsn.evaluation import get_protocol
from bsn.models import Model
from bsn.models.measure import count_parameters
from restoration.config import RestoreConfig
from restoration.losses import LossWeights
from restoration.manas.genotype import Genotype
from restoration.manas.search import genotype_cost, get_search_recipe, random_genotypes, search
from restoration.recipes import get_recipe
from restoration.run import PairData, train
from restoration.scoring import DEGRADED, score_models

SHIPPED = Path("restoration/manas/genotype/tiny.json")
CALIBRATION = 12


def search_steps(pairs: PairData, minutes: float, options: argparse.Namespace) -> int:
    """Steps of a search that takes this many minutes; a short one with the same shares of both kinds of steps is timed."""
    recipe, folder = get_search_recipe("tiny"), options.runs / "calibration"
    shutil.rmtree(folder, ignore_errors=True)
    loop = dataclasses.replace(recipe.loop, steps=CALIBRATION, validate_every=0, checkpoint_every=0)
    search(pairs, folder, recipe.search, loop)
    with (folder / "metrics.csv").open(newline="") as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file) if row.get("seconds")]
    # The first step also sets everything up.
    return max(CALIBRATION, int(0.95 * 60 * minutes * (len(seconds) - 1) / (seconds[-1] - seconds[0])))


def find_genotype(pairs: PairData, options: argparse.Namespace) -> tuple[Genotype, dict[str, Any]]:
    folder, recipe = options.runs / "search", get_search_recipe("tiny")
    found = folder / "genotype.json"
    start = time.monotonic()
    if not found.is_file():
        steps = options.search_steps or search_steps(pairs, options.search_minutes, options)
        loop = dataclasses.replace(recipe.loop, steps=steps, seed=options.seed)
        resume = (folder / "last.ckpt").is_file()
        if resume:  # the length belongs to the search that was begun
            steps = int(torch.load(folder / "last.ckpt", weights_only=True)["total"])
            loop = dataclasses.replace(loop, steps=steps)
        search(pairs, folder, recipe.search, loop, resume=resume)
    genotype = Genotype.load(found)
    return genotype, {"seconds_of_this_call": time.monotonic() - start, **genotype.about}


class Trainings:
    """Runs of one length; the first one finds it."""

    def __init__(self, options: argparse.Namespace, test: PairData) -> None:
        self.options, self.test, self.steps = options, test, options.train_steps
        self.recipe = get_recipe("manas-tiny")

    def run(self, name: str, pairs: PairData, genotype: Genotype, **changes: Any) -> dict[str, Any]:
        """Train one network (or take it from an earlier call) and score it."""
        folder = self.options.runs / name
        path = self.options.runs / f"{name}.json"
        if not (folder / "final.safetensors").is_file():
            genotype.save(path)
            config: RestoreConfig = dataclasses.replace(self.recipe.train, genotype=str(path), **changes)
            minutes = None if self.steps else self.options.train_minutes
            steps = self.steps or self.recipe.loop.steps
            loop: LoopConfig = dataclasses.replace(
                self.recipe.loop, steps=steps, minutes=minutes, seed=self.options.seed
            )
            train(pairs, folder, config, loop, resume=(folder / "last.ckpt").is_file())
        model = Model.load(folder)
        self.steps = self.steps or int(model.provenance["steps"])
        table = score_models(self.test.pairs()[: self.options.images], get_protocol("y"), [folder])
        before, after = table[DEGRADED].means, table[str(folder)].means
        print(
            f"{name}: {before['psnr']:.2f} -> {after['psnr']:.2f} dB, SSIM {before['ssim']:.4f} -> {after['ssim']:.4f}"
        )
        return {
            "steps": model.provenance["steps"],
            "seconds": model.provenance["seconds"],
            "parameters": count_parameters(model.network),
            "macs_per_pixel": genotype_cost(genotype),
            "psnr": after["psnr"],
            "ssim": after["ssim"],
            "gain": after["psnr"] - before["psnr"],
            "rainy": before,
        }


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/manas"))
    parser.add_argument("--search_minutes", type=float, default=40.0)
    parser.add_argument("--train_minutes", type=float, default=20.0)
    parser.add_argument("--search_steps", type=int, help="instead of --search_minutes")
    parser.add_argument("--train_steps", type=int, help="instead of --train_minutes")
    parser.add_argument("--chance", type=int, default=3, help="random genotypes to train; 0 for none")
    parser.add_argument("--skip_multi", action="store_true", help="leave out many-to-one against one-to-one training")
    parser.add_argument("--images", type=int, help="score the first test images only; default: all")
    parser.add_argument("--result", default="manas", help="name of the result file")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ship", action="store_true", help=f"write the genotype to {SHIPPED}")
    return parser.parse_args()


def main() -> None:
    options = parse()
    torch.set_num_threads(options.threads)
    options.runs.mkdir(parents=True, exist_ok=True)
    light, heavy = (pair_data(options.data, name, "train") for name in ("rain100l", "rain100h"))
    both = dataclasses.replace(light, degraded=[*light.degraded, *heavy.degraded])
    test = pair_data(options.data, "rain100l", "test")
    check_no_leak(both.pairs(), test.pairs())
    genotype, told = find_genotype(both, options)
    content: dict[str, Any] = {"search": told, "genotype": genotype.to_json(), "threads": options.threads}
    trainings = Trainings(options, test)
    content["searched"] = trainings.run("searched", light, genotype)
    drawn = random_genotypes(genotype, options.chance, seed=options.seed) if options.chance else []
    content["chance"] = {
        f"random_{number}": trainings.run(f"random_{number}", light, chance) for number, chance in enumerate(drawn)
    }
    if not options.skip_multi:
        agreeing = LossWeights(charbonnier=1.0, internal=1.0)
        content["many_to_one"] = trainings.run("many_to_one", both, genotype, group_size=2, loss=agreeing)
        content["one_to_one"] = trainings.run("one_to_one", both, genotype)
    if options.ship:
        command = f"python -m benchmarks.manas {shlex.join(sys.argv[1:])}"
        dataclasses.replace(genotype, about={**genotype.about, "command": command}).save(SHIPPED)
    print(write_result(options.result, content, options.results))


if __name__ == "__main__":
    main()
