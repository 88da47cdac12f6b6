"""Time of the denoisers in the box for one photograph, 8 bits in and out: each network alone, and the whole call.

    python -m benchmarks.box_times [--threads 2] [--size 512] [--repeats 15]

The ways take turns call by call. bfloat16 is measured where the processor computes in it (``--precision auto`` takes it there).
Prints a table, writes benchmarks/results/box_times.json.
"""

from __future__ import annotations

import argparse
import functools

import numpy as np
import torch

from benchmarks.measure import alternate, write_result
from bsn.data.photographs import TEST_PHOTOGRAPH, photograph
from bsn.engine.devices import best_precision
from bsn.inference import Denoiser
from bsn.models import LightPair
from bsn.models.bundled import boxed_models

SIGMA = 25  # grey levels


def noisy_photograph(size: int) -> np.ndarray:
    """A photograph of (size, size, 3) in 8 bits with white noise."""
    part = photograph(TEST_PHOTOGRAPH)
    times = [-(-size // side) for side in part.shape[1:]]
    clean = 255 * np.tile(part, (1, *times))[:, :size, :size].transpose(1, 2, 0)
    return np.clip(np.rint(clean + np.random.default_rng(0).normal(0, SIGMA, clean.shape)), 0, 255).astype(np.uint8)


def times_of(name: str, image: np.ndarray, repeats: int) -> dict[str, float]:
    """Median seconds of each way for a model in the box."""
    native = best_precision("cpu") == "bf16-mixed"
    calls = {"whole call": "32", **({"whole call, bfloat16": "bf16"} if native else {})}
    denoisers = {way: Denoiser(name, device="cpu", precision=precision) for way, precision in calls.items()}
    network = denoisers["whole call"].model.network.eval()
    networks = {"network alone": network}
    if isinstance(network, LightPair):
        networks["second network alone"] = network.colour
    x = torch.rand(1, 3, *image.shape[:2]).contiguous(memory_format=torch.channels_last)

    def alone(network: torch.nn.Module) -> None:
        with torch.inference_mode():
            network(x)

    ways = {name: functools.partial(alone, network) for name, network in networks.items()}
    ways |= {way: lambda denoiser=denoiser: denoiser(image) for way, denoiser in denoisers.items()}
    return alternate(ways, repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    image, seconds = noisy_photograph(options.size), {}
    for boxed in boxed_models():
        if boxed.kind in ("photo", "camera"):
            seconds[boxed.name] = times_of(boxed.name, image, options.repeats)
            print(boxed.name, "  ".join(f"{way} {1e3 * time:.0f} ms" for way, time in seconds[boxed.name].items()))
    print(write_result("box_times", {"threads": options.threads, "size": options.size, "seconds": seconds}))


if __name__ == "__main__":
    main()
