"""The models in the box for white noise on whole images of three public sets, with white and Poisson-Gaussian noise.

    python -m benchmarks.box --data ../shared/data [--sets set12] [--noises 25] [--methods photo-tiny "non-local means"]

The noise is not clipped. Non-local means (scikit-image, the setting with known sigma) and BM3D (needs the package bm3d; a
third of a minute for an image in colour) are told the true level, for Poisson-Gaussian noise the root of its mean variance;
the models are told nothing, and "photo-base, eight views" is the mean over flips and turns (``--ensemble``). Results are
clipped to [0, 1]. Writes benchmarks/results/box_<set>.json. What an earlier run has measured of other methods stays in it, so
a new model is measured alone. Nearly clean photographs, with noise of 0.5, 1 and 2 grey levels, are asked for by --noises.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from benchmarks.bundled import SETS, bm3d, nlm_sigma
from benchmarks.measure import RESULTS, write_result
from bsn.data import Gaussian, PoissonGaussian, list_images, read_image, to_planes
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.models.bundled import boxed_models

NOISES = {
    "15": Gaussian.from_grey_levels(15),
    "25": Gaussian.from_grey_levels(25),
    "50": Gaussian.from_grey_levels(50),
    "Poisson-Gaussian": PoissonGaussian(0.02, 0.02),
    "0.5": Gaussian.from_grey_levels(0.5),
    "1": Gaussian.from_grey_levels(1),
    "2": Gaussian.from_grey_levels(2),
}
NEARLY_CLEAN = ("0.5", "1", "2")
WHITE = [model.name for model in boxed_models() if model.kind == "photo"]
EIGHT = ", eight views"
CLASSICAL = {"non-local means": nlm_sigma, "BM3D": bm3d}


def level(noise, clean):
    """Standard deviation of the noise of an image, image values."""
    if isinstance(noise, Gaussian):
        return noise.sigma
    return float(np.sqrt(noise.gain * clean.mean() + noise.read_noise**2))


def methods_of(names):
    """Functions of noisy image and level, by name."""
    found = {}
    for name in names:
        if name in CLASSICAL:
            found[name] = CLASSICAL[name]
        else:
            denoiser = Denoiser(name.removesuffix(EIGHT), device="cpu", ensemble=name.endswith(EIGHT))
            found[name] = lambda noisy, sigma, denoiser=denoiser: denoiser(noisy, "CYX")
    return found


def score_set(paths, methods, noises):
    """Mean and worst gain over the images, for each noise and method."""
    protocol, table = get_protocol("float"), {}
    for number, (noise_name, noise) in enumerate(NOISES.items()):
        if noise_name not in noises:
            continue
        found = {name: [] for name in ("noisy", *methods)}
        for index, path in enumerate(paths):
            image = read_image(path)
            clean = to_planes(image.pixels, image.axes)[0][0]
            noisy = noise(clean, np.random.default_rng((number, index)))
            results = {"noisy": noisy} | {name: run(noisy, level(noise, clean)) for name, run in methods.items()}
            for name, result in results.items():
                clipped = np.clip(np.asarray(result, np.float32).reshape(clean.shape), 0, 1)
                found[name].append(protocol.score(clipped, clean).psnr)
        table[noise_name] = {
            name: {"psnr": float(np.mean(scores)), "least_gain": float(np.min(np.subtract(scores, found["noisy"])))}
            for name, scores in found.items()
        }
        print(noise_name, "  ".join(f"{name} {row['psnr']:.2f}" for name, row in table[noise_name].items()), flush=True)
    return table


def joined(before, table):
    """Earlier numbers of other methods, and the new ones."""
    return {
        noise: {**before.get(noise, {}), **table.get(noise, {})}
        for noise in NOISES
        if noise in before or noise in table
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", default=[*WHITE, *CLASSICAL])
    parser.add_argument(
        "--noises", nargs="+", choices=list(NOISES), default=[noise for noise in NOISES if noise not in NEARLY_CLEAN]
    )
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    methods = methods_of(options.methods)
    for name in options.sets:
        paths, file = list_images(options.data / "clean" / name), RESULTS / f"box_{name}.json"
        before = json.loads(file.read_text(encoding="utf-8"))["table"] if file.exists() else {}
        table = joined(before, score_set(paths, methods, options.noises))
        print(
            write_result(f"box_{name}", {"protocol": "float, clipped to [0, 1]", "images": len(paths), "table": table})
        )


if __name__ == "__main__":
    main()
