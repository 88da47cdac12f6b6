"""Clean clips with noise: every frame by itself against one, two, three neighbours on each side.

``python -m benchmarks.stacks DATA --clips carphone --contexts 0 2 --steps 700`` with the folder ``stacks`` of the data. Each
context is trained on the noisy clip itself, with the same crops and the same number of steps, and denoises it; the truth is
only used for the scores. The clip ``carphone`` is a video file and needs PyAV (``pip install av``).

``python -m benchmarks.stacks --cost`` measures what neighbours cost.

Luminance as floats in [0, 1], nothing rounded or clipped. ``static`` are pixels whose clean surroundings hardly change to the
neighbouring frames, ``moving`` the others. ``ghost`` is the share of the neighbouring frames that a result shows where
something moves: 2/3 for the mean of three frames. Blur counts a little, too: compare with the frames that are denoised alone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import uniform_filter

from benchmarks.measure import RESULTS, write_result
from bsn.engine import LoopConfig
from bsn.inference import Denoiser, InferenceConfig
from bsn.models import Model, count_parameters, create, macs_per_pixel
from bsn.training import TrainConfig, train

SIGMA = 30 / 255
GAIN, READ = 0.02, 0.02
BOX = "photo-base"
ORDER = [
    "noisy",
    "mean of 3",
    "mean of 5",
    "median of 3",
    "median of 5",
    f"`{BOX}`",
    *(f"context {count}" for count in range(9)),
]
LUMA = np.array([0.299, 0.587, 0.114])
STILL = 2 / 255  # mean absolute change of 7 x 7 clean pixels to a neighbouring frame
# Classical methods with the true noise, measured once with PyPI's bm3d and bm4d on the same noisy clips.
CLASSICAL = {
    ("carphone", "30"): {"BM3D": 29.51, "BM4D": 31.83, "BM4D first": 30.70, "BM4D inner": 32.08, "BM4D last": 30.05},
    ("carphone", "PG"): {"BM3D": 31.01, "BM4D": 33.02, "BM4D first": 31.43, "BM4D inner": 33.26, "BM4D last": 31.39},
    ("tractor", "30"): {"BM3D": 31.81, "BM4D": 33.16, "BM4D first": 31.39, "BM4D inner": 33.48, "BM4D last": 32.64},
    ("tractor", "PG"): {"BM3D": 33.83, "BM4D": 35.11, "BM4D first": 33.58, "BM4D inner": 35.39, "BM4D last": 34.55},
}


def clean_clip(name: str, data: Path) -> np.ndarray:
    """Luminance (T, H, W) of a clip."""
    if name == "carphone":
        import av

        with av.open(str(data / "clean_carphone" / "carphone_pristine.mp4")) as file:
            frames = [
                frame.to_ndarray(format="rgb24") for _, frame in zip(range(20), file.decode(video=0), strict=False)
            ]
        return np.stack(frames) @ LUMA / 255
    from skimage.io import imread

    frames = [imread(path) for path in sorted((data / "clean_tractor").glob("*.png"))]
    return (np.stack(frames) @ LUMA / 255)[:, 142:398, 272:528]


def noisy_clip(clean: np.ndarray, noise: str) -> np.ndarray:
    """The clip with Gaussian noise of sigma 30 of 255, or with Poisson-Gaussian noise."""
    rng = np.random.default_rng(1)
    if noise == "30":
        return clean + SIGMA * rng.standard_normal(clean.shape)
    return GAIN * rng.poisson(clean / GAIN) + READ * rng.standard_normal(clean.shape)


def still_places(clean: np.ndarray) -> np.ndarray:
    """Pixels whose surroundings are those of the neighbouring frames, (T, H, W)."""
    steps = uniform_filter(np.abs(np.diff(clean, axis=0)), (0, 7, 7)) < STILL
    ones = np.ones_like(steps[:1])
    return np.concatenate([ones, steps]) & np.concatenate([steps, ones])


def psnr(clean: np.ndarray, found: np.ndarray, where: np.ndarray | None = None) -> list[float]:
    """Of each frame in dB, over all of it or over some of its pixels."""
    errors = (clean - found) ** 2
    chosen = [error if where is None else error[where[t]] for t, error in enumerate(errors)]
    return [10 * float(np.log10(1 / error.mean())) for error in chosen if error.size]


def ghost(clean: np.ndarray, found: np.ndarray) -> float:
    """How far a result lies, where something moves, on the way to the mean of the frames beside it; blur counts, too."""
    around = (clean[2:] + clean[:-2]) / 2 - clean[1:-1]
    moves = ~still_places(clean)[1:-1]
    error = (found - clean)[1:-1]
    return float((error[moves] * around[moves]).sum() / max((around[moves] ** 2).sum(), 1e-12))


def scores(clean: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Mean PSNR of all frames, of the ends, and of what stands still and moves."""
    frames, still = psnr(clean, found), still_places(clean)
    return {
        "all": float(np.mean(frames)),
        "first": frames[0],
        "inner": float(np.mean(frames[2:-2])),
        "last": frames[-1],
        "static": float(np.mean(psnr(clean, found, still))),
        "moving": float(np.mean(psnr(clean, found, ~still))),
        "ghost": ghost(clean, found),
        "mean error of a frame": float(np.abs((found - clean).mean((1, 2))).max()),
    }


