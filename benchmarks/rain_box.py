"""The model in the box for rain: held-out photographs, public sets that it never saw, pictures without rain, real rain.

    python -m benchmarks.rain_box [--data ../shared/data] [--images 8] [--pictures FOLDER]

Scored with protocol y, beside the rainy images and a median filter over five pixels of a row, which crosses the streaks: middle
parts of free photographs that were not trained on, with the rain of the tasks ``rain-light`` and ``rain-heavy`` (``bsn restore
train --tasks``), which is not that of the training; the test parts of Rain100L, Rain100H and Rain800; the pair of SPA-Data,
whose rain is real. For photographs without rain, the PSNR between picture and result tells how much is changed. ``--pictures``
writes photographs in real rain and their results side by side, to be looked at. Writes benchmarks/results/rain_box.json.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch

from benchmarks.datasets import NOT_TRAINED_ON, middle
from benchmarks.measure import write_result
from benchmarks.rain import pair_data
from benchmarks.rain_images import across, load, pairs_of, restorer, save
from bsn.data import list_images
from bsn.evaluation import ImagePair, get_protocol
from restoration.damage import find_damages

SIDE = 384
SETS = ("rain100l", "rain100h", "rain800")
MADE = ("rain-light", "rain-heavy")


def photographs(data: Path, count: int) -> list[tuple[str, np.ndarray]]:
    """Photographs without rain that were not trained on."""
    paths = sorted((data / "free" / "photos").glob(NOT_TRAINED_ON))[:count]
    return [(path.name, np.ascontiguousarray(middle(load(path), SIDE))) for path in paths]


def made_pairs(clean: list[tuple[str, np.ndarray]], kind: str) -> list[ImagePair]:
    """Rainy photographs and the true ones, in whole grey levels as in files."""
    (damage,) = find_damages([kind])
    made = [(name, damage(image, np.random.default_rng(index)), image) for index, (name, image) in enumerate(clean)]
    return [ImagePair(name, (np.rint(255 * rainy) / 255).astype(np.float32), image) for name, rainy, image in made]


def score(pairs: Iterable[ImagePair], restore: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """Scores of the rainy images, of a median filter and of the model; the images that the model makes worse."""
    protocol = get_protocol("y")
    methods = {"rainy": lambda image: image, "median 1 x 5": across, "model": restore}
    found: dict[str, list[Any]] = {name: [] for name in methods}
    for pair in pairs:
        assert pair.target is not None
        for name, method in methods.items():
            found[name].append(protocol.score(method(pair.image), pair.target))
    gains = [after.psnr - before.psnr for before, after in zip(found["rainy"], found["model"], strict=True)]
    table = {
        name: {"psnr": fmean(s.psnr for s in scores), "ssim": fmean(s.ssim for s in scores)}
        for name, scores in found.items()
    }
    return {**table, "images": len(gains), "worse": sum(gain < 0 for gain in gains), "least_gain": min(gains)}


def unchanged(clean: list[tuple[str, np.ndarray]], restore: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    """How near results of photographs without rain are to the photographs."""
    protocol = get_protocol("y")
    results = [(restore(image), image) for _, image in clean]
    scores = [protocol.score(result, image) for result, image in results]
    return {
        "psnr": fmean(s.psnr for s in scores),
        "least_psnr": min(s.psnr for s in scores),
        "ssim": fmean(s.ssim for s in scores),
        "grey_levels": 255 * fmean(float(np.abs(result - image).mean()) for result, image in results),
        "images": len(scores),
    }


def picture(path: Path, folder: Path, restore: Callable[[np.ndarray], np.ndarray]) -> None:
    """A photograph, its result, and what was taken away around mid-grey."""
    before = load(path)
    after = restore(before)
    save(folder / f"{path.stem}.png", np.concatenate([before, after, 0.5 + before - after], -1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="rain-tiny")
    parser.add_argument("--images", type=int, default=8, help="the first ones of every set")
    parser.add_argument("--result", default="rain_box", help="name of the result file")
    parser.add_argument("--pictures", type=Path, help="folder for real rain and its results, side by side")
    options = parser.parse_args()
    torch.set_num_threads(1)
    restore = restorer(options.model)
    start = time.process_time()
    clean = photographs(options.data, options.images)
    sets = {f"photographs, {kind}": made_pairs(clean, kind) for kind in MADE}
    sets |= {name: pairs_of(pair_data(options.data, name, "test").pairs()[: options.images]) for name in SETS}
    sets["spa"] = pairs_of(pair_data(options.data, "spa", "test").pairs())
    table = {}
    for name, pairs in sets.items():
        table[name] = score(pairs, restore)
        print(f"{name}: {table[name]}", flush=True)
    dry = unchanged(clean, restore)
    print(f"without rain: {dry}")
    content = {"model": options.model, "protocol": "y", "sets": table, "without_rain": dry}
    print(write_result(options.result, content), f"{time.process_time() - start:.0f} s")
    if options.pictures is not None:
        for path in list_images(options.data / "rain" / "real"):
            picture(path, options.pictures, restore)


if __name__ == "__main__":
    main()
