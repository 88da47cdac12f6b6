"""Correlated noise: what the strides, several of them together, R3 and the Wiener filter do, in numbers and in a picture.

    python -m benchmarks.strides --steps 1000 [--training_strides 1 2 3 5 6]

Adds correlated noise to photographs that come with scikit-image, trains on them as if there were no clean ones, once for each
training stride, and denoises a photograph that was not trained on in every way. Writes benchmarks/results/strides.json and
strides.png (a detail, of the training stride that the measured noise asks for); the runs themselves go to runs/.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch

from benchmarks.measure import RESULTS, write_result
from bsn.data import CorrelatedGaussian
from bsn.data.photographs import TEST_PHOTOGRAPH, TRAINING_PHOTOGRAPHS, photograph
from bsn.engine import LoopConfig
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.noise import advise, measure_noise
from bsn.training import TrainConfig, train

NOISE = CorrelatedGaussian(0.08, length=1.2)
WAYS: dict[str, dict[str, Any]] = {
    **{f"stride {stride}": {"stride": stride} for stride in range(1, 7)},
    "strides 1, 2": {"stride": [1, 2]},
    "strides 1, 2, 3": {"stride": [1, 2, 3]},
    "strides 2, 3": {"stride": [2, 3]},
    "stride 2, R3 x 1": {"stride": 2, "r3_passes": 1},
    "stride 2, R3 x 8": {"stride": 2, "r3_passes": 8},
    "stride 2, R3 x 8, p = 0.4": {"stride": 2, "r3_passes": 8, "r3_probability": 0.4},
}
SHOWN = ("stride 1", "stride 2", "stride 3", "stride 6", "strides 1, 2", "stride 2, R3 x 8", "stride 2, Wiener")
DETAIL = (slice(60, 180), slice(140, 300))


def picture(clean: np.ndarray, noisy: np.ndarray, results: dict[str, np.ndarray], scores: dict[str, float]) -> None:
    """Details side by side."""
    matplotlib.use("Agg")
    panels = {"clean": clean, "noisy": noisy, **{name: results[name] for name in SHOWN}}
    figure, axes = plt.subplots(3, 3, figsize=(12, 9.6))
    for axis, (name, image) in zip(axes.flat, panels.items(), strict=True):
        axis.imshow(np.clip(np.moveaxis(image[:, *DETAIL], 0, -1), 0, 1), interpolation="nearest")
        axis.set_title(name if name not in scores else f"{name}: {scores[name]:.2f} dB", fontsize=11)
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(RESULTS / "strides.png", dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--training_strides", type=int, nargs="+", default=[1, 2, 3, 5, 6])
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    noisy = [NOISE(photograph(name), 1 + i).astype(np.float32) for i, name in enumerate(TRAINING_PHOTOGRAPHS)]
    truth = photograph(TEST_PHOTOGRAPH)
    image = NOISE(truth, 0).astype(np.float32)
    advice = advise(measure_noise(noisy))
    print(*advice.reasons, sep="\n")
    score = get_protocol("float").score
    before = score(image, truth).psnr
    table: dict[str, dict[str, float]] = {}
    for training_stride in sorted({*options.training_strides, advice.stride}):
        run = Path(f"runs/strides_{training_stride}")
        shutil.rmtree(run, ignore_errors=True)
        config = TrainConfig(
            start=None, stride=training_stride, noise="none", optimizer="adamw"
        )  # the same for all strides
        train(noisy, run, config, LoopConfig(steps=options.steps, validate_every=0), axes="CYX")
        results = {}
        for name, way in WAYS.items():
            for label, wiener in ((name, False), (f"{name}, Wiener", True)):
                results[label] = Denoiser(run, threads=options.threads, wiener=wiener, **way)(image, "CYX")
        scores = {name: score(result, truth).psnr for name, result in results.items()}
        table[f"trained with stride {training_stride}"] = scores
        for name in WAYS:
            print(
                f"trained with {training_stride}, {name}: {scores[name]:.2f}, with Wiener {scores[name + ', Wiener']:.2f} dB"
            )
        if training_stride == advice.stride:
            picture(truth, image, results, {"noisy": before, **scores})
    content = {"threads": options.threads, "steps": options.steps, "advised_stride": advice.stride}
    print(write_result("strides", {**content, "noisy_psnr": before, "psnr": table}))


if __name__ == "__main__":
    main()
