"""Denoising before demosaicing against denoising after it, by the models in the box.

    python -m benchmarks.raw_mosaics --photos ../shared/data/free/photos --count 8

Clean photographs are taken back to light, blurred as a lens does (Gaussian, 0.6 pixels), divided by the white balance, and cut
to a mosaic with photon and read noise, in 14 bits with black at 512. The mosaics are DNG files, which LibRaw develops (AHD,
sRGB, 8 bits); the truth is the development of the mosaic without noise. So what demosaicing itself loses counts for nobody.
Writes benchmarks/results/raw_mosaics.json.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from benchmarks.measure import write_result
from bsn.data import Image, read_image, write_image
from bsn.data.files.formats.dng_new import SRGB, Photograph, write_new
from bsn.data.files.formats.raw_words import NOTHING
from bsn.data.synthetic.camera.bayer import mosaic
from bsn.data.synthetic.camera.tone import to_linear
from bsn.data.synthetic.noise import PoissonGaussian
from bsn.inference import Denoiser

NAME = "raw_mosaics"
SIDE, BLUR, BLACK, WHITE = 320, 0.6, 512, 16383
WHITE_BALANCE = (2.0, 1.0, 1.5)
NOISES = {"faint": (0.0003, 0.0005), "moderate": (0.001, 0.002), "strong": (0.005, 0.005), "very strong": (0.02, 0.01)}
Pictures = dict[str, np.ndarray]


def clean_mosaic(path: Path) -> np.ndarray:
    """Middle of a photograph as a sensor would see it without noise, range [0, 1], RGGB."""
    from PIL import Image as Picture

    pixels = np.asarray(Picture.open(path).convert("RGB"), np.float64).transpose(2, 0, 1) / 255
    top, left = (max(side - SIDE, 0) // 2 for side in pixels.shape[1:])
    light = ndimage.gaussian_filter(to_linear(pixels), (0, BLUR, BLUR))[:, top : top + SIDE, left : left + SIDE]
    light = light[:, : light.shape[1] // 2 * 2, : light.shape[2] // 2 * 2]
    return mosaic(light / np.array(WHITE_BALANCE)[:, None, None])


def write_dng(path: Path, values: np.ndarray) -> Path:
    """A DNG file of a mosaic in [0, 1]."""
    stored = np.clip(np.rint(values * (WHITE - BLACK) + BLACK), 0, 65535).astype(np.uint16)
    neutral = tuple(1 / factor for factor in WHITE_BALANCE)
    photograph = Photograph("RGGB", (BLACK,) * 4, WHITE, "simulated", SRGB, neutral, reduced=0.0)
    write_new(path, stored, photograph, NOTHING)
    return path


def develop(path: Path) -> np.ndarray:
    """Picture of a DNG file, (H, W, 3), 8 bits."""
    import rawpy

    with rawpy.imread(str(path)) as raw:
        picture: np.ndarray = raw.postprocess(use_camera_wb=True, no_auto_bright=True)
    return picture


def results(noisy: Path, folder: Path, denoisers: dict[str, Denoiser]) -> Pictures:
    """Pictures of one noisy mosaic by all ways."""
    out = folder / "out.dng"
    found: Pictures = {"noisy": develop(noisy)}

    def before(write: Callable[[], None]) -> np.ndarray:
        out.unlink(missing_ok=True)
        write()
        return develop(out)

    def plane_by_plane() -> None:
        image = read_image(noisy)
        planes = np.asarray(denoisers["photo-base"](image.pixels, image.axes))
        write_image(out, Image(planes, image.axes, image.metadata))

    found["before, plane by plane"] = before(plane_by_plane)
    found["before, bsn denoise"] = before(lambda: denoisers["photo-base"].denoise_file(noisy, out))
    for name, denoiser in denoisers.items():
        found[f"after, {name}"] = np.asarray(denoiser(found["noisy"], "YXC"))
    return found


def psnr(picture: np.ndarray, truth: np.ndarray) -> float:
    """In dB, of 8-bit values."""
    return float(10 * np.log10(255**2 / np.mean(np.square(picture.astype(np.float64) - truth))))


def measure(photos: Path, count: int) -> dict[str, Any]:
    """PSNR of all photographs by noise and way."""
    listed = sorted(photos.glob("*.webp"))
    chosen = listed[:: max(len(listed) // count, 1)][:count]
    denoisers = {name: Denoiser(name) for name in ("photo-base", "camera-base")}
    scores: dict[str, dict[str, list[float]]] = {noise: {} for noise in NOISES}
    with tempfile.TemporaryDirectory() as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(made)
        for seed, path in enumerate(chosen):
            clean = clean_mosaic(path)
            truth = develop(write_dng(folder / "clean.dng", clean))
            for noise, (gain, read) in NOISES.items():
                seen = clean + PoissonGaussian(gain, read).sample_like(clean, seed)
                pictures = results(write_dng(folder / "noisy.dng", seen), folder, denoisers)
                for way, picture in pictures.items():
                    scores[noise].setdefault(way, []).append(psnr(picture, truth))
            print(f"{path.name}: " + ", ".join(f"{n} {scores[n]['before, bsn denoise'][-1]:.2f}" for n in NOISES))
    return {
        "photographs": [path.name for path in chosen],
        "noises": {name: {"gain": gain, "read_noise": read} for name, (gain, read) in NOISES.items()},
        "psnr": {n: {way: float(np.mean(v)) for way, v in ways.items()} for n, ways in scores.items()},
        "worse_than_noisy": {
            n: {way: sum(a < b for a, b in zip(v, ways["noisy"], strict=True)) for way, v in ways.items()}
            for n, ways in scores.items()
        },
        "each": scores,
    }


def main() -> None:
    """Measure and store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, help="folder of clean photographs")
    parser.add_argument("--count", type=int, default=8)
    options = parser.parse_args()
    print(write_result(NAME, measure(options.photos, options.count)))


if __name__ == "__main__":
    main()
