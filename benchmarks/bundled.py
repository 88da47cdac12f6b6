"""The model in the box against classical denoisers that know the noise: white Gaussian noise on three public sets.

    python -m benchmarks.bundled --data ../shared/data [--sets set12] [--images 8] [--bm3d_images 3]

All methods get the same centre crops of 256 x 256 of the first --images of a set (BM3D: the first --bm3d_images, and the
model's mean over those beside it); the model is scored on all whole images as well. The noise is not clipped. BM3D, non-local
means and wavelets are told the true sigma, the model is not. Non-local means: the better of the two settings that scikit-image
documents. Needs the package bm3d. Writes benchmarks/results/bundled_<set>.json.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.datasets import middle
from benchmarks.measure import write_result
from bsn.data import Gaussian, list_images, read_image, to_planes
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser

SETS = ("kodak24", "mcmaster", "set12")
SIGMAS = (15, 25, 50)
SIDE = 256


def wavelet(noisy, sigma):
    from skimage.restoration import denoise_wavelet

    return denoise_wavelet(
        noisy,
        sigma=sigma,
        method="BayesShrink",
        mode="soft",
        channel_axis=0,
        convert2ycbcr=len(noisy) == 3,
        rescale_sigma=True,
    )


def nlm(noisy, **options):
    from skimage.restoration import denoise_nl_means

    # A single channel goes in without its axis: fast_mode misreads an axis of length one.
    image, axis = (noisy[0], None) if len(noisy) == 1 else (noisy, 0)
    return denoise_nl_means(image, patch_size=5, patch_distance=6, fast_mode=True, channel_axis=axis, **options)


def nlm_plain(noisy, sigma):
    return nlm(noisy, h=0.8 * sigma)


def nlm_sigma(noisy, sigma):
    return nlm(noisy, h=0.6 * sigma, sigma=sigma)


def bm3d(noisy, sigma):
    import bm3d as package

    if len(noisy) == 1:
        return package.bm3d(noisy[0], sigma)[None]
    return np.moveaxis(package.bm3d_rgb(np.moveaxis(noisy, 0, -1), sigma), -1, 0)


CLASSICAL = {"wavelet": wavelet, "nlm 0.8": nlm_plain, "nlm 0.6": nlm_sigma}


def noisy_versions(paths, sigma):
    for index, path in enumerate(paths):
        image = read_image(path)
        clean = to_planes(image.pixels, image.axes)[0][0]
        yield clean, Gaussian.from_grey_levels(sigma)(clean, np.random.default_rng((sigma, index)))


def timed(method, *arguments):
    start = time.perf_counter()
    result = np.asarray(method(*arguments), np.float32)
    return result, time.perf_counter() - start


def score_set(paths, sigma, denoiser, options):
    protocol = get_protocol("float")
    found: dict[str, list[tuple[float, float]]] = {}

    def add(name, method, clean, *arguments):
        result, seconds = timed(method, *arguments)
        result = result.reshape(clean.shape)  # some methods of scikit-image drop a single channel
        found.setdefault(name, []).append((protocol.score(np.clip(result, 0, 1), clean).psnr, seconds))

    for index, (clean, noisy) in enumerate(noisy_versions(paths, sigma)):
        add("model, whole images", denoiser, clean, noisy, "CYX")
        if index >= options.images:
            continue
        part, noisy_part = middle(clean, SIDE), middle(noisy, SIDE)
        add("noisy", lambda x: x, part, noisy_part)
        add("model", denoiser, part, noisy_part, "CYX")
        for name, method in CLASSICAL.items():
            add(name, method, part, noisy_part, sigma / 255)
        if index < options.bm3d_images:
            add("model (bm3d's images)", denoiser, part, noisy_part, "CYX")
            add("bm3d", bm3d, part, noisy_part, sigma / 255)
    return {
        name: {
            "psnr": float(np.mean([p for p, _ in v])),
            "seconds": float(np.median([s for _, s in v])),
            "images": len(v),
        }
        for name, v in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--bm3d_images", type=int, default=3)
    parser.add_argument("--model", default=None, help="default: the one in the box")
    options = parser.parse_args()
    torch.set_num_threads(2)
    denoiser = Denoiser(options.model, device="cpu")
    denoiser(np.zeros((SIDE, SIDE), np.uint8))
    content = {"model": options.model or "photo-tiny", "protocol": "float, results clipped to [0, 1]", "crop": SIDE}
    for name in options.sets:
        table = {}
        paths = list_images(options.data / "clean" / name)
        for sigma in SIGMAS:
            rows = table[str(sigma)] = score_set(paths, sigma, denoiser, options)
            shown = "  ".join(f"{method} {row['psnr']:.2f} ({row['seconds']:.2f} s)" for method, row in rows.items())
            print(f"{name:<9} sigma {sigma}: {shown}", flush=True)
        print(write_result(f"bundled_{name}", {**content, "images": options.images, "table": table}))


if __name__ == "__main__":
    main()
