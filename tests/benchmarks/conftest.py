"""A small collection of image sets, as the benchmarks read them: noisy files, clean files and an index."""

import csv

import numpy as np
import pytest
import tifffile
from PIL import Image


@pytest.fixture
def collection(tmp_path):
    """Folder with 3 grey stacks-of-one ("w2s") and 3 colour photographs ("polyu") of 64 x 64 pixels, one of each to test."""
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
    return tmp_path
