"""The picture of the README: a noisy photograph, the same denoised, and the truth.

    python -m benchmarks.picture [--steps 1500] [--threads 2]

Trains on noisy versions of five photographs that come with scikit-image, and shows a part of one that was not among them.
Writes docs/images/denoised.jpg and benchmarks/results/picture.json. The photograph (NASA) is in the public domain.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import bsn
from benchmarks.measure import write_result
from bsn.data.photographs import TEST_PHOTOGRAPH, TRAINING_PHOTOGRAPHS, noisy, photograph
from bsn.engine import LoopConfig
from bsn.evaluation import get_protocol

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "denoised.jpg"
PART = (slice(None), slice(0, 256), slice(96, 352))
GAP = 8


def save(panels: list[np.ndarray], path: Path) -> None:
    """Panels (3, H, W) in [0, 1] side by side, white between them."""
    space = np.ones((3, panels[0].shape[1], GAP), np.float32)
    joined = [part for panel in panels for part in (panel, space)][:-1]
    pixels = np.moveaxis(np.clip(np.concatenate(joined, 2), 0, 1), 0, -1)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((255 * pixels).round().astype(np.uint8)).save(path, quality=88)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    training = [noisy(photograph(name), seed) for seed, name in enumerate(TRAINING_PHOTOGRAPHS, 1)]
    truth = photograph(TEST_PHOTOGRAPH)
    image = noisy(truth, 0)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        bsn.train(training, run, loop=LoopConfig(steps=options.steps, validate_every=0), axes="CYX")
        result = np.asarray(bsn.Denoiser(run, ensemble=True)(image, "CYX"))
    protocol = get_protocol("float")
    scores = {name: protocol.score(x, truth).psnr for name, x in (("noisy", image), ("denoised", result))}
    save([x[PART] for x in (image, result, truth)], PICTURE)
    content = {"photograph": TEST_PHOTOGRAPH, "steps": options.steps, "psnr": scores, "protocol": protocol.name}
    print(scores, PICTURE, write_result("picture", content))


if __name__ == "__main__":
    main()
