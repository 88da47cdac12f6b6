"""How the Wiener filter's choices were made: on synthetic camera noise, so that no real clean image decides.

    python -m benchmarks.wiener --data ../shared/data --model runs/polyu

Adds correlated noise of several strengths and lengths to the middle 256 x 256 pixels of Kodak photographs, with and without
a JPEG of quality 75 after it, denoises with a model of correlated noise (``python -m benchmarks.polyu`` trains one on noisy
files alone), and applies the filter in one to three passes, with the spectrum of the single image, of all images, and the
geometric mean of both. Writes benchmarks/results/wiener.json.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.datasets import DEFAULT
from benchmarks.measure import write_result
from benchmarks.synthetic import photograph
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.selfsup import measure_colours, measure_spectrum, wiener_filter
from data import CorrelatedGaussian, list_images

SIDE = 256
LEVELS = (5, 10, 20)
LENGTHS = (0.7, 1.1)


def middle(image: np.ndarray) -> np.ndarray:
    top, left = ((side - SIDE) // 2 for side in image.shape[1:])
    return np.ascontiguousarray(image[:, top : top + SIDE, left : left + SIDE])


def stored(image: np.ndarray, quality: int | None) -> np.ndarray:
    """As it comes back from a file of 8 bits, or a JPEG."""
    pixels = np.clip(np.rint(image * 255), 0, 255).astype(np.uint8)
    if quality is not None:
        file = io.BytesIO()
        Image.fromarray(np.moveaxis(pixels, 0, -1)).save(file, "JPEG", quality=quality)
        pixels = np.moveaxis(np.asarray(Image.open(file)), -1, 0)
    return (pixels / 255).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--model", type=Path, default=Path("runs/polyu"))
    parser.add_argument("--stride", type=int, default=1, help="of denoising")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    denoiser = Denoiser(options.model, stride=options.stride, wiener=False, threads=options.threads)
    clean = [middle(photograph(path)) for path in list_images([options.data / "clean/kodak24"])[: options.images]]
    score = get_protocol("rgb8").score
    rows = []
    for level in LEVELS:
        for length in LENGTHS:
            for quality in (None, 75):
                noise = CorrelatedGaussian(level / 255, length=length)
                noisy = [stored(noise(image, rng=number), quality) for number, image in enumerate(clean)]
                first = [denoiser(image, "CYX") for image in noisy]
                scores = {"noisy": noisy, "network": first, **filtered(noisy, first)}
                psnr = {
                    name: float(np.mean([score(a, b).psnr for a, b in zip(results, clean, strict=True)]))
                    for name, results in scores.items()
                }
                rows.append({"sigma": level, "length": length, "jpeg": quality, "psnr": psnr})
                print(rows[-1], flush=True)
    means = {name: float(np.mean([row["psnr"][name] for row in rows])) for name in rows[0]["psnr"]}
    print("mean", means)
    print(write_result("wiener", {"images": len(clean), "mean_psnr": means, "rows": rows}))


def filtered(noisy: list[np.ndarray], first: list[np.ndarray]) -> dict[str, list[np.ndarray]]:
    typical = measure_colours(noisy)
    spectra = {
        "own": [measure_spectrum([image]) for image in noisy],
        "all": [measure_spectrum(noisy)] * len(noisy),
        "mean of both": [measure_spectrum([image], typical) for image in noisy],
    }
    return {
        f"{name}, {passes} passes": [
            wiener_filter(torch.from_numpy(y)[None], torch.from_numpy(x)[None], spectrum, passes=passes)[0].numpy()
            for y, x, spectrum in zip(noisy, first, chosen, strict=True)
        ]
        for name, chosen in spectra.items()
        for passes in (1, 2, 3)
    }


if __name__ == "__main__":
    main()
