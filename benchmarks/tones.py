"""The tones of results of strong noise: on simulated cameras in poor light, as they are and corrected.

    python -m benchmarks.tones --data ../shared/data [--every 4]

Every fourth image of CBSD68 is photographed by a camera of its own (`bsn.data.random_camera` with gains from 0.006 to 0.03),
written in 8 bits, and denoised by non-local means at the measured noise level, which estimate the mean of the noisy values as
blind networks do, and by the model in the box for cameras, which has learned what such cameras do to tones. Both are scored as
they are and with the tones of the median (:mod:`bsn.inference.tones`). Writes benchmarks/results/tones.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from benchmarks.datasets import DEFAULT
from benchmarks.measure import write_result
from benchmarks.polyu import measured_sigma, non_local_means
from bsn.data import list_images, random_camera, read_image, to_planes
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.inference.tones import measure_tones

SIDE = 320
GAINS = (6e-3, 3e-2)


def corrected(noisy: np.ndarray, result: np.ndarray) -> np.ndarray:
    """A result with the tones of the median."""
    image = torch.from_numpy(result)[None]
    tones = measure_tones([torch.from_numpy(noisy)[None]], [image])
    return result if tones is None else np.asarray(tones(image)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--every", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    boxed, score = Denoiser("camera-base", device="cpu", polish=False), get_protocol("rgb8").score
    rows = []
    for index, path in enumerate(list_images(options.data / "clean" / "cbsd68")[:: options.every]):
        image = read_image(path)
        scene = to_planes(image.pixels, image.axes)[0][0][:, :SIDE, :SIDE]
        shot, clean = random_camera(np.random.default_rng((5, index)), (1.0, 1.0), GAINS).pair(scene, index)
        written = np.rint(np.clip(shot, 0, 1) * 255).astype(np.uint8)
        noisy = written / np.float32(255)
        results = {
            "non-local means": np.asarray(non_local_means(noisy, measured_sigma(noisy)), np.float32),
            "camera-base": np.asarray(boxed(written, "CYX"), np.float32) / np.float32(255),
        }
        row = {"noisy": score(noisy, clean).psnr, "mean_of_noise": float(255 * (noisy - clean).mean())}
        for name, result in results.items():
            row[name] = score(result, clean).psnr
            row[f"{name}, corrected"] = score(corrected(noisy, result), clean).psnr
        rows.append({"image": path.name, **row})
        print(rows[-1], flush=True)
    gains = {
        name: np.array([row[f"{name}, corrected"] - row[name] for row in rows])
        for name in ("non-local means", "camera-base")
    }
    summary = {
        name: {"mean": float(gain.mean()), "least": float(gain.min()), "most": float(gain.max())}
        for name, gain in gains.items()
    }
    print(write_result("tones", {"gains": GAINS, "side": SIDE, "summary": summary, "images": rows}))


if __name__ == "__main__":
    main()
