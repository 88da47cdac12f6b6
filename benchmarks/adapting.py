"""``bsn denoise --adapt`` beside the model as it is and BM3D, on images of microscopes and on photographs with white noise.

    python -m benchmarks.adapting --data ../shared/data --set w2s [--split train] [--images 0 1 2] [--no_bm3d] [--alone 10]

W2S and FMD with the protocol "affine"; Kodak24 with noise of 25 grey levels, to see that photographs do not suffer. BM3D (needs
the package bm3d) is told the measured noise curve. ``--alone`` adds a network that ``bsn train`` trains for so many minutes on
the one image that it then denoises. The constants were chosen on the split "train" of W2S. Writes
benchmarks/results/adapting_<set>.json image by image; what is in it is not measured again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.bundled import bm3d
from benchmarks.datasets import DEFAULT, pairs
from benchmarks.measure import RESULTS, write_result
from benchmarks.polyu import read
from bsn.data import Gaussian, list_images
from bsn.engine import LoopConfig
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.noise import measure_noise
from bsn.noise.sensor import Stabiliser
from bsn.noise.sensor.line import MosaicNoise
from bsn.training import TrainConfig, train

Way = Callable[[np.ndarray], np.ndarray]
ALONE = "trained on this image alone"


def images_of(data: Path, name: str, split: str) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, noisy and clean image (C, H, W)."""
    if name in ("w2s", "fmd"):
        for pair in pairs(data, name, split):
            yield pair.name, read(pair.degraded), read(pair.clean)
        return
    for index, path in enumerate(list_images(data / "clean" / name)):
        clean = read(path)
        yield path.stem, Gaussian.from_grey_levels(25)(clean, np.random.default_rng(index)), clean


def measured_bm3d(noisy: np.ndarray) -> np.ndarray:
    """BM3D, each channel by itself, behind the generalised Anscombe transformation of the noise measured on it."""
    vars(np).setdefault("trapz", np.trapezoid)  # bm4d, on which bm3d stands, calls it by its old name
    results = []
    for channel in noisy:
        found = measure_noise([channel[None]])
        stabiliser = Stabiliser(MosaicNoise((max(found.gain, 1e-9),), (found.constant,)), float(channel.max()))
        results.append(stabiliser.inverse(bm3d(stabiliser.forward(channel[None]), 1.0)))
    return np.concatenate(results)


def ways(*, with_bm3d: bool) -> dict[str, Way]:
    """Methods by name."""
    found: dict[str, Way] = {"noisy": lambda noisy: noisy}
    for name, options in {"photo-base": {}, "photo-base --adapt": {"adapt": True}}.items():
        denoiser = Denoiser("photo-base", device="cpu", **options)
        found[name] = lambda noisy, run=denoiser: run(noisy.astype(np.float32), "CYX")
    return found | ({"BM3D, measured noise": measured_bm3d} if with_bm3d else {})


def trained_alone(minutes: float) -> Way:
    """``bsn train`` with its defaults on one image, then ``bsn denoise`` with its best weights."""

    def way(noisy: np.ndarray) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            loop = LoopConfig(steps=10**6, minutes=minutes, accelerator="cpu")
            train(noisy.astype(np.float32), folder, TrainConfig(), loop, axes="CYX", say=print)
            return np.asarray(Denoiser(folder, device="cpu")(noisy.astype(np.float32), "CYX"))

    return way


def main() -> None:
    """Denoise and score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--set", choices=("w2s", "fmd", "kodak24"), required=True)
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--images", type=int, nargs="+", help="some of them, by their number")
    parser.add_argument("--no_bm3d", action="store_true")
    parser.add_argument("--alone", type=float, metavar="MINUTES", help="train a network on each image")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    title = f"adapting_{options.set}" + ("_train" if options.split == "train" else "")
    stored = RESULTS / f"{title}.json"
    table = json.loads(stored.read_text(encoding="utf-8"))["table"] if stored.exists() else {}
    protocol = get_protocol("float" if options.set == "kodak24" else "affine")
    methods = ways(with_bm3d=not options.no_bm3d)
    if options.alone:
        methods[ALONE] = trained_alone(options.alone)
    for number, (name, noisy, clean) in enumerate(images_of(options.data, options.set, options.split)):
        if options.images is not None and number not in options.images:
            continue
        row = table.setdefault(name, {})
        for method, way in methods.items():
            if method in row:
                continue
            begin = time.process_time()
            result = np.asarray(way(noisy), np.float32)
            row[method] = {"psnr": protocol.score(result, clean).psnr, "seconds": time.process_time() - begin}
        print(name, "  ".join(f"{method} {found['psnr']:.2f}" for method, found in row.items()), flush=True)
        write_result(title, {"protocol": protocol.name, "threads": options.threads, "table": table})
    for method in methods:
        found = [row[method]["psnr"] for row in table.values() if method in row]
        print(f"{method}: {np.mean(found):.2f} dB over {len(found)}")


if __name__ == "__main__":
    main()
