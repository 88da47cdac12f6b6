"""What the model in the box for cameras brings to results of a trained network: as a second pass, and in a mean.

    python -m benchmarks.polish_choice --data ../shared/data --model runs/camera

Development of :mod:`bsn.inference.polish_choice`. "polyu": the training part. "lossless" and "jpeg": nine photographs of
McMaster and twenty free ones, 256 x 256 pixels, through random cameras (of a gain of at most 0.006), each once without
JPEG and once with a quality of 70 to 100. Each image is denoised by the network, by it with a second pass, as ``bsn denoise``
does it (a second pass where it is chosen, and the mean with the model in the box alone), and by the model in the box alone.
Results that the judge of :mod:`bsn.inference.guard` refuses without a second pass are left out: it does not matter to them.
Prints gains over the noisy image, in dB, and writes benchmarks/results/polish_choice.json.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.camera import trained_model
from benchmarks.camera_schemes import photo
from benchmarks.datasets import DEFAULT, pairs
from benchmarks.measure import write_result
from benchmarks.polyu import read
from bsn.data import list_images, random_camera
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser

WAYS: dict[str, bool | None] = {"never": False, "always": True, "chosen": None}
ALONE = "alone"
MOST_GAIN, MOST_READ_NOISE = 0.006, 0.012

Pair = tuple[np.ndarray, np.ndarray]


def simulated(data: Path, *, jpeg: bool) -> Iterator[Pair]:
    """Photographs by random cameras, noisy and clean."""
    files = [*list_images([data / "clean" / "mcmaster"])[::2], *list_images([data / "free" / "photos"])[2::6][:20]]
    for number, path in enumerate(files):
        rng = np.random.default_rng(700 + number)
        drawn = random_camera(rng)
        quality = drawn.quality or int(rng.integers(70, 101))
        camera = dataclasses.replace(
            drawn,
            scale=1.0,
            gain=min(drawn.gain, MOST_GAIN),
            read_noise=min(drawn.read_noise, MOST_READ_NOISE),
            quality=quality if jpeg else None,
        )
        yield camera.pair(photo(path), number)


def training_part(data: Path) -> Iterator[Pair]:
    """Training part of PolyU."""
    for pair in pairs(data, "polyu", "train"):
        yield read(pair.degraded), read(pair.clean)


def gains(ways: dict[str, Denoiser], images: Iterator[Pair], most: int | None) -> dict[str, Any]:
    """Gain of each way over the noisy image, of all images whose first result is given."""
    score = get_protocol("rgb8").score
    found: dict[str, list[float]] = {name: [] for name in ways}
    refused = 0
    for number, (noisy, clean) in enumerate(images):
        if number == most:
            break
        before, row = score(noisy, clean).psnr, {}
        for name, denoiser in ways.items():
            eight_bit = np.rint(noisy * 255).astype(np.uint8)
            row[name] = score(np.asarray(denoiser(eight_bit, "CYX")) / np.float32(255), clean).psnr - before
            if name == "never" and any(told.changes for told in denoiser.explanations):
                refused += 1
                break
        else:
            for name, gain in row.items():
                found[name].append(gain)
    extra = {name: np.subtract(found[name], found["never"]) for name in ways}
    return {
        "images": len(found["never"]),
        "refused": refused,
        "mean_gain": {name: float(np.mean(values)) for name, values in found.items()},
        "worst_change": {name: float(values.min()) for name, values in extra.items()},
        "worst_gain": {name: float(np.min(values)) for name, values in found.items()},
        "gains": found,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--model", type=Path, required=True, help="folder of a run on the training part of PolyU")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--most", type=int, help="images of a set at most")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = trained_model(options.model)
    ways = {name: Denoiser(model, threads=options.threads, polish=polish) for name, polish in WAYS.items()}
    ways[ALONE] = Denoiser("camera", threads=options.threads)
    sets = {
        "lossless": simulated(options.data, jpeg=False),
        "jpeg": simulated(options.data, jpeg=True),
        "polyu": training_part(options.data),
    }
    results: dict[str, Any] = {}
    for name, images in sets.items():
        results[name] = row = gains(ways, images, options.most)
        print(
            name,
            row["images"],
            "images,",
            row["refused"],
            "refused:",
            row["mean_gain"],
            row["worst_gain"],
            flush=True,
        )
        path = write_result("polish_choice", {"most": options.most, "sets": results})
    print(path)


if __name__ == "__main__":
    main()
