"""First and second network of the models in the box for white noise, on free photographs that no model has learned.

    python -m benchmarks.second_networks --data ../shared/data/free [--names photo-tiny photo-base]

The middle 384 x 384 pixels of the photographs whose names begin with "ms-". Their colours are as they are, in the order green,
blue, red, invented (a bright, a shifted and an empty channel), or a quarter as bright. Gaussian noise of 5, 15, 25 and 50 grey
levels; results are clipped to [0, 1], one pass in float32. Which noise the second network is taken for was chosen by this.
Prints a table, writes benchmarks/results/second_networks.json.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import write_result
from bsn.data import Gaussian, list_images, read_image, to_planes
from bsn.evaluation import get_protocol
from bsn.models import LightPair, load

SIGMAS = (5, 15, 25, 50)
SIDE = 384


def invented(clean: np.ndarray) -> np.ndarray:
    """Colours as of two dyes under a microscope, and a channel that is nearly empty."""
    grey = clean.mean(0)
    return np.stack([grey**2, 0.6 * np.roll(grey, 40, 1), np.full_like(grey, 0.02)])


COLOURS = {
    "as they are": lambda clean: clean,
    "exchanged": lambda clean: clean[[1, 2, 0]],
    "invented": invented,
    "a quarter as bright": lambda clean: clean / 4,
}


def middle(path: Path) -> np.ndarray:
    """Middle of a photograph, shape (3, h, w), range [0, 1]."""
    image = read_image(path)
    clean = to_planes(image.pixels, image.axes)[0][0]
    top, left = (max(side - SIDE, 0) // 2 for side in clean.shape[1:])
    return clean[:, top : top + SIDE, left : left + SIDE]


@torch.inference_mode()
def gains(pair: LightPair, photographs: list[np.ndarray], sigma: float) -> dict[str, float]:
    """Mean PSNR of either network."""
    protocol, found = get_protocol("float"), {"first": [], "second": []}
    for index, clean in enumerate(photographs):
        noisy = torch.from_numpy(Gaussian.from_grey_levels(sigma)(clean, np.random.default_rng((index, sigma))))[None]
        for name, network in (("first", pair.every), ("second", pair.colour)):
            found[name].append(protocol.score(network(noisy)[0].clamp(0, 1).numpy(), clean).psnr)
    return {name: float(np.mean(scores)) for name, scores in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/free"))
    parser.add_argument("--names", nargs="+", default=["photo-tiny", "photo-base"])
    options = parser.parse_args()
    photographs = [middle(path) for path in list_images(options.data / "photos") if path.name.startswith("ms-")]
    table = {}
    for name in options.names:
        pair = load(name).network
        assert isinstance(pair, LightPair)
        for colours, change in COLOURS.items():
            changed = [np.ascontiguousarray(change(clean), np.float32) for clean in photographs]
            table[f"{name}, {colours}"] = row = {str(sigma): gains(pair, changed, sigma) for sigma in SIGMAS}
            told = "  ".join(f"{sigma}: {value['first']:.2f} -> {value['second']:.2f}" for sigma, value in row.items())
            print(f"{name}, {colours}: {told}", flush=True)
    print(write_result("second_networks", {"images": len(photographs), "table": table}))


if __name__ == "__main__":
    main()
