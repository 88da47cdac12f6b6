"""Error of the measured covariance of noise, image by image, beside that of the older measurement: every set of pairs.

    python -m benchmarks.noise_covariance [--data ../shared/data] [--sets cc15 nam ...] [--most 12]

Truth: as in :mod:`benchmarks.noise_statistics`. For each image and channel, the standard deviation that is measured is
divided by the true one: over the whole image, and where the clean image is flat (the flatter half of its blocks), since cameras
and JPEG leave more noise in texture than the flat parts show. "Before" is the line through the noise curve of
:func:`bsn.noise.measure_noise`, "after" is :func:`bsn.noise.measure_covariance`. Correlations are means over channels, and
those "after" are of noise drawn from the covariance. The level over intensity stands in the JSON, in four ranges of as many
pixels. The settings were tuned on synthetic camera noise and the training part of PolyU only ("polyu, train"). Prints a table,
writes benchmarks/results/noise_covariance.json.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from benchmarks.datasets import DEFAULT, pairs
from benchmarks.measure import write_result
from benchmarks.noise_statistics import CAMERAS, SETS, Pair, aligned, load, residual
from bsn.data import DataError
from bsn.noise import draw_noise, measure_covariance, measure_noise

LAGS = ((0, 1), (1, 0), (1, 1))
SIDE = 16
SMOOTHING = 2.0  # pixels: the intensity by which the level is looked up is that of the smoothed noisy image
PARTS = 4
UNPAIRED = ("dnd", "rni15", "rni6", "sidd, noisy only", "micrographs, noisy only")


def polyu_part(data: Path, split: str, camera: str) -> list[Pair]:
    """Pairs of one camera in one split of PolyU."""
    found = []
    for row in pairs(data, "polyu", split):
        if row.degraded.name.startswith(camera):
            noisy, level = load(row.degraded)
            found.append(Pair(noisy, aligned(noisy, load(row.clean)[0], shifted=False, stretched=False), level))
    return found


def block_means(plane: np.ndarray) -> np.ndarray:
    """Means over blocks of 16 x 16 pixels, for each channel."""
    rows, columns = plane.shape[1] // SIDE, plane.shape[2] // SIDE
    cut = plane[:, : rows * SIDE, : columns * SIDE].reshape(len(plane), rows, SIDE, columns, SIDE)
    means: np.ndarray = cut.mean((2, 4)).reshape(len(plane), -1)
    return means


def correlations(noise: np.ndarray) -> list[float]:
    """Correlation at each of the lags, mean over channels."""
    height, width = noise.shape[1:]
    found = []
    for dy, dx in LAGS:
        product = (noise[:, : height - dy, : width - dx] * noise[:, dy:, dx:]).mean((1, 2))
        found.append(float(np.mean(product / np.maximum(np.square(noise).mean((1, 2)), 1e-20))))
    return found


def before(pair: Pair) -> tuple[np.ndarray, list[float]]:
    """Variance of each pixel by the older measurement, and its correlations, those of the diagonal taken as the product."""
    found = measure_noise([pair.noisy], grey_level=pair.level)
    line = found.gain * gaussian_filter(pair.noisy, (0, SMOOTHING, SMOOTHING)) + found.constant
    x, y = found.lags_x[0], found.lags_y[0]
    return np.maximum(line, 0.05 * found.sigma**2), [x, y, x * y]


def after(pair: Pair) -> tuple[np.ndarray, list[float]]:
    """Variance of each pixel by the covariance, and the correlations of noise drawn from it."""
    found = measure_covariance(pair.noisy, pair.level)
    intensity = torch.from_numpy(gaussian_filter(pair.noisy.astype(np.float64), (0, SMOOTHING, SMOOTHING)))[None]
    variance = found.level(intensity).square() * found.variance()[:, None, None]
    drawn = draw_noise(found, (1, *pair.noisy.shape[1:]), torch.Generator().manual_seed(0))
    return variance[0].numpy(), correlations(drawn[0].numpy())


def compare(pair: Pair, clean: np.ndarray) -> dict[str, Any]:
    """All ratios of one image."""
    noise = residual(pair)
    steps = clean - gaussian_filter(clean, (0, 8, 8))
    texture = block_means(np.square(steps)).mean(0)
    flat = np.argsort(texture)[: max(len(texture) // 2, 1)]
    true_blocks, whole = block_means(np.square(noise)), np.square(noise).mean((1, 2))
    used = whole > 0  # false colours leave channels empty
    edges = np.quantile(clean, np.linspace(0, 1, PARTS + 1))
    row: dict[str, Any] = {"true_sigma": np.sqrt(whole).tolist(), "true_lags": correlations(noise[used])}
    for name, measure in (("before", before), ("after", after)):
        try:
            variance, lags = measure(pair)
        except DataError as error:
            row[name] = str(error)
            continue
        blocks = block_means(variance)
        by_intensity = []
        for low, high in itertools.pairwise(edges):
            inside = (clean >= low) & (clean <= high)
            by_intensity.append(float(np.sqrt(variance[inside].mean() / max(np.square(noise)[inside].mean(), 1e-20))))
        row[name] = {
            "ratio": np.sqrt(variance.mean((1, 2))[used] / whole[used]).tolist(),
            "ratio_flat": np.sqrt(
                blocks[used][:, flat].mean(1) / np.maximum(true_blocks[used][:, flat].mean(1), 1e-20)
            ).tolist(),
            "ratio_by_intensity": by_intensity,
            "lags": lags,
        }
    return row


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Median, worst and mean error over images and channels, before and after."""
    found: dict[str, Any] = {"images": len(rows), "true_lags": np.mean([row["true_lags"] for row in rows], 0).tolist()}
    for name in ("before", "after"):
        measured = [row[name] for row in rows if isinstance(row[name], dict)]
        if not measured:
            continue
        found[name] = {"measured": len(measured), "lags": np.mean([m["lags"] for m in measured], 0).tolist()}
        for key in ("ratio", "ratio_flat"):
            values = np.concatenate([m[key] for m in measured])
            logs = np.abs(np.log(np.maximum(values, 1e-6)))
            found[name][key] = {
                "median": float(np.median(values)), "worst": float(values[np.argmax(logs)]), "error": float(logs.mean()),
            }  # fmt: skip
        found[name]["ratio_by_intensity"] = np.median([m["ratio_by_intensity"] for m in measured], 0).tolist()
    return found


