"""Counts of few photons: mean and PSNR of the model in the box and of classical filters, and of models trained on such counts.

``python -m benchmarks.counts`` writes ``results/counts.json``; ``--steps 300`` also trains, at the means of ``--trained``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import write_result

MEANS = (0.3, 0.7, 2.0, 5.0, 20.0)
_SIDE, _CORNER = 256, 100
_SIGMAS = (0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # pixels
_STRENGTHS = (0.4, 0.6, 0.8, 1.0, 1.3)  # standard deviations of the stabilised noise
_TRAINED = {
    "auto": {},
    "surroundings alone, poisson-l2": {"noise": "none"},
    "surroundings alone, l1": {"noise": "none", "loss": "l1"},
}


def main() -> None:
    """Measure, train if asked for, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=0, help="training steps of each model; 0 trains none")
    parser.add_argument("--trained", type=float, nargs="*", default=[0.7], help="means at which models are trained")
    options = parser.parse_args()
    scores = {}
    for mean in MEANS:
        truth = _scene("camera", mean)
        noisy = np.random.default_rng(0).poisson(truth).astype(np.float32)
        rows = {"truth": {"mean": float(truth.mean())}}
        rows |= {name: _score(result, truth) for name, result in _results(noisy, truth).items()}
        if options.steps and mean in options.trained:
            rows |= {name: _score(result, truth) for name, result in _trained(noisy, mean, options.steps)}
        scores[f"{mean:g}"] = rows
        for name, row in rows.items():
            print(f"{mean:5g}  {name:50s}", "  ".join(f"{key} {value:.3f}" for key, value in row.items()), flush=True)
    print(write_result("counts", {"image": "camera, 256 x 256", "steps": options.steps, "scores": scores}))


def _scene(name: str, mean: float) -> np.ndarray:
    from skimage import data

    whole = getattr(data, name)().astype(np.float64)
    part = whole[_CORNER : _CORNER + _SIDE, _CORNER : _CORNER + _SIDE]
    return part / part.mean() * mean


def _score(result: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    error = float(np.mean((result.astype(np.float64) - truth) ** 2))
    return {"mean": float(result.mean()), "psnr": float(10 * np.log10(truth.max() ** 2 / error))}


def _results(noisy: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    import bsn

    def box(**options: Any) -> np.ndarray:
        return np.asarray(bsn.denoise(noisy, value_range=(0, 65535), device="cpu", **options))

    return {
        "noisy": noisy,
        "Gaussian filter": _best(_gaussian(noisy), truth),
        "non-local means": _best(_non_local_means(noisy), truth),
        "model in the box, mean not kept": box(keep_mean=False),
        "model in the box": box(),
        "model in the box, in integers": np.asarray(bsn.denoise(noisy.astype(np.uint16), device="cpu")),
    }


def _best(results: Iterable[np.ndarray], truth: np.ndarray) -> np.ndarray:
    """The best of several settings, chosen by the truth: an upper bound of the method."""
    return min(results, key=lambda result: float(np.mean((result - truth) ** 2)))


def _gaussian(noisy: np.ndarray) -> Iterable[np.ndarray]:
    from scipy.ndimage import gaussian_filter

    return (gaussian_filter(noisy.astype(np.float64), sigma) for sigma in _SIGMAS)


def _non_local_means(noisy: np.ndarray) -> Iterable[np.ndarray]:
    """On the Anscombe transform, and back by its exact unbiased inverse (Mäkitalo and Foi, IEEE TIP 2011)."""
    from skimage.restoration import denoise_nl_means

    back = _unbiased_inverse()
    stabilised = _anscombe(noisy)
    for strength in _STRENGTHS:
        yield back(denoise_nl_means(stabilised, patch_size=7, patch_distance=11, h=strength, sigma=1.0, fast_mode=True))


def _anscombe(counts: np.ndarray) -> np.ndarray:
    return 2 * np.sqrt(counts.astype(np.float64) + 0.375)


def _unbiased_inverse() -> Callable[[np.ndarray], np.ndarray]:
    """Mean count by the mean of its Anscombe transform."""
    from scipy.stats import poisson

    counts = np.arange(700)
    means = np.concatenate([np.linspace(0, 5, 501), np.linspace(5.05, 400, 8000)])
    expected = np.array([float((_anscombe(counts) * poisson.pmf(counts, mean)).sum()) for mean in means])
    return lambda stabilised: np.interp(stabilised, expected, means)


def _trained(noisy: np.ndarray, mean: float, steps: int) -> Iterable[tuple[str, np.ndarray]]:
    """Results of models that saw noisy counts of other photographs."""
    import bsn
    from bsn.engine import LoopConfig
    from bsn.training import TrainConfig

    rng = np.random.default_rng(1)
    images = [rng.poisson(_scene(name, mean)).astype(np.uint16) for name in ("brick", "grass", "gravel", "moon")]
    for name, settings in _TRAINED.items():
        with tempfile.TemporaryDirectory() as folder:
            loop = LoopConfig(steps=steps, validate_every=0, accelerator="cpu")
            bsn.train(images, Path(folder) / "run", TrainConfig(model="phase-unet-tiny", start=None, **settings), loop)
            for keep, suffix in ((False, ", mean not kept"), (None, "")):
                result = bsn.denoise(
                    noisy, bsn.load(Path(folder) / "run"), value_range=(0, 65535), device="cpu", keep_mean=keep
                )
                yield f"trained: {name}{suffix}", np.asarray(result)


if __name__ == "__main__":
    main()
