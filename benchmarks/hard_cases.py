"""Hard cases: text, skin, fur, stars, brick, night, red, skies and edges, with white noise and with that of a camera.

    python -m benchmarks.hard_cases --data ../shared/data -o SHEETS [--cases text stars] [--docs]

Each sheet has three rows, white noise of 25 grey levels, a camera with strong noise and one with weak noise, and the columns
noisy, non-local means at the measured level, photo-base, camera-base, clean, and the error of the fitting model, times four
around grey. Writes benchmarks/results/hard_cases.json; what an earlier run has measured of other cases stays in it. --docs also
writes the small pictures of the page, without the last row. The photographs are among those that the models were trained on,
all but the face; the noise is not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as Pillow

from benchmarks.camera_schemes import to_bytes
from benchmarks.datasets import DEFAULT
from benchmarks.hard_case_images import HardCase, hard_cases
from benchmarks.hard_case_numbers import colour_cast, found_stars, haloes, run_length, slow_error
from benchmarks.measure import RESULTS, write_result
from benchmarks.polyu import measured_sigma, non_local_means
from bsn.data import Gaussian, random_camera
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser

SHOWN_CASES = ("skin and hair", "saturated red", "night", "text", "stars", "edges")
PICTURES = Path(__file__).parents[1] / "docs" / "images" / "hard_cases"
AMPLIFIED, SHOWN = 4, 128
_CAMERAS = {
    "camera": 5,
    "weak camera": 3,
}  # seeds of cameras whose neighbours share their noise: 24 and 34 dB on a face
FITTING = {"white": "photo-base", "camera": "camera-base", "weak camera": "camera-base"}
BOXED = ("photo-base", "camera-base")
COMMAND = "python -m benchmarks.hard_cases -o SHEETS --docs"  # of all cases, those of earlier calls as well
Way = Callable[[np.ndarray], np.ndarray]


def noisy_versions(case: HardCase) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Kind of noise to (noisy, clean), both (3, H, W) in 8 bits as files hold them, range [0, 1]."""
    white = Gaussian.from_grey_levels(25)(case.clean, np.random.default_rng(1))
    pairs = {"white": (white, case.clean)}
    for name, seed in _CAMERAS.items():
        pairs[name] = random_camera(np.random.default_rng(seed), (1.0, 1.0)).pair(case.clean, 1)
    return {name: (to_bytes(noisy) / np.float32(255), clean) for name, (noisy, clean) in pairs.items()}


def ways() -> dict[str, Way]:
    """Methods by name; each maps (3, H, W) to the same."""
    found: dict[str, Way] = {
        "noisy": lambda noisy: noisy,
        "non-local means": lambda noisy: non_local_means(noisy, measured_sigma(noisy)),
    }
    return found | {name: boxed(name) for name in BOXED}


def boxed(name: str) -> Way:
    """A model in the box, given the bytes of a file."""
    denoiser = Denoiser(name, device="cpu")
    return lambda noisy: denoiser(to_bytes(noisy), "CYX") / np.float32(255)


def numbers(case: HardCase, result: np.ndarray, clean: np.ndarray) -> dict[str, Any]:
    """What went wrong, and PSNR."""
    found: dict[str, Any] = {
        "psnr": get_protocol("rgb8").score(result, clean).psnr,
        "colour_cast": colour_cast(result, clean),
        "haloes": haloes(result, clean),
        "slow_error": slow_error(result, clean),
    }
    if case.stars:
        found["stars"] = found_stars(result, clean, case.stars)
    if case.smooth:
        found |= {"run_length": run_length(result), "run_length_clean": run_length(clean)}
    return found


def sheet(results: dict[str, dict[str, np.ndarray]], cleans: dict[str, np.ndarray]) -> np.ndarray:
    """Rows of noise, columns of methods, truth and residual; (h, w, 3), 8 bits."""
    rows = []
    for noise, row in results.items():
        left = 0.5 + AMPLIFIED * (row[FITTING[noise]] - cleans[noise])
        rows.append(np.concatenate([to_bytes(image) for image in (*row.values(), cleans[noise], left)], 2))
    return np.moveaxis(np.concatenate(rows, 1), 0, -1)


def save_small(results: dict[str, dict[str, np.ndarray]], cleans: dict[str, np.ndarray], path: Path) -> None:
    """The middle of each column for the page."""
    low = (next(iter(cleans.values())).shape[-1] - SHOWN) // 2
    part = (slice(None), slice(low, low + SHOWN), slice(low, low + SHOWN))
    rows = {noise: row for noise, row in results.items() if noise != "weak camera"}
    cut = {noise: {name: image[part] for name, image in row.items()} for noise, row in rows.items()}
    picture = sheet(cut, {noise: clean[part] for noise, clean in cleans.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(picture).save(path, quality=78)


def main() -> None:
    """Denoise, draw and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the sheets")
    parser.add_argument("--cases", nargs="+", help="some of the cases, by name")
    parser.add_argument("--docs", action="store_true", help="write the small pictures of the page, too")
    options = parser.parse_args()
    torch.set_num_threads(2)
    options.output.mkdir(parents=True, exist_ok=True)
    methods, stored = ways(), RESULTS / "hard_cases.json"
    table = json.loads(stored.read_text(encoding="utf-8"))["table"] if stored.exists() else {}
    for case in hard_cases(options.data / "free"):
        if options.cases and case.name not in options.cases:
            continue
        versions = noisy_versions(case)
        results = {
            noise: {name: np.asarray(way(noisy), np.float32) for name, way in methods.items()}
            for noise, (noisy, _) in versions.items()
        }
        cleans = {noise: np.asarray(clean, np.float32) for noise, (_, clean) in versions.items()}
        file = case.name.replace(" ", "_")
        Pillow.fromarray(sheet(results, cleans)).save(options.output / f"{file}.png")
        if options.docs and case.name in SHOWN_CASES:
            save_small(results, cleans, PICTURES / f"{file}.jpg")
        table[case.name] = {
            noise: {name: numbers(case, image, cleans[noise]) for name, image in row.items()}
            for noise, row in results.items()
        }
        for noise, row in table[case.name].items():
            print(case.name, noise, "  ".join(f"{name} {found['psnr']:.2f}" for name, found in row.items()), flush=True)
        print(write_result("hard_cases", {"command": COMMAND, "protocol": "rgb8", "table": table}), flush=True)


if __name__ == "__main__":
    main()
