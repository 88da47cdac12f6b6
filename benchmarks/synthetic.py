"""White synthetic noise in colour: the mean of a blind-spot network, the posterior with the noisy pixel, BM3D.

    python -m benchmarks.synthetic --way known --steps 6000 [--noise gaussian] [--data ../shared/data]
    python -m benchmarks.synthetic --way bm3d

Trains on the 68 photographs of cbsd68 with noise that is drawn once and written to files, as if no clean image existed, and
scores the middle 256 x 256 pixels of every photograph of kodak24 and mcmaster with noise of their own; values are floats,
not clipped. Ways: "mean" (surroundings alone), "known" (posterior, the noise model is given), "learned" (posterior, gain
and read noise are learned), "bm3d" (BM3D, given the true sigma; nothing is trained). Noise: "gaussian" (sigma 25 of 255) or
"poisson-gaussian" (gain 0.02, read noise 0.02). Writes benchmarks/results/synthetic_<noise>_<way>.json, with model,
optimiser and steps in the name where they are given; --reuse scores the run that is there. --adapt N goes on for N steps on
the noisy test photographs of each set themselves, as one would before denoising them; their clean versions only score.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.datasets import DEFAULT, middle
from benchmarks.measure import write_result
from bsn.data import Gaussian, PoissonGaussian, list_images, read_image
from bsn.data.arrays.planes import to_planes
from bsn.engine import LoopConfig
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.models import Model
from bsn.training import TrainConfig, train

SIGMA, GAIN, READ = 25 / 255, 0.02, 0.02
NOISES: dict[str, Any] = {"gaussian": Gaussian(SIGMA), "poisson-gaussian": PoissonGaussian(GAIN, READ)}
KNOWN = {
    "gaussian": {"noise_gain": 0.0, "noise_read": SIGMA},
    "poisson-gaussian": {"noise_gain": GAIN, "noise_read": READ},
}
VIEWS: dict[str, dict[str, Any]] = {
    "one pass, as predicted": {"calibrate": False, "wiener": False},
    "one pass": {"wiener": False},
    "one pass, Wiener": {"wiener": True},
    "eight views": {"ensemble": True, "wiener": False},
    "eight views, Wiener": {"ensemble": True, "wiener": True},
}
TESTS = ("kodak24", "mcmaster")
SIDE = 256
TEST_SEED = 10_000


def photograph(path: Path) -> np.ndarray:
    """(C, H, W), [0, 1]."""
    image = read_image(path)
    return to_planes(image.pixels, image.axes)[0][0]


def noisy_training_files(data: Path, noise: str, folder: Path) -> list[str]:
    """Noisy versions of cbsd68 as float32 arrays (H, W, C)."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, path in enumerate(list_images([data / "clean/cbsd68"])):
        target = folder / f"{path.stem}.npy"
        np.save(target, NOISES[noise](photograph(path), rng=number).transpose(1, 2, 0).astype(np.float32))
        files.append(str(target))
    return files


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """Training settings that both runs of a way share."""
    given: dict[str, Any] = dict(KNOWN[options.noise]) if options.way == "known" else {}
    if options.noise == "gaussian":
        given.pop("noise_gain", None)
    given |= {name: getattr(options, name) for name in ("optimizer", "batch_size") if getattr(options, name)}
    return {"stride": 1, "noise": "none" if options.way == "mean" else options.noise, **given}


def learn(options: argparse.Namespace, run: Path) -> None:
    if options.reuse:
        return
    shutil.rmtree(run, ignore_errors=True)
    files = noisy_training_files(options.data, options.noise, run.parent / f"synthetic_{options.noise}_files")
    minutes = None if options.steps else options.minutes
    loop = LoopConfig(steps=options.steps or 10**6, minutes=minutes, checkpoint_every=1000)
    config = TrainConfig(options.model, start=None, augment_colours=options.augment_colours, **settings(options))
    train(files, run, config, loop)


