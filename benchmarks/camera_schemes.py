"""Which scheme pays for correlated noise at equal time: blind, its student, recorrupted pairs, clean images with matched noise.

    python -m benchmarks.camera_schemes --noise synthetic --seconds 80
    python -m benchmarks.camera_schemes --noise polyu --seconds 80

"synthetic": noise that follows the brightness, with the correlation of demosaicing, on a few free photographs, of 8 bits.
"polyu": the first noisy files of the training part of PolyU (JPEG). The clean images of "matched" are other free photographs.
Everything is trained and scored on the same noisy images, as a user's own files are. --seconds are those of one core for each
training; the student gets half of them on top of its teacher's. Writes benchmarks/results/camera_schemes_NOISE.json.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as PillowImage

from benchmarks.datasets import DEFAULT, middle, pairs
from benchmarks.measure import write_result
from benchmarks.timed import timed
from bsn.data import CorrelatedGaussian, Image, write_image
from bsn.engine import LoopConfig
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.models import Model, main_output
from bsn.noise import draw_noise, local_intensity, measure_covariance
from bsn.training import TrainConfig, train
from distill import DistillConfig, distil

KERNEL = np.array([[0.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 0.0]])
GAIN, CONSTANT = 0.008, 0.0004  # variance over intensity, range [0, 1]: a standard deviation of 17 of 255 in the middle
DRAWS = 8
WAYS: dict[str, dict[str, dict[str, Any]]] = {
    "blind": {
        "blind": {"wiener": False, "polish": False},
        "blind, Wiener filter": {"wiener": True, "polish": False},
        "blind, mixed by SURE": {"mix": "image", "polish": False},
    },
    "student": {
        "student of the blind network": {},
        "student, Wiener filter": {"wiener": True},
        "student, mixed by SURE": {"mix": "image", "polish": False},
    },
}
"""Ways to denoise with a network and with its student; none of them asks the model in the box."""
SIDE = 256
PAGE = LoopConfig(
    warmup_steps=20, validate_every=0, checkpoint_every=0, ema=0.98, accelerator="cpu", precision="32-true"
)
BLIND = TrainConfig(start=None, crop=96)  # network, hole and the rest as the measured noise asks for
SIGHTED = ("recorrupted", "matched, other photographs", "matched, denoised by the blind network")


def photo(path: Path, *, halved: bool = False) -> np.ndarray:
    """Middle of a photograph, (3, SIDE, SIDE), [0, 1]; halved so that its own noise and compression are gone."""
    with PillowImage.open(path) as picture:
        planes = np.moveaxis(np.asarray(picture.convert("RGB"), np.float32) / 255, -1, 0)
    if halved:
        rows, columns = (side // 2 * 2 for side in planes.shape[1:])
        planes = planes[:, :rows, :columns].reshape(3, rows // 2, 2, columns // 2, 2).mean((2, 4))
    return middle(planes, SIDE)


def synthetic(clean: np.ndarray, seed: int) -> np.ndarray:
    """Camera-like noise: its strength follows the brightness, its correlation is a diamond, 8 bits."""
    unit = CorrelatedGaussian(1.0, kernel=KERNEL).sample_like(clean, seed)
    return np.clip(np.rint(255 * (clean + np.sqrt(GAIN * clean + CONSTANT) * unit)), 0, 255).astype(np.uint8)


def to_bytes(planes: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(255 * planes), 0, 255).astype(np.uint8)


def prepare(data: Path, noise: str, count: int, folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Write noisy files and the clean photographs of "matched"; return the pairs (noisy, truth), (3, H, W), 8 bits."""
    photographs = sorted((data / "free" / "photos").glob("*.webp"))
    for name in ("noisy", "clean"):
        (folder / name).mkdir()
    for index, path in enumerate(photographs[count:]):
        image = photo(path, halved=True)
        if image.shape == (3, SIDE, SIDE):
            write_image(folder / "clean" / f"{index:02d}.png", Image(np.moveaxis(to_bytes(image), 0, -1), "YXC"))
    if noise == "synthetic":
        clean = [photo(path, halved=True) for path in photographs[:count]]
        found = [(synthetic(image, seed), to_bytes(image)) for seed, image in enumerate(clean)]
    else:
        chosen = pairs(data, "polyu", "train")[:: len(pairs(data, "polyu", "train")) // count][:count]
        found = [
            (to_bytes(photo(pair.noisy)), to_bytes(photo(pair.clean))) for pair in chosen if pair.clean is not None
        ]
    for index, (noisy, _) in enumerate(found):
        write_image(folder / "noisy" / f"{index:02d}.png", Image(np.moveaxis(noisy, 0, -1), "YXC"))
    return found


def score(images: list[tuple[np.ndarray, np.ndarray]], denoise: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    """PSNR of each image, on 8 bits."""
    protocol = get_protocol("rgb8")
    psnr = [protocol.score(denoise(n.astype(np.float32) / 255), t.astype(np.float32) / 255).psnr for n, t in images]
    before = [protocol.score(n.astype(np.float32) / 255, t.astype(np.float32) / 255).psnr for n, t in images]
    gained = np.subtract(psnr, before)
    return {
        "psnr": round(float(np.mean(psnr)), 3),
        "worst_gain": round(float(gained.min()), 2),
        "images_worse_than_noisy": int((gained < 0).sum()),
    }


def loop(steps: int, rate: int = 20) -> LoopConfig:
    return LoopConfig(**{**vars(PAGE), "steps": steps, "warmup_steps": min(rate, steps)})


def averaged(model: Model, noisy: list[np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Mean over draws of recorrupted inputs, as published for R2R."""
    covariance = measure_covariance([n.astype(np.float32) / 255 for n in noisy], 1 / 255)

    @torch.no_grad()
    def denoise(image: np.ndarray) -> np.ndarray:
        y = torch.from_numpy(image)[None]
        level = covariance.level(local_intensity(y))
        total = torch.zeros_like(y)
        for seed in range(DRAWS):
            fresh = draw_noise(covariance, (1, *image.shape[1:]), torch.Generator().manual_seed(seed), level=level).to(
                y
            )
            seen = model.scale.to_network(y + 0.5 * fresh)
            total += model.scale.to_image(main_output(model.network(seen)))
        return (total / DRAWS)[0].numpy()

    return denoise


def sighted_config(name: str, folder: Path) -> TrainConfig:
    """Settings of a network that sees its pixel."""
    if name == "recorrupted":
        return TrainConfig(scheme="recorrupted", crop=96, batch_size=8, loss="l2")
    if "other" in name:
        return TrainConfig(scheme="matched", clean=str(folder / "clean"), crop=96, batch_size=8, loss="l1")
    return TrainConfig(scheme="matched", pilot=str(folder / "blind"), crop=96, batch_size=8, loss="l1")


def compare(
    folder: Path, images: list[tuple[np.ndarray, np.ndarray]], seconds: float, note: Callable[[dict[str, Any]], None]
) -> None:
    """Train every scheme and score it; `note` gets all results so far."""
    results: dict[str, Any] = {"noisy": score(images, lambda image: image)}

    def add(name: str, told: dict[str, Any], denoise: Callable[[np.ndarray], np.ndarray]) -> None:
        results[name] = {**told, **score(images, denoise)}
        note(results)

    noisy = folder / "noisy"
    for name in SIGHTED[:2]:
        told, sighted = train_sighted(name, folder, seconds)
        add(name, told, lambda image, d=sighted: d(image, "CYX"))
        if name == "recorrupted":
            add(f"{name}, mean of {DRAWS} draws", told, averaged(sighted.model, [n for n, _ in images]))

    def run_blind(steps: int, output: Path) -> None:
        train(noisy, output, BLIND, loop(steps))

    told = timed(run_blind, seconds, folder, "blind")
    for name, options in WAYS["blind"].items():
        denoiser = Denoiser(folder / "blind", device="cpu", **options)
        add(name, told, lambda image, d=denoiser: d(image, "CYX"))

    def run_student(steps: int, output: Path) -> None:
        config = DistillConfig(student="nbsn-lean", start="teacher", recharge=True, batch_size=8, learning_rate=1e-3)
        distil(folder / "blind", noisy, output, config, loop(steps), cache=folder / "cache.h5")

    told = timed(run_student, seconds / 2, folder, "student")
    for name, options in WAYS["student"].items():
        denoiser = Denoiser(folder / "student", device="cpu", **options)
        add(name, told, lambda image, d=denoiser: d(image, "CYX"))
    told, sighted = train_sighted(SIGHTED[2], folder, seconds)
    add(SIGHTED[2], told, lambda image: sighted(image, "CYX"))


def train_sighted(name: str, folder: Path, seconds: float) -> tuple[dict[str, Any], Denoiser]:
    """Train one of the networks that see their pixel."""
    config, output = sighted_config(name, folder), name.replace(" ", "_").replace(",", "")

    def run(steps: int, place: Path) -> None:
        train(folder / "noisy", place, config, loop(steps, 50))

    told = timed(run, seconds, folder, output)
    return told, Denoiser(folder / output, device="cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--noise", choices=["synthetic", "polyu"], default="synthetic")
    parser.add_argument("--seconds", type=float, default=80)
    parser.add_argument("--images", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        images = prepare(options.data, options.noise, options.images, Path(folder))
        about = {"noise": options.noise, "images": len(images), "threads": options.threads, "seconds": options.seconds}

        def note(results: dict[str, Any]) -> None:
            name, found = next(reversed(results.items()))
            print(name, found, flush=True)
            write_result(f"camera_schemes_{options.noise}", {**about, "schemes": results})

        compare(Path(folder), images, options.seconds, note)


if __name__ == "__main__":
    main()
