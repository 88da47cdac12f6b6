"""Noise measured on noisy images alone, beside the truth from their clean partners, and what is advised: every set.

    python -m benchmarks.noise_statistics [--data ../shared/data] [--sets w2s cc15 ...]

Sets of pairs: PolyU by camera, CC15, Nam, SIDD, W2S, FMD, bacteria, GigaDB; Kodak and McMaster with known synthetic noise. The
estimate never sees the clean images. Truth: the noisy image minus the clean one (mapped by the best gain and offset, and moved
by whole pixels where the frames are shifted), without its slow variation (Gaussian of 8 pixels); gain and constant by a
weighted fit of its variance against the clean intensity. Sets without clean partners get a verdict only. What blind wavelet
estimates (scikit-image) say stands beside. Prints a table, writes benchmarks/results/noise_statistics.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.registration import phase_cross_correlation
from skimage.restoration import estimate_sigma

from benchmarks.datasets import DEFAULT, pairs
from benchmarks.measure import write_result
from benchmarks.tables.correlated_noise import measured_row
from bsn.data import Gaussian, PoissonGaussian, list_images, read_image
from bsn.data.arrays.pixel_types import grey_level
from bsn.data.arrays.planes import to_planes
from bsn.data.synthetic.correlated_noise import CorrelatedGaussian
from bsn.noise import NoiseStatistics, advise, measure_noise

CAMERAS = {"5D Mark II": "Canon5D2", "600D": "Canon600D", "80D": "Canon80D", "D800": "Nikon", "A7 II": "Sony"}
BINS = 24


@dataclass
class Pair:
    """A noisy image (C, H, W) and its clean partner, both in [0, 1]; the partner may be missing."""

    noisy: np.ndarray
    clean: np.ndarray | None
    level: float


def load(path: Path) -> tuple[np.ndarray, float]:
    image = read_image(path)
    kind = image.pixels.dtype
    return to_planes(image.pixels, image.axes)[0][0], grey_level(kind)


def aligned(noisy: np.ndarray, clean: np.ndarray, shifted: bool, stretched: bool) -> np.ndarray:
    """The clean image as the noisy one would be without its noise."""
    if shifted:
        shift = phase_cross_correlation(noisy.mean(0), clean.mean(0))[0]
        clean = np.roll(clean, [int(s) for s in shift], (1, 2))
    if not (shifted or stretched):
        return clean
    design = np.stack([clean.ravel(), np.ones(clean.size)], 1)
    (gain, offset), *_ = np.linalg.lstsq(design, noisy.ravel(), rcond=None)
    return gain * clean + offset


def real(data: Path, name: str, keep: str = "", *, shifted: bool = False, stretched: bool = False) -> list[Pair]:
    found = []
    for row in pairs(data, name):
        if keep in row.degraded.name:
            noisy, level = load(row.degraded)
            found.append(Pair(noisy, aligned(noisy, load(row.clean)[0], shifted, stretched), level))
    return found


def synthetic(data: Path, noise: Callable[..., np.ndarray], name: str = "kodak24") -> list[Pair]:
    """Photographs with noise, rounded to 8 bits and clipped as a file would be."""
    found = []
    for number, path in enumerate(list_images([data / "clean" / name])):
        clean, level = load(path)
        noisy = np.round(np.clip(noise(clean.astype(np.float32), number), 0, 1) * 255) / 255
        found.append(Pair(noisy.astype(np.float32), clean, level))
    return found


def unpaired(data: Path, folder: str) -> list[Pair]:
    return [Pair(*(lambda image, level: (image, None, level))(*load(path))) for path in list_images([data / folder])]


SETS: dict[str, Callable[[Path], list[Pair]]] = {
    **{f"polyu {name}": lambda data, key=key: real(data, "polyu", key) for name, key in CAMERAS.items()},
    "cc15": lambda data: real(data, "cc15"),
    "nam": lambda data: real(data, "nam"),
    "sidd": lambda data: real(data, "sidd"),
    "w2s": lambda data: real(data, "w2s", stretched=True),
    "fmd zebrafish": lambda data: real(data, "fmd", "fish"),
    "fmd widefield": lambda data: real(data, "fmd", "widefield"),
    "bacteria high": lambda data: real(data, "bacteria", "high", shifted=True),
    "bacteria low": lambda data: real(data, "bacteria", "low", shifted=True),
    "gigadb": lambda data: real(data, "gigadb", stretched=True),
    "kodak24, sigma 5": lambda data: synthetic(data, Gaussian(5 / 255)),
    "mcmaster, sigma 5": lambda data: synthetic(data, Gaussian(5 / 255), "mcmaster"),
    "kodak24, sigma 10": lambda data: synthetic(data, Gaussian(10 / 255)),
    "kodak24, sigma 25": lambda data: synthetic(data, Gaussian(25 / 255)),
    "kodak24, Poisson-Gaussian": lambda data: synthetic(data, PoissonGaussian(0.01, 0.02)),
    "kodak24, correlated 15": lambda data: synthetic(data, CorrelatedGaussian(15 / 255, 1.0)),
    "dnd": lambda data: unpaired(data, "dnd/noisy_only"),
    "rni15": lambda data: unpaired(data, "rni15"),
    "rni6": lambda data: unpaired(data, "rni6"),
    "sidd, noisy only": lambda data: unpaired(data, "sidd/noisy_only"),
    "micrographs, noisy only": lambda data: unpaired(data, "microscopy/noisy_only"),
}


def residual(pair: Pair) -> np.ndarray:
    """The true noise, without slow variation."""
    assert pair.clean is not None
    noise = pair.noisy - pair.clean
    return noise - gaussian_filter(noise, (0, 8, 8))


def true_lags(noise: Sequence[np.ndarray]) -> dict[str, list[float]]:
    """Correlation at lags 1 to 6 along rows and columns, mean over images and channels."""
    lags = {}
    for name, axis in (("lags_x", 2), ("lags_y", 1)):
        rows = []
        for image in noise:
            moved = np.moveaxis(image, axis, 2)
            moved = moved[np.square(moved).mean((1, 2)) > 0]  # false colours leave channels empty
            rows.append(
                [(moved[..., k:] * moved[..., :-k]).mean((1, 2)) / np.square(moved).mean((1, 2)) for k in range(1, 7)]
            )
        lags[name] = [float(v) for v in np.mean([np.mean(row, 1) for row in rows], 0)]
    return lags


def true_curve(chosen: Sequence[Pair], noise: Sequence[np.ndarray]) -> tuple[float, float]:
    """Gain and constant of the true noise, over pixels that are not clipped."""
    clean = np.concatenate([p.clean.ravel() for p in chosen if p.clean is not None])
    square = np.concatenate([np.square(n).ravel() for n in noise])
    inside = np.concatenate([((p.noisy > 0) & (p.noisy < 1)).ravel() for p in chosen])
    clean, square = clean[inside], square[inside]
    edges = np.quantile(clean, np.linspace(0, 1, BINS + 1))
    member = np.clip(np.searchsorted(edges, clean, side="right") - 1, 0, BINS - 1)
    count = np.bincount(member, minlength=BINS)
    used = count > 500
    x, y = (np.bincount(member, v, BINS)[used] / count[used] for v in (clean, square))
    design = np.stack([x, np.ones_like(x)], 1) / y[:, None]
    (gain, constant), *_ = np.linalg.lstsq(design, np.ones_like(y), rcond=None)
    return float(gain), float(constant)


def truth(chosen: Sequence[Pair]) -> dict[str, Any]:
    noise = [residual(pair) for pair in chosen]
    gain, constant = true_curve(chosen, noise)
    sigma = float(np.sqrt(np.mean([np.square(n).mean() for n in noise])))
    return {"sigma": sigma, "gain": gain, "constant": constant, **true_lags(noise)}


def estimate(chosen: Sequence[Pair]) -> NoiseStatistics:
    """Measure the images that have as many channels as the first."""
    channels = len(chosen[0].noisy)
    level = max(p.level for p in chosen)
    return measure_noise([p.noisy for p in chosen if len(p.noisy) == channels], grey_level=level)


def measure_set(chosen: Sequence[Pair]) -> dict[str, Any]:
    found = estimate(chosen)
    advice = advise(found)
    wavelet = [float(np.mean([estimate_sigma(c) for c in p.noisy if c.any()])) for p in chosen]
    return {
        "images": len(chosen),
        "estimate": {
            key: getattr(found, key) for key in ("sigma", "gain", "constant", "lags_x", "lags_y", "spread", "blockiness")
        },
        "truth": truth(chosen) if chosen[0].clean is not None else None,
        "wavelet_sigma": float(np.mean(wavelet)),
        "advice": {
            "suitable": advice.suitable, "stride": advice.stride, "stride_test": advice.stride_test, "noise": advice.noise,
            "scope": advice.scope,
            "reasons": advice.reasons,
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS), metavar="SET")
    options = parser.parse_args()
    print("estimate / truth; sigma, wavelet and gain in grey levels of 8 bits (gain: variance / intensity)")
    print("| set | images | sigma | wavelet | gain | lag 1 x | lag 1 y | lag 2 x | advice |")
    print("|---|---|---|---|---|---|---|---|---|")
    rows = {}
    for name in options.sets:
        rows[name] = measure_set(SETS[name](options.data))
        print("| " + " | ".join(measured_row(name, rows[name])) + " |", flush=True)
    print(write_result("noise_statistics", {"sets": rows}))


if __name__ == "__main__":
    main()
