"""White noise: networks on phases against half-plane networks with a hole of one pixel, trained for the same time.

    python -m benchmarks.white_networks --data ../shared/data --seconds 150

The middle 256 x 256 pixels of photographs of kodak24 with Gaussian noise of sigma 25 of 255, in 8 bits. Each network is trained
on the noisy images alone for the same time of one core, with the Gaussian noise model, and denoises the same images: by its
prediction from the surroundings alone, and with the noisy pixel (posterior and Wiener filter, which is the default). For
microscopy, ``python -m benchmarks.w2s --model halfplane --noise auto`` is the same question. Writes
benchmarks/results/white_networks.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.camera_schemes import score
from benchmarks.correlated_noise import bm3d_with_spectrum, noisy_photographs, trained
from benchmarks.datasets import DEFAULT
from benchmarks.measure import write_result
from bsn.data import CorrelatedGaussian
from bsn.training import TrainConfig

SIGMA = 25
NETWORKS = ("phase-unet-tiny", "halfplane", "halfplane-cells")


def config_of(network: str) -> TrainConfig:
    """Settings of a training for white noise."""
    hole = "pixel" if network.startswith("halfplane") else "none"
    return TrainConfig(network, start=None, stride=1, hole=hole, noise="gaussian", crop=96)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    parser.add_argument("--seconds", type=float, default=150, help="of one core for each training")
    parser.add_argument("--images", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    noise = CorrelatedGaussian(SIGMA / 255, kernel=np.ones((1, 1)))
    images = noisy_photographs(options.data, noise, options.images)
    rows: dict[str, Any] = {
        "noisy": score(images, lambda image: image),
        "BM3D, true sigma": score(images, bm3d_with_spectrum(noise)),
    }
    for network in options.networks:
        ways = {network: {}, f"{network}, surroundings alone": {"posterior": False, "wiener": False}}
        rows |= trained(config_of(network), images, options.seconds, ways)
        print(json.dumps(rows), flush=True)
        write_result("white_networks", {"seconds": options.seconds, "images": options.images, "rows": rows})


if __name__ == "__main__":
    main()
