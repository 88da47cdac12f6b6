"""Camera noise without truth: the choice and the mixture by estimated risk, against their input and a simple filter.

    python -m benchmarks.camera --data ../shared/data --model runs/camera
    python -m benchmarks.camera --data ../shared/data --boxed camera-tiny camera-base --name camera_boxed

Scores one model, trained on noisy images alone (``bsn train photos/ -o runs/camera --recipe camera``), on the PolyU pairs
that the index marks "test", on all of CC15 and Nam, and on the SIDD pair, with the protocol "rgb8": the noisy images,
non-local means at the measured noise level, the model as ``bsn denoise`` gives it, without the second pass
(``--no_polish``) and with it on all images (``--polish``), the model in the box for cameras, and, where they are asked for, the
ways to mix. ``--boxed`` scores models of the box by their names, beside a run or alone. For each way the mean, the worst
difference to the input, the number of images worse than the input, and the seconds. Writes benchmarks/results/NAME.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.datasets import DEFAULT, pairs
from benchmarks.measure import write_result
from benchmarks.polyu import measured_sigma, non_local_means, read
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.models import Model

SETS = {"polyu": "test", "cc15": None, "nam": None, "sidd": None}
WAYS: dict[str, dict[str, Any]] = {
    "model": {},
    "model, not polished": {"polish": False},
    "model, all polished": {"polish": True},
    "mixed": {"mix": "auto"},
    "mixed, one weight": {"mix": "image"},
    "mixed, regions": {"mix": "regions"},
}
BOX = "model in the box"


def summary(scores: list[float], noisy: list[float], seconds: float) -> dict[str, Any]:
    """Mean, worst difference to the input, and how many are worse than it."""
    gains = np.subtract(scores, noisy)
    return {
        "mean": float(np.mean(scores)),
        "worst_gain": float(gains.min()),
        "worse_than_input": int((gains < 0).sum()),
        "seconds_per_image": seconds / len(scores),
        "psnr": scores,
    }


def trained_model(folder: Path) -> Model:
    """Model of a run, whose results may be polished, as `bsn train` has it for photographs; older runs do not say so."""
    model = Model.load(folder)
    return dataclasses.replace(model, inference=dataclasses.replace(model.inference, polish=True))


def way_of(model: Model | str, threads: int, **options: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Denoise an 8-bit photograph as (C, H, W) in [0, 1]."""
    denoiser = Denoiser(model, threads=threads, **options)

    def denoise(noisy: np.ndarray) -> np.ndarray:
        eight_bit = np.rint(noisy * 255).astype(np.uint8)
        return np.asarray(denoiser(eight_bit, "CYX")) / np.float32(255)

    return denoise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--model", type=Path, help="folder of a run")
    parser.add_argument("--boxed", nargs="+", default=[], metavar="NAME", help="models of the box")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--ways", nargs="+", choices=[*WAYS, BOX], default=["model", "model, not polished", BOX])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--name", default="camera", help="name of the file of results (default: camera)")
    options = parser.parse_args()
    if options.model is None and not options.boxed:
        parser.error("name the run to score with --model, or models of the box with --boxed")
    torch.set_num_threads(options.threads)
    score, model = get_protocol("rgb8").score, trained_model(options.model) if options.model else None
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "noisy": lambda noisy: noisy,
        "non-local means, measured": lambda noisy: non_local_means(noisy, measured_sigma(noisy)),
    }
    trained = {}
    if model is not None:
        trained = {"trained": {key: model.provenance.get(key) for key in ("model", "steps", "seconds")}}
        ways |= {
            name: way_of("camera", options.threads) if name == BOX else way_of(model, options.threads, **WAYS[name])
            for name in options.ways
        }
    ways |= {name: way_of(name, options.threads) for name in options.boxed}
    scores: dict[str, dict[str, Any]] = {}
    for name in options.sets:
        images = [(read(pair.degraded), read(pair.clean)) for pair in pairs(options.data, name, SETS[name])]
        before = [score(noisy, clean).psnr for noisy, clean in images]
        scores[name] = {}
        for label, way in ways.items():
            start = time.perf_counter()
            found = [score(way(noisy), clean).psnr for noisy, clean in images]
            scores[name][label] = row = summary(found, before, time.perf_counter() - start)
            print(
                f"{name}, {label}: {row['mean']:.2f} dB, worst {row['worst_gain']:+.2f}, {row['worse_than_input']} worse than "
                f"the input, {row['seconds_per_image']:.1f} s",
                flush=True,
            )
            path = write_result(options.name, {**trained, "threads": options.threads, "scores": scores})
    print(path)


if __name__ == "__main__":
    main()