def cells(name: str, found: dict[str, Any]) -> list[str]:
    """Row of the table, before > after."""

    def both(key: str, part: str) -> str:
        return " > ".join(f"{found[side][key][part]:.2f}" for side in ("before", "after") if side in found)

    lags = " ".join(
        f"{true:.2f}:{before:.2f}>{after:.2f}"
        for true, before, after in zip(
            found["true_lags"], found.get("before", found["after"])["lags"], found["after"]["lags"], strict=True
        )
    )
    keys = [(key, part) for key in ("ratio_flat", "ratio") for part in ("median", "worst", "error")]
    return [name, str(found["images"]), *(both(*key) for key in keys), lags]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--most", type=int, default=12, help="Images of a set, evenly spread.")
    parser.add_argument("--sets", nargs="+", default=None, metavar="SET")
    options = parser.parse_args()
    readers = {
        **{
            f"polyu, {split}, {name}": lambda data, split=split, key=key: polyu_part(data, split, key)
            for split in ("train", "test")
            for name, key in CAMERAS.items()
        },
        **{name: read for name, read in SETS.items() if not name.startswith("polyu") and name not in UNPAIRED},
    }
    print(
        "measured over true standard deviation, before > after; error: mean of |log|; correlations: true:before>after"
    )
    print("| set | images | flat: median | worst | error | whole: median | worst | error | lags (0,1) (1,0) (1,1) |")
    print("|---|---|---|---|---|---|---|---|---|")
    results, path = {}, None
    for name in options.sets or readers:
        chosen = readers[name](options.data)
        step = max(-(-len(chosen) // options.most), 1)
        rows = [compare(pair, pair.clean) for pair in chosen[::step] if pair.clean is not None]
        if not rows:
            continue
        results[name] = {**summary(rows), "rows": rows}
        print("| " + " | ".join(cells(name, results[name])) + " |", flush=True)
        path = write_result("noise_covariance", {"sets": results, "most": options.most})
    print(path)


if __name__ == "__main__":
    main()
