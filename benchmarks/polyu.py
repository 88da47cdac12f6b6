"""Correlated camera noise: the published way (stride 5 for training, 2 with R3 for denoising) on real photographs, and ours.

    python -m benchmarks.polyu --data ../shared/data --steps 2500

Trains on the noisy files of PolyU with the recipe "camera"; scores the PolyU pairs that the index marks "test", and all of CC15
(other scenes, other cameras), with the protocol "rgb8". Beside them: non-local means at the noise level that a blind
wavelet estimate gives, and at the one that our statistics give. Writes benchmarks/results/polyu.json; the run itself goes
to runs/. --optimizer muon trains with another optimiser than the default; --reuse scores the run that is there.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from skimage.restoration import denoise_nl_means, estimate_sigma

from benchmarks.datasets import DEFAULT, pairs
from benchmarks.measure import write_result
from bsn.data import Pair, read_image
from bsn.data.arrays.planes import to_planes
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser, score_files
from bsn.models import Model
from bsn.noise import measure_noise
from bsn.training import get_recipe, train

WAYS = {
    "stride 2": {"stride": 2, "wiener": False},
    "stride 2, R3 x 8": {"stride": 2, "r3_passes": 8, "wiener": False},
    "stride 1": {"stride": 1, "wiener": False},
    "stride 2, Wiener": {"stride": 2, "wiener": True},
    "stride 1, Wiener": {"stride": 1, "wiener": True},
    "strides 1 and 2, Wiener": {"stride": [1, 2], "wiener": True},
    "stride 2, Wiener, same noise": {"stride": 2, "wiener": True, "same_noise": True},
    "strides 1 and 2, Wiener, same noise": {"stride": [1, 2], "wiener": True, "same_noise": True},
}
SETS = {"polyu": "test", "cc15": None}


def read(path: Path | None) -> np.ndarray:
    """A photograph, (C, H, W), [0, 1]."""
    assert path is not None
    image = read_image(path)
    return to_planes(image.pixels, image.axes)[0][0]


def non_local_means(noisy: np.ndarray, sigma: float) -> np.ndarray:
    """Non-local means at the settings usual for a known noise level."""
    return denoise_nl_means(noisy, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, channel_axis=0)


def wavelet_sigma(noisy: np.ndarray) -> float:
    return float(np.mean(estimate_sigma(noisy, channel_axis=0)))


def measured_sigma(noisy: np.ndarray) -> float:
    return measure_noise([noisy], grey_level=1 / 255).sigma


CLASSICAL = {"non-local means, wavelet sigma": wavelet_sigma, "non-local means, measured sigma": measured_sigma}


def classical_psnr(chosen: list[Pair], sigma: Callable[[np.ndarray], float]) -> float:
    found = []
    for pair in chosen:
        noisy = read(pair.degraded)
        found.append(get_protocol("rgb8").score(non_local_means(noisy, sigma(noisy)), read(pair.clean)).psnr)
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--optimizer", choices=["muon", "adamw"], help="instead of the default of bsn train")
    parser.add_argument("--reuse", action="store_true", help="score the run in runs/ instead of training")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    title = f"polyu_{options.optimizer}" if options.optimizer else "polyu"
    run = Path("runs") / title
    if not options.reuse:
        learn(run, options)
    provenance = Model.load(run).provenance
    scores: dict[str, dict] = {}
    for name, split in SETS.items():
        chosen = pairs(options.data, name, split)
        scores[name] = {}
        for label, inference in WAYS.items():
            denoiser = Denoiser(run, threads=options.threads, **inference)
            if denoiser.config.same_noise:
                denoiser.share_noise([read(pair.degraded) for pair in chosen])
            table = score_files(chosen, get_protocol("rgb8"), denoiser)
            scores[name][label] = {"means": table.means, "rows": table.rows}
            print(
                f"{name}, {label}: noisy {table.means['noisy_psnr']:.2f} dB -> {table.means['psnr']:.2f} dB", flush=True
            )
        for label, sigma in CLASSICAL.items():
            scores[name][label] = {"means": {"psnr": classical_psnr(chosen, sigma)}}
            print(f"{name}, {label}: {scores[name][label]['means']['psnr']:.2f} dB", flush=True)
    content = {
        "steps": provenance["steps"],
        "training_seconds": provenance["seconds"],
        "threads": torch.get_num_threads(),
        "scores": scores,
    }
    print(write_result(title, content))


def learn(run: Path, options: argparse.Namespace) -> None:
    shutil.rmtree(run, ignore_errors=True)
    recipe = get_recipe("camera")
    images = [str(pair.degraded) for pair in pairs(options.data, "polyu")]
    config = dataclasses.replace(recipe.train, optimizer=options.optimizer or recipe.train.optimizer)
    train(images, run, config, dataclasses.replace(recipe.loop, steps=options.steps))


if __name__ == "__main__":
    main()
