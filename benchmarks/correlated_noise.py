"""Synthetic correlated noise of known shape: strides, a hole, mixing, BM3D with the true spectrum, non-local means.

    python -m benchmarks.correlated_noise --data ../shared/data --sigmas 20 --seconds 150

The middle 256 x 256 pixels of every photograph of kodak24 with stationary Gaussian noise, rounded to 8 bits and clipped. The
correlation between direct neighbours (0.3, 0.7) comes from kernels that fall off with the distance ("isotropic"), with the
sum of the two coordinates' distances ("diamond"), or along the row only ("rows"). The networks are trained on the noisy
images alone, for the same time of one core, and denoise the same images; BM3D is PyPI's ``bm3d``, given the true power
spectrum. Writes benchmarks/results/correlated_noise.json after every part, and keeps what an earlier run has written there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq

from benchmarks.camera_schemes import score, to_bytes
from benchmarks.datasets import DEFAULT, middle
from benchmarks.measure import RESULTS, write_result
from benchmarks.polyu import measured_sigma, non_local_means
from benchmarks.synthetic import photograph
from benchmarks.timed import timed
from bsn.data import CorrelatedGaussian, Image, list_images, write_image
from bsn.engine import LoopConfig
from bsn.inference import Denoiser
from bsn.training import TrainConfig, train

NAME = "correlated_noise"
SIDE, REACH = 256, 6
SHAPES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "isotropic": lambda y, x: (y**2 + x**2).astype(float),
    "diamond": lambda y, x: (abs(y) + abs(x)).astype(float),
    "rows": lambda y, x: np.where(y == 0, abs(x), np.inf).astype(float),
}
NETWORKS = {
    "strides": TrainConfig(start=None, hole="none", crop=96),
    "half-plane": TrainConfig(start=None, crop=96),
}
Pairs = list[tuple[np.ndarray, np.ndarray]]


def kernel_of(shape: str, correlation: float) -> np.ndarray:
    """Kernel of a family of one parameter whose noise has this correlation between direct neighbours of a row."""
    places = np.arange(-REACH, REACH + 1)
    distance = SHAPES[shape](places[:, None], places[None])

    def kernel(base: float) -> np.ndarray:
        return np.power(base, distance)

    def excess(base: float) -> float:
        return CorrelatedGaussian(1.0, kernel=kernel(base)).autocorrelation(0, 1) - correlation

    return kernel(brentq(excess, 1e-6, 0.95))


def noisy_photographs(data: Path, noise: CorrelatedGaussian, count: int) -> Pairs:
    """Noisy and clean middles of the photographs, (3, 256, 256), 8 bits."""
    found = []
    for seed, path in enumerate(list_images(data / "clean" / "kodak24")[:count]):
        clean = middle(photograph(path), SIDE)
        found.append((to_bytes(clean + noise.sample_like(clean, seed)), to_bytes(clean)))
    return found


def bm3d_with_spectrum(noise: CorrelatedGaussian) -> Callable[[np.ndarray], np.ndarray]:
    """BM3D in colour, given the power spectrum that the noise has."""
    vars(np).setdefault("trapz", np.trapezoid)  # bm4d, on which bm3d stands, calls it by its old name
    import bm3d

    kernel = noise.sigma * np.asarray(noise.kernel)
    spectrum = np.abs(np.fft.fft2(kernel, (SIDE, SIDE))) ** 2 * SIDE**2

    def denoise(image: np.ndarray) -> np.ndarray:
        found = bm3d.bm3d_rgb(np.moveaxis(image, 0, -1).astype(np.float64), spectrum)
        return np.moveaxis(found, -1, 0).astype(np.float32)

    return denoise


def classical(images: Pairs, noise: CorrelatedGaussian) -> dict[str, Any]:
    """Scores without a network."""
    return {
        "noisy": score(images, lambda image: image),
        "non-local means, measured": score(images, lambda image: non_local_means(image, measured_sigma(image))),
        "BM3D, true spectrum": score(images, bm3d_with_spectrum(noise)),
    }


def trained(
    config: TrainConfig, images: Pairs, seconds: float, ways: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Scores of a network that was trained on the noisy images, by each way to denoise."""
    loop = LoopConfig(validate_every=0, checkpoint_every=0, ema=0.98, accelerator="cpu")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "noisy").mkdir()
        for index, (noisy, _) in enumerate(images):
            write_image(place / "noisy" / f"{index:02d}.png", Image(np.moveaxis(noisy, 0, -1), "YXC"))

        def run(steps: int, output: Path) -> None:
            settings = {**vars(loop), "steps": steps, "warmup_steps": min(50, steps)}
            train(place / "noisy", output, config, LoopConfig(**settings))

        told = timed(run, seconds, place, "run")
        for label, options in ways.items():
            denoiser = Denoiser(place / "run", device="cpu", **options)
            found[label] = {**told, **score(images, lambda image, d=denoiser: d(image, "CYX"))}
    return found


def ways_of(name: str) -> dict[str, dict[str, Any]]:
    """Ways to denoise with a network, none of which asks the model in the box; a mixture only where it is named."""
    ways: dict[str, dict[str, Any]] = {name: {}, f"{name}, without the filter": {"wiener": False}}
    if name == "half-plane":
        ways[f"{name}, mixed by SURE"] = {"mix": "image"}
    return {label: {**options, "polish": False, "guard": False} for label, options in ways.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--sigmas", type=float, nargs="+", default=[10, 20, 40], help="of 255")
    parser.add_argument("--correlations", type=float, nargs="+", default=[0.3, 0.7])
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--parts", nargs="+", default=["classical", *NETWORKS], choices=["classical", *NETWORKS])
    parser.add_argument("--seconds", type=float, default=150, help="of one core for each training")
    parser.add_argument("--images", type=int, default=24)
    options = parser.parse_args()
    torch.set_num_threads(1)
    path = RESULTS / f"{NAME}.json"
    cases = json.loads(path.read_text())["cases"] if path.is_file() else {}
    for sigma in options.sigmas:
        for correlation in options.correlations:
            for shape in options.shapes:
                noise = CorrelatedGaussian(sigma / 255, kernel=kernel_of(shape, correlation))
                images = noisy_photographs(options.data, noise, options.images)
                case = f"{shape}, sigma {sigma:g}, correlation {correlation:g}"
                for part in options.parts:
                    if part == "classical":
                        rows = classical(images, noise)
                    else:
                        rows = trained(NETWORKS[part], images, options.seconds, ways_of(part))
                    cases[case] = cases.get(case, {}) | rows
                    print(case, json.dumps(rows), flush=True)
                    write_result(NAME, {"seconds": options.seconds, "images": options.images, "cases": cases})


if __name__ == "__main__":
    main()
