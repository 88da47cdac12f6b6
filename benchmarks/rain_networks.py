"""What networks add to the removal of streaks that are trained on rainy images alone.

    python -m benchmarks.rain_networks --parts columns pairs [--minutes 4] [--data ../shared/data]

``columns``: a half-plane network with a hole of nine whole columns, trained by L1 loss on the rainy training images of
Rain100L, each turned so that its streaks stand upright; it predicts the pixels in streaks from what is on their left and right.
``pairs``: a small DDSA, trained on the training images without their streaks and on the same with the rain of others. No clean
image trains anything. Scored on the test part; benchmarks/results/rain_networks.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measure import write_part
from benchmarks.rain_images import load, restorer, save
from benchmarks.real_rain import PROTOCOL
from bsn.data import list_images
from bsn.engine import LoopConfig
from bsn.inference import Denoiser, InferenceConfig
from bsn.models import Model
from bsn.training import TrainConfig
from bsn.training import train as train_blind
from restoration.recipes import get_recipe
from restoration.run import PairData, train
from restoration.streaks import (
    Upright,
    WithoutStreaks,
    find_standing,
    rain_light,
    remove_streaks,
    streak_direction,
    with_rain_of,
)

NAME = "rain_networks"
RUNS = Path("runs")


def rainy_training(data: Path) -> tuple[list[Path], list[np.ndarray], list[WithoutStreaks]]:
    """The rainy training images of Rain100L without their truth, and the same dry."""
    files = list_images(data / "rain" / "rain100l" / "train" / "rainy")
    rainy = [load(path) for path in files]
    return files, rainy, [remove_streaks(planes) for planes in rainy]


def test_scores(data: Path, methods: dict[str, Callable[[np.ndarray], np.ndarray]]) -> dict[str, Any]:
    """Mean scores on the test part of Rain100L."""
    folder, rows = data / "rain" / "rain100l" / "test", []
    for path in list_images(folder / "rainy"):
        rainy, truth = load(path), load(folder / "clean" / path.name)
        rows.append({name: PROTOCOL.score(method(rainy), truth) for name, method in methods.items()})
    return {
        name: {key: float(np.mean([getattr(row[name], key) for row in rows])) for key in ("psnr", "ssim")}
        for name in methods
    }


def new_run(name: str) -> Path:
    run = RUNS / name
    shutil.rmtree(run, ignore_errors=True)
    return run


def columns(options: argparse.Namespace) -> dict[str, Any]:
    run = new_run("rain_columns")
    for path, rainy, dry in zip(*rainy_training(options.data), strict=True):
        save(run / "upright" / path.name, Upright(dry.direction.angle, rainy.shape[1:]).stand(rainy))
    hole = "columns:9"
    config = TrainConfig(
        start=None,
        hole=hole,
        hole_test=hole,
        loss="l1",
        noise="none",
        wiener_test=False,
        polish_test=False,
        crop=96,
    )
    loop = LoopConfig(steps=10**6, minutes=options.minutes, accelerator="cpu", validate_every=0, keep="last")
    steps = train_blind(str(run / "upright"), run / "run", config, loop).steps
    predict = Denoiser(Model.load(run / "run"), InferenceConfig(hole=hole, wiener=False, mix="off"))

    def replaced(rainy: np.ndarray, *, share: float) -> np.ndarray:
        upright = Upright(streak_direction(rainy).angle, rainy.shape[1:])
        standing = upright.stand(rainy)
        found, sides = find_standing(standing, upright.inside)
        mixed = share * np.asarray(predict(sides, "CYX")) + (1 - share) * sides
        mask = upright.lie(found[None].astype(np.float32))[0] > 0.5
        return np.where(mask, np.minimum(upright.lie(mixed), rainy), rainy)

    methods = {
        "interpolated from both sides": lambda rainy: replaced(rainy, share=0),
        "predicted by the network": lambda rainy: replaced(rainy, share=1),
        "mean of both": lambda rainy: replaced(rainy, share=0.5),
    }
    return {"steps": steps, "minutes": options.minutes, "hole": hole, "scores": test_scores(options.data, methods)}


def pairs(options: argparse.Namespace) -> dict[str, Any]:
    run, rng = new_run("rain_pairs"), np.random.default_rng(0)
    files, rainy, dry = rainy_training(options.data)
    lights = [rain_light(*both) for both in zip(rainy, dry, strict=True)]
    for number, (path, found) in enumerate(zip(files, dry, strict=True)):
        others = [light for i, light in enumerate(lights) if i != number and dry[i].mask.any()]
        save(run / "clean" / path.name, found.planes)
        for layer in range(3):
            save(run / "rainy" / f"{path.stem}_{layer}.png", with_rain_of(found.planes, others, rng))
    recipe = get_recipe("ddsa-tiny")
    data = PairData([str(run / "rainy")], [str(run / "clean")], pattern=r"(.+)_\d+")
    config = dataclasses.replace(recipe.train, validation_images=0)
    loop = dataclasses.replace(recipe.loop, steps=10**6, minutes=options.minutes, accelerator="cpu", validate_every=0)
    steps = train(data, run / "run", config, loop).steps
    restored = restorer(run / "run")
    methods = {
        "rainy": lambda planes: planes,
        "streaks": lambda planes: remove_streaks(planes).planes,
        "network": restored,
        "streaks, then network": lambda planes: restored(remove_streaks(planes).planes),
    }
    return {
        "steps": steps,
        "minutes": options.minutes,
        "model": "ddsa-tiny",
        "scores": test_scores(options.data, methods),
    }


PARTS = {"columns": columns, "pairs": pairs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--minutes", type=float, default=4.0, help="of each training, on one core")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for part in options.parts:
        done = PARTS[part](options)
        print(part, done, flush=True)
        write_part(NAME, part, done, list(PARTS), ["--minutes", f"{options.minutes:g}"])


if __name__ == "__main__":
    main()
