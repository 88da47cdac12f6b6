"""A small collection of image sets, as the benchmarks read them: noisy files, clean files and an index."""

import csv

import numpy as np
import pytest
import tifffile
from PIL import Image


@pytest.fixture
def collection(tmp_path):
    """Folder with 3 grey images ("w2s"), 3 photographs ("polyu"), one of each to test, and rain on small photographs."""
    random = np.random.default_rng(0)
    rows = []
    for name, suffix, shape in (("w2s", "tif", (64, 64)), ("polyu", "png", (96, 96, 3))):
        for number, split in enumerate(("train", "train", "test")):
            clean = np.clip(random.integers(40, 200, shape[2:]) + 30 * random.random(shape), 0, 255)
            noisy = np.clip(clean + random.normal(0, 20, shape), 0, 255)
            row = {"set": name, "split": split}
            for kind, pixels in (("noisy", noisy), ("clean", clean)):
                path = tmp_path / name / kind / f"{name}_{number}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                if suffix == "tif":
                    tifffile.imwrite(path, pixels.astype(np.uint8))
                else:
                    Image.fromarray(pixels.astype(np.uint8)).save(path)
                row[kind] = str(path.relative_to(tmp_path))
            rows.append(row)
    with (tmp_path / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["set", "split", "noisy", "clean"])
        writer.writeheader()
        writer.writerows(rows)
    _add_rain(tmp_path / "rain", random)
    return tmp_path


def _add_rain(folder, random):
    for split in ("train", "test"):
        for number in range(4 if split == "train" else 1):
            clean = random.integers(0, 256, 3) * np.ones((64, 64, 1))
            name = f"{split}_{number}.png"  # the files of a pair have one name
            for kind in ("rain100l/{}/clean", "rain100l/{}/rainy", "rain100h/{}/rainy"):
                path = folder / kind.format(split) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                rain = 0 if "clean" in kind else 60 * (random.random((64, 64, 1)) > 0.9)
                Image.fromarray(np.clip(clean + rain, 0, 255).astype(np.uint8)).save(path)