def adapt(options: argparse.Namespace, run: Path, name: str) -> Path:
    """Train on the noisy photographs of a test set, beginning with `run`."""
    files, target = [], run.with_name(f"{run.name}_adapt_{options.adapt}_{name}")
    folder = run.parent / f"synthetic_{options.noise}_test_{name}"
    folder.mkdir(parents=True, exist_ok=True)
    for number, (_, noisy) in enumerate(noisy_pairs(options, name)):
        files.append(str(folder / f"{number:02d}.npy"))
        np.save(files[-1], noisy.transpose(1, 2, 0))
    shutil.rmtree(target, ignore_errors=True)
    # All of the little there is; half of the usual learning rate keeps what the network knows.
    config = TrainConfig(start=str(run), learning_rate=1e-3, validation_crops=0, **settings(options))
    train(files, target, config, LoopConfig(steps=options.adapt))
    return target


def bm3d_of(noise: str) -> Callable[[np.ndarray], np.ndarray]:
    import bm3d

    if noise != "gaussian":
        raise SystemExit("BM3D takes Gaussian noise; use --noise gaussian")
    return lambda noisy: bm3d.bm3d_rgb(noisy.transpose(1, 2, 0), SIGMA).transpose(2, 0, 1).astype(np.float32)


def noisy_pairs(options: argparse.Namespace, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Clean and noisy middles of the photographs of a test set, (C, H, W)."""
    for number, path in enumerate(list_images([options.data / "clean" / name])):
        clean = np.ascontiguousarray(middle(photograph(path), SIDE))
        yield clean, NOISES[options.noise](clean, rng=TEST_SEED + number).astype(np.float32)


def denoisers(run: Path, threads: int) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """All ways in which a model can be applied."""
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
    for label, way in VIEWS.items():
        denoiser = Denoiser(run, threads=threads, **way)
        ways[label] = lambda noisy, d=denoiser: d(noisy, "CYX")
    return ways


def score(denoise: Callable[[np.ndarray], np.ndarray], options: argparse.Namespace, name: str) -> dict[str, float]:
    protocol, rows = get_protocol("float"), []
    for clean, noisy in noisy_pairs(options, name):
        before, after = protocol.score(noisy, clean), protocol.score(denoise(noisy), clean)
        rows.append((before.psnr, after.psnr, after.ssim))
    return dict(zip(("noisy_psnr", "psnr", "ssim"), map(float, np.mean(rows, 0)), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--way", choices=["mean", "known", "learned", "bm3d"], default="known")
    parser.add_argument("--noise", choices=list(NOISES), default="gaussian")
    parser.add_argument("--model", default="phase-unet-tiny")
    parser.add_argument("--augment_colours", action="store_true")
    parser.add_argument("--optimizer", choices=["muon", "adamw"], help="instead of the default of bsn train")
    parser.add_argument("--batch_size", type=int, help="instead of the default of bsn train")
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--steps", type=int, help="instead of --minutes")
    parser.add_argument("--adapt", type=int, metavar="STEPS", help="go on with the noisy photographs of each test set")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--reuse", action="store_true", help="score the run in runs/ instead of training")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    content: dict[str, Any] = {"threads": options.threads}
    model_part = f"_{options.model}" if options.model != "phase-unet-tiny" else ""
    steps_part = f"_{options.steps}" if options.steps else ""
    optimizer_part = f"_{options.optimizer}" if options.optimizer else ""
    title = f"synthetic_{options.noise}_{options.way}{model_part}{optimizer_part}{steps_part}"
    if options.way == "bm3d":
        ways = {name: {"BM3D": bm3d_of(options.noise)} for name in TESTS}
    else:
        run = Path("runs") / title
        learn(options, run)
        model = Model.load(run)
        content |= {key: model.provenance[key] for key in ("steps", "seconds")}
        if model.noise is not None:
            content["noise_model"] = str(model.noise)
        runs = {name: adapt(options, run, name) if options.adapt else run for name in TESTS}
        if options.adapt:
            title += f"_adapt_{options.adapt}"
            content["adapting_seconds"] = {name: Model.load(r).provenance["seconds"] for name, r in runs.items()}
        ways = {name: denoisers(r, options.threads) for name, r in runs.items()}
    content["scores"] = {
        name: {label: score(way, options, name) for label, way in ways[name].items()} for name in TESTS
    }
    for name, table in content["scores"].items():
        for label, means in table.items():
            print(
                f"{options.noise}, {options.way}, {name}, {label}: {means['noisy_psnr']:.2f} -> {means['psnr']:.2f} dB"
            )
    print(write_result(title, content))


if __name__ == "__main__":
    main()
