"""Rain that falls anew in every frame, over a scene that stands still and over one that the camera pans across.

    python -m benchmarks.rain_video [--data ../shared/data]
    python -m benchmarks.rain_video --minutes 2        also networks with neighbouring frames, trained on the rainy clips

Nine frames of 240 x 320 pixels are cut from one free photograph; a pan moves on by three pixels per frame. Methods: each frame
without its streaks, medians over time, the model in the box with three neighbours on each side, and networks that see two
neighbouring frames on each side and are trained on the rainy clip alone, by L1 loss: a blind one of a single pixel, and a
half-plane network with a hole of 9 x 9 pixels. PSNR and SSIM on luma, mean of the frames. Writes
benchmarks/results/rain_video.json, a row at a time.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import RESULTS, write_result
from benchmarks.rain_images import load
from benchmarks.real_rain import PROTOCOL
from benchmarks.stacks import reflected_median
from bsn.data import SyntheticRain
from bsn.engine import LoopConfig
from bsn.inference import Denoiser, InferenceConfig
from bsn.models import Model
from bsn.training import TrainConfig, train
from restoration.streaks import remove_streaks

NAME = "rain_video"
PHOTOGRAPH = "budgie-lake-sherburne.webp"
FRAMES, SIZE, STEP = 9, (240, 320), 3
BOX = "photo-base"
NETWORKS = {
    "blind network, context 2": TrainConfig(context=2, loss="l1", noise="none", stride=1, validation_crops=0, crop=64),
    "half-plane network, hole square:9, context 2": TrainConfig(
        hole="square:9", hole_test="square:9", context=2, context_hole=False, loss="l1", noise="none", crop=64
    ),
}


def clip(photograph: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Rainy and clean frames, each (T, 3, H, W)."""
    height, width = SIZE
    lefts = [40 + step * frame for frame in range(FRAMES)]
    clean = np.stack([photograph[:, 60 : 60 + height, left : left + width] for left in lefts])
    rain = SyntheticRain(angle=8, veil=0)
    return np.stack([rain(frame, 100 + number) for number, frame in enumerate(clean)]), clean


def trained(rainy: np.ndarray, config: TrainConfig, minutes: float) -> np.ndarray:
    """The clip as a network predicts it that was trained on it."""
    run = Path("runs") / NAME
    shutil.rmtree(run, ignore_errors=True)
    loop = LoopConfig(steps=10**6, minutes=minutes, validate_every=0, accelerator="cpu", keep="last")
    train(rainy, run, config, loop, axes="TCYX")
    plain = InferenceConfig(wiener=False, mix="off", device="cpu")
    return np.asarray(Denoiser(Model.load(run), plain)(rainy, "TCYX"))


METHODS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "rainy": lambda rainy: rainy,
    "streaks, each frame": lambda rainy: np.stack([remove_streaks(frame).planes for frame in rainy]),
    "median of 3 frames": lambda rainy: reflected_median(rainy, 3),
    "median of 5 frames": lambda rainy: reflected_median(rainy, 5),
    "box, 3 neighbours": lambda rainy: np.asarray(Denoiser(BOX, device="cpu", neighbours=3)(rainy, "TCYX")),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--minutes", type=float, default=0.0, help="of each training, on one core; 0: none")
    parser.add_argument(
        "--methods", nargs="*", choices=list(METHODS), default=list(METHODS), help="those that are not trained"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    photograph = load(options.data / "free" / "photos" / PHOTOGRAPH)
    path = RESULTS / f"{NAME}.json"
    stored = json.loads(path.read_text()) if path.is_file() else {}
    rows, minutes = stored.get("rows", {}), options.minutes or stored.get("minutes", 0.0)
    # Of all rows, those of earlier calls as well.
    command = f"python -m benchmarks.{NAME}" + (f" --minutes {minutes:g}" if minutes else "")
    for scene, step in (("still", 0), ("pan", STEP)):
        rainy, clean = clip(photograph, step)

        def note(method: str, found: np.ndarray, truth: np.ndarray = clean, scene: str = scene) -> None:
            scores = [PROTOCOL.score(*frames) for frames in zip(found, truth, strict=True)]
            means = {key: float(np.mean([getattr(score, key) for score in scores])) for key in ("psnr", "ssim")}
            rows.setdefault(scene, {})[method] = means
            print(scene, method, means, flush=True)
            content = {"photograph": PHOTOGRAPH, "frames": FRAMES, "step": STEP, "box": BOX}
            write_result(NAME, {"command": command, **content, "minutes": minutes, "rows": rows})

        for method in options.methods:
            note(method, METHODS[method](rainy))
        for method, config in NETWORKS.items() if options.minutes else ():
            note(method, trained(rainy, config, options.minutes))


if __name__ == "__main__":
    main()
