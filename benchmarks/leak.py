"""What the leak of global channel attention does to the result: per phase against global, several seeds.

    python -m benchmarks.leak --data ../shared/data --steps 1500 --seeds 3

Trains the small body with channel attention at every level on the noisy microscopy frames, scores the held-out fields with
the protocol "affine". Writes benchmarks/results/leak.json; the runs themselves go to runs/.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import statistics
from pathlib import Path

import numpy as np
import torch

from benchmarks.datasets import DEFAULT, pairs
from benchmarks.measure import write_result
from bsn.data import read_image
from bsn.engine import LoopConfig
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.inference.scoring import score_files
from bsn.models import TBSNConfig, presets
from bsn.models.registry import Preset, register_preset
from bsn.training import TrainConfig, train

NAME = "tiny-channel-attention"


def tile_difference(run: Path, data: Path, tile: int) -> dict[str, float]:
    """How far tiles, each with statistics of its own, are from the whole image (held-out fields)."""
    fields = [pair.degraded for pair in pairs(data, "w2s", "test")]
    whole, tiled = Denoiser(run, tile=0), Denoiser(run, tile=tile)
    noise, change = [], []
    for path in fields:
        noisy = read_image(path).pixels.astype(np.float64)
        result = whole(noisy.astype(np.float32))
        noise.append(np.square(noisy - result).mean())
        change.append(np.square(tiled(noisy.astype(np.float32)) - result).mean())
    table = score_files(pairs(data, "w2s", "test"), get_protocol("affine"), tiled)
    share = float(np.sqrt(np.mean(change) / np.mean(noise)))
    print(
        f"tiles of {tile}: {table.means['psnr']:.3f} dB; differ from the whole by {share:.2%} of the removed noise (rms)"
    )
    return {"tile": tile, "psnr": table.means["psnr"], "share_of_removed_noise": share}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(2)
    tiny = presets()["phase-unet-tiny"].config
    attentive = TBSNConfig(
        **dataclasses.asdict(tiny),
        mixers=("channel",) * 4,
        channel_heads=(1, 1, 1, 2),
        window_heads=(1,) * 4,
        overlaps=(0.5,) * 4,
        window=16,
    )
    register_preset(Preset(NAME, "tbsn", attentive, "for this benchmark"))
    images = [str(pair.degraded) for pair in pairs(options.data, "w2s", "train")]
    scores: dict[str, list[float]] = {"phase": [], "global": []}
    for seed in range(options.seeds):
        for scope in scores:
            run = Path("runs") / f"leak_{scope}_{seed}"
            shutil.rmtree(run, ignore_errors=True)
            config = TrainConfig(NAME, start=None, channel_attention=scope, stride=1, noise="none", optimizer="adamw")
            train(images, run, config, LoopConfig(options.steps, seed=seed))
            table = score_files(pairs(options.data, "w2s", "test"), get_protocol("affine"), Denoiser(run))
            scores[scope].append(table.means["psnr"])
            print(f"{scope:<6} seed {seed}: {scores[scope][-1]:.3f} dB", flush=True)
    for scope, values in scores.items():
        spread = statistics.stdev(values) if len(values) > 1 else float("nan")
        print(f"{scope:<6} {statistics.mean(values):.3f} dB, standard deviation over seeds {spread:.3f}")
    tiles = [tile_difference(Path("runs/leak_phase_0"), options.data, tile) for tile in (384, 256, 192)]
    print(
        write_result(
            "leak", {"tiles": tiles, "steps": options.steps, "psnr": scores, "threads": torch.get_num_threads()}
        )
    )


if __name__ == "__main__":
    main()
