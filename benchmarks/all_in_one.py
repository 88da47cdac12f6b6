"""One model for several kinds of damage: trained on clean photographs with tasks, scored for each task on other photographs.

    python -m benchmarks.all_in_one --clean ../shared/data/free/photos --tasks rain,snow,haze,noise,jpeg --name all_in_one
        [--recipe nafnet-tiny] [--start rain-tiny] [--untouched 0.1] [--steps 4200] [--crop 128] [--batch 3] [--seed 0]

Every tenth photograph is held out. Of each held-out one the middle --side pixels get every kind of damage once, the same in
every run. Scored in RGB (protocol rgb8): the damaged images, the restored ones, and undamaged images that the model was given;
for noise also non-local means, told the true standard deviation, at the better of its two documented settings; for low light
also the protocols of its papers, with the results as they are and scaled to the mean of the truth. Writes
benchmarks/results/<name>.json; the run goes to runs/<name>, and --resume goes on with one that was stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.bundled import nlm_plain, nlm_sigma
from benchmarks.measure import write_result
from bsn.data import list_images, open_source
from bsn.evaluation import ImagePair, get_protocol
from bsn.inference import Denoiser
from bsn.models import Model
from bsn.models.measure import count_parameters, macs_per_pixel
from restoration.config import RestoreConfig
from restoration.damage import CleanData, Mixture, find_damages, validation_pairs
from restoration.recipes import get_recipe
from restoration.run import train

HELD_OUT = 10
Restore = Callable[[np.ndarray], np.ndarray]


def divide(folder: Path) -> tuple[list[str], list[str]]:
    """Files to train on, and every tenth to score on."""
    files = [str(path) for path in list_images(folder)]
    return [path for place, path in enumerate(files) if place % HELD_OUT], files[::HELD_OUT]


def mean_score(pairs: Sequence[ImagePair], restore: Restore, protocol: str = "rgb8") -> dict[str, float]:
    """Mean PSNR and SSIM of what a function makes of the damaged images."""
    scored = get_protocol(protocol)
    scores = [scored.score(restore(pair.image), pair.target) for pair in pairs]
    return {"psnr": statistics.fmean(s.psnr for s in scores), "ssim": statistics.fmean(s.ssim for s in scores)}


def undamaged(pairs: Sequence[ImagePair]) -> list[ImagePair]:
    """The clean images, as if they had to be restored."""
    return [dataclasses.replace(pair, image=pair.target) for pair in pairs]


def nonlocal_means(pairs: Sequence[ImagePair]) -> dict[str, float]:
    """The better of two settings of non-local means, each told the standard deviation of the noise that is there."""
    found = []
    for method in (nlm_plain, nlm_sigma):
        results = {id(pair.image): method(pair.image, float((pair.image - pair.target).std())) for pair in pairs}
        found.append(mean_score(pairs, lambda image, kept=results: kept[id(image)]))
    return max(found, key=lambda score: score["psnr"])


def score_tasks(tasks: Sequence[str], held: Sequence[str], side: int, restore: Restore) -> dict[str, Any]:
    """Scores of all tasks on the held-out photographs."""
    mixture = Mixture(find_damages(tasks))
    source = open_source(list(held))
    pairs = validation_pairs(source, range(len(source)), side, mixture)
    scores: dict[str, Any] = {}
    for task in tasks:
        own = [pair for pair in pairs if pair.kind == task]
        scores[task] = {"damaged": mean_score(own, lambda image: image), "restored": mean_score(own, restore)}
        if task == "noise":
            scores[task]["non-local means"] = nonlocal_means(own)
        if task in ("lowlight", "underwater"):
            for protocol in ("lowlight", "lowlight-mean"):
                scores[task] |= {f"damaged, {protocol}": mean_score(own, lambda image: image, protocol)}
                scores[task] |= {f"restored, {protocol}": mean_score(own, restore, protocol)}
        print(task, scores[task], flush=True)
    own = [pair for pair in pairs if pair.kind == tasks[0]]
    scores["undamaged"] = {"restored": mean_score(undamaged(own), restore)}
    return scores


def changed(config: RestoreConfig, options: argparse.Namespace) -> RestoreConfig:
    """Settings of a recipe with those of the command line."""
    given: dict[str, Any] = {
        "start": options.start,
        "batch_size": options.batch,
        "learning_rate": options.learning_rate,
    }
    if options.crop:
        given |= {"crop": options.crop, "progressive_crops": (), "progressive_at": ()}
    return dataclasses.replace(config, **{name: value for name, value in given.items() if value is not None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clean", type=Path, required=True)
    parser.add_argument("--tasks", default="rain,snow,haze,noise,jpeg")
    parser.add_argument("--name", default="all_in_one")
    parser.add_argument("--recipe", default="nafnet-tiny")
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument(
        "--minutes", type=float, help="length in minutes of the clock, with --crop, in place of --steps"
    )
    parser.add_argument("--start", help="model to begin with")
    parser.add_argument("--untouched", type=float, default=0.0, help="share of crops without damage")
    parser.add_argument("--crop", type=int, help="one size for the whole run, in place of those of the recipe")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--learning_rate", type=float)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--side", type=int, default=256, help="of the parts that are scored")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = get_recipe(options.recipe)
    seen, held = divide(options.clean)
    run = Path("runs") / options.name
    data = CleanData(seen, (options.tasks,), untouched=options.untouched)
    began = time.process_time()
    if options.resume:
        result = train(data, run, resume=True)
    else:
        shutil.rmtree(run, ignore_errors=True)
        loop = dataclasses.replace(recipe.loop, steps=options.steps, minutes=options.minutes, seed=options.seed)
        result = train(data, run, changed(recipe.train, options), loop)
    seconds = time.process_time() - began
    model = Model.load(run)
    denoiser = Denoiser(model)
    scores = score_tasks(data.tasks, held, options.side, lambda image: np.asarray(denoiser(image, "CYX")))
    content = {
        "recipe": options.recipe,
        "steps": result.steps,
        "training_core_seconds": seconds,
        "threads": 1,
        "parameters": count_parameters(model.network),
        "macs_per_pixel": macs_per_pixel(model.network, 128),
        "photographs": len(seen),
        "held_out": [Path(path).name for path in held],
        "scores": scores,
    }
    print(write_result(options.name, content))


if __name__ == "__main__":
    main()
