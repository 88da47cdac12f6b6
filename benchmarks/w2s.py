"""Main job on real microscopy: train on noisy fluorescence frames alone, score held-out fields.

    python -m benchmarks.w2s --data ../shared/data --minutes 10 [--model tbsn-small] [--channel_attention global] [--seed 0]

Trains on the noisy frames of the W2S fields that the index marks "train", scores those marked "test" with the protocol
"affine"; --split train scores those it was trained on, whose clean partners training does not see. Writes
benchmarks/results/w2s_<name>.json; the run itself goes to runs/, and --resume scores it again.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import torch

from benchmarks.datasets import DEFAULT, pairs
from benchmarks.measure import write_result
from bsn.engine import LoopConfig
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.inference.scoring import score_files
from bsn.models import Model
from bsn.training import TrainConfig, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--model", default="phase-unet-tiny")
    parser.add_argument("--channel_attention", default="phase")
    parser.add_argument("--noise", default="none", help="none, gaussian, poisson-gaussian or auto")
    parser.add_argument("--noise_scope", default="auto", help="set, image or auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch_size", type=int)
    parser.add_argument("--learning_rate", type=float)
    parser.add_argument("--optimizer", choices=["muon", "adamw"], help="instead of the default of bsn train")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run of that name, or score it if it is complete"
    )
    parser.add_argument("--split", choices=["test", "train"], default="test", help="fields that are scored")
    parser.add_argument("--name", help="of the result file")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    optimizer = f"_{options.optimizer}" if options.optimizer else ""
    name = options.name or f"{options.model}_{options.channel_attention}_{options.noise}{optimizer}_seed{options.seed}"
    run = Path("runs") / f"w2s_{name}"
    if not options.resume:
        shutil.rmtree(run, ignore_errors=True)
    overrides = {k: v for k in ("batch_size", "learning_rate", "optimizer") if (v := getattr(options, k)) is not None}
    noise = {"noise": options.noise, "noise_scope": options.noise_scope}
    config = TrainConfig(
        options.model, start=None, channel_attention=options.channel_attention, stride=1, **noise, **overrides
    )
    minutes = None if options.steps else options.minutes
    loop = LoopConfig(steps=options.steps or 10**6, minutes=minutes, seed=options.seed)
    images = [str(pair.degraded) for pair in pairs(options.data, "w2s", "train")]
    result = train(images, run, config, loop, resume=options.resume)
    scored = pairs(options.data, "w2s", options.split)
    model = Model.load(run)
    scores = {}
    ways: dict[str, dict[str, Any]] = {"one pass": {}, "eight views": {"ensemble": True}}
    if model.noise is not None:
        for views, way in list(ways.items()):
            ways[f"{views}, without the Wiener filter"] = {**way, "wiener": False}
            ways[f"{views}, without the noisy pixel"] = {**way, "posterior": False, "wiener": False}
            way["wiener"] = True  # the default after a posterior
    for label, inference in ways.items():
        denoiser = Denoiser(run, threads=options.threads, **inference)
        table = score_files(scored, get_protocol("affine"), denoiser)
        scores[label] = {"means": table.means, "rows": table.rows}
        print(f"{name} {label}: noisy {table.means['noisy_psnr']:.2f} dB -> {table.means['psnr']:.2f} dB")
    content = {
        "steps": result.steps,
        "training_seconds": model.provenance["seconds"],
        "threads": torch.get_num_threads(),
        "scores": scores,
    }
    if model.noise is not None:
        content["noise_model"] = str(model.noise)
    print(write_result(f"w2s_{name}" + ("_on_train" if options.split == "train" else ""), content))


if __name__ == "__main__":
    main()