def train_and_denoise(noisy: np.ndarray, context: int, options: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Train a network on a noisy clip, and denoise it."""
    gaussian = options.noise == "30"
    config = TrainConfig(
        model=options.model,
        start=None,
        context=context,
        stride=1,
        noise="gaussian" if gaussian else "poisson-gaussian",
        noise_gain=None if gaussian else GAIN,
        noise_read=SIGMA if gaussian else READ,
        crop=64,
        batch_size=options.batch_size,
        optimizer="muon",
        validation_crops=0,
    )
    loop = LoopConfig(steps=options.steps, seed=0, validate_every=0, accelerator="cpu")
    frames, began = noisy.astype(np.float32), time.perf_counter()
    train(frames, folder, config, loop, axes="TYX")
    model = Model.load(folder)
    denoise, trained = Denoiser(model, InferenceConfig(device="cpu")), time.perf_counter()
    found = denoise(frames, "TYX")
    return {
        "context": context,
        "parameters": count_parameters(model.network),
        "macs_per_pixel": macs_per_pixel(model.network),
        "training_seconds": trained - began,
        "denoising_seconds": time.perf_counter() - trained,
        "result": found,
    }


def _neighbouring(noisy: np.ndarray, width: int) -> list[np.ndarray]:
    """The stack moved over time by up to half the width to both sides, reflected at the ends."""
    reach = width // 2
    padded = np.pad(noisy, ((reach, reach), *[(0, 0)] * (noisy.ndim - 1)), mode="reflect")
    return [padded[i : i + len(noisy)] for i in range(width)]


def reflected_mean(noisy: np.ndarray, width: int) -> np.ndarray:
    """Mean over time, reflected at the ends."""
    return np.mean(_neighbouring(noisy, width), 0)


def reflected_median(noisy: np.ndarray, width: int) -> np.ndarray:
    """Median over time, reflected at the ends."""
    return np.median(_neighbouring(noisy, width), 0)


def cost(contexts: list[int], model: str, size: int = 192, repeats: int = 9) -> list[dict[str, float]]:
    """CPU seconds of a frame in inference, and of a step of training with as many pixels, turn by turn; the least of each.

    CPU seconds and the least of several, so that other programs on the machine count for less.
    """
    networks = {context: create(model, channels=1, context=context) for context in contexts}
    frames = torch.rand(1, 1, size, size, generator=torch.Generator().manual_seed(0))

    def infer(context: int) -> None:
        with torch.no_grad():
            networks[context].eval()(frames.repeat(1, 2 * context + 1, 1, 1))

    def step(context: int) -> None:
        networks[context].train()(frames.repeat(1, 2 * context + 1, 1, 1)).square().mean().backward()

    seconds: dict[tuple[str, int], list[float]] = {}
    for turn in range(repeats + 1):
        for name, run in (("inference", infer), ("step", step)):
            for context in contexts:
                began = time.process_time()
                run(context)
                if turn:  # the first is the warming up
                    seconds.setdefault((name, context), []).append(time.process_time() - began)
    return [
        {
            "context": context,
            "macs_per_pixel": macs_per_pixel(networks[context]),
            **{f"{name}_seconds": min(seconds[name, context]) for name in ("inference", "step")},
        }
        for context in contexts
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", default=Path("stacks"))
    parser.add_argument("--clips", nargs="+", default=["carphone", "tractor"], choices=["carphone", "tractor"])
    parser.add_argument("--noise", default="30", choices=["30", "PG"])
    parser.add_argument("--contexts", nargs="*", type=int, default=[0, 1, 2, 3], help="none: averages alone")
    parser.add_argument(
        "--neighbours",
        nargs="*",
        type=int,
        default=[0, 3],
        help="of the model in the box, which is trained on nothing here",
    )
    parser.add_argument("--steps", type=int, default=5800)
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument("--model", default="phase-unet-tiny")
    parser.add_argument(
        "--cost", action="store_true", help="measure the time of a frame and of a step, and nothing else"
    )
    options = parser.parse_args()
    if options.cost:
        torch.set_num_threads(1)
        rows = cost(options.contexts, options.model)
        write_result("stacks_cost", {"model": options.model, "threads": 1, "rows": rows})
        print(*rows, sep="\n")
        return
    for clip in options.clips:
        score_clip(clip, options)


def score_clip(clip: str, options: argparse.Namespace) -> None:
    """Score all methods on a clip; rows that are stored already stay where they are not repeated."""
    clean = clean_clip(clip, options.data)
    noisy = noisy_clip(clean, options.noise)
    name = f"stacks_{clip}_{options.noise}"
    stored = json.loads(path.read_text())["rows"] if (path := RESULTS / f"{name}.json").is_file() else []
    rows = {row["method"]: row for row in stored}

    def note(method: str, found: np.ndarray, **told: object) -> None:
        rows[method] = {"method": method, **scores(clean, found), **told}
        print(rows[method], flush=True)
        content = {"clip": clip, "noise": options.noise, "model": options.model, "box": BOX}
        classical = CLASSICAL[clip, options.noise]
        ordered = sorted(
            rows.values(), key=lambda row: (row.get("context", -1), ORDER.index(row["method"].split(",")[0]))
        )
        still = float(still_places(clean).mean())
        write_result(name, {**content, "still": still, "classical": classical, "rows": ordered})

    note("noisy", noisy)
    for width in (3, 5):
        note(f"mean of {width}", reflected_mean(noisy, width))
        note(f"median of {width}", reflected_median(noisy, width))
    for neighbours in options.neighbours:
        began = time.perf_counter()
        found = Denoiser(BOX, device="cpu", neighbours=neighbours)(noisy.astype(np.float32), "TYX")
        way = f"with {neighbours} neighbours" if neighbours else "each frame"
        note(f"`{BOX}`, {way}", found, denoising_seconds=time.perf_counter() - began)
    for context in options.contexts:
        with tempfile.TemporaryDirectory() as folder:
            row = train_and_denoise(noisy, context, options, Path(folder) / "run")
        found = np.asarray(row.pop("result"))
        note(f"context {context}", found, steps=options.steps, **row)


if __name__ == "__main__":
    main()
