"""Does attention pay? TBSN, the same without attention, and our convolutions, trained for the same time on noisy images only.

    python -m benchmarks.attention_pays [--sets w2s polyu] [--size reduced] [--minutes 4] [--seeds 0] [--data ../shared/data]

==============  ============================================================================================
attention       TBSN with one Gram matrix per phase: strictly blind
global          TBSN with one Gram matrix per image, as published
channel         TBSN with channel attention only (on request)
window          TBSN with window attention only (on request)
off             the same widths and feed-forward networks, every attention and its norm taken out
convolutions    our convolutional preset for such a machine
==============  ============================================================================================

The size "full" is the published network against ``phase-unet-large``; "reduced" is a TBSN for one core against
``phase-unet-tiny``. Each run trains on the noisy files that the index marks "train" and is scored on those marked "test",
without the noisy pixel and without a Wiener filter, so that the networks are compared. Every run is written to
benchmarks/results/attention_pays.json as soon as it ends, and a run that is there already is not repeated (--again does).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.datasets import DEFAULT, pairs
from benchmarks.measure import RESULTS, write_result
from bsn.engine import LoopConfig
from bsn.evaluation import environment, get_protocol
from bsn.inference import Denoiser, score_files
from bsn.models import Model, PhaseUNetConfig, TBSNConfig, presets
from bsn.models.measure import count_parameters
from bsn.models.registry import Preset, register_preset
from bsn.training import TrainConfig, train

RESULT = "attention_pays"
VARIANTS = ["attention", "global", "off", "convolutions"]
FORMS = {"attention": "channel+window", "global": "channel+window", "channel": "channel", "window": "window"}
SETS = {
    "w2s": ("affine", {"stride": 1, "noise": "none"}),
    "polyu": ("rgb8", {"stride": 5, "noise": "none", "loss": "l1"}),
}


@dataclasses.dataclass(frozen=True)
class Size:
    """A TBSN, the convolutional preset it is compared with, and crops that suit both."""

    tbsn: TBSNConfig
    convolutions: str
    crop: int
    batch_size: int


SIZES = {
    "full": Size(TBSNConfig(), "phase-unet-large", 128, 8),
    "reduced": Size(
        TBSNConfig(
            widths=(16, 32, 64),
            blocks=(1, 1, 1),
            refinement_blocks=0,
            channel_heads=(1, 1, 2),
            window_heads=(1, 1, 2),
            wide_decoder=False,
        ),
        "phase-unet-tiny",
        64,
        4,
    ),
    "tiny": Size(
        TBSNConfig(
            widths=(4, 8),
            blocks=(1, 1),
            refinement_blocks=0,
            mixers=("channel+window", "channel+window"),
            channel_heads=(1, 1),
            window_heads=(1, 1),
            overlaps=(0.5, 0.5),
            head_dim=4,
            wide_decoder=False,
        ),
        "phase-unet-tiny",
        16,
        1,
    ),
}


def without_attention(config: TBSNConfig) -> PhaseUNetConfig:
    """The network that is left of a TBSN when its attentions and their norms are taken out.

    A block of both attentions has two feed-forward networks, each behind a norm: two blocks of a network of convolutions.
    """
    names = {field.name for field in dataclasses.fields(PhaseUNetConfig)}
    shape = {name: value for name, value in dataclasses.asdict(config).items() if name in names}
    shape["blocks"] = tuple(2 * count for count in config.blocks)
    shape["refinement_blocks"] = 2 * config.refinement_blocks
    return PhaseUNetConfig(**shape)


def preset_of(variant: str, size: str) -> str:
    """Name of the preset of a variant; those that only this comparison needs are registered here."""
    chosen = SIZES[size]
    if variant == "convolutions":
        return chosen.convolutions
    kind = "off" if variant == "off" else FORMS[variant].replace("+", "-")
    name = f"comparison-{size}-{kind}"
    if name not in presets():
        config: Any = without_attention(chosen.tbsn)
        if variant != "off":
            config = dataclasses.replace(chosen.tbsn, mixers=(FORMS[variant],) * chosen.tbsn.levels)
        register_preset(Preset(name, "phase-unet" if variant == "off" else "tbsn", config, "for benchmarks only"))
    return name


def compare(
    name: str,
    variant: str,
    size: str,
    *,
    data: Path,
    runs: Path,
    seed: int = 0,
    minutes: float | None = None,
    steps: int | None = None,
    settings: dict[str, Any] | None = None,
    loop: dict[str, Any] | None = None,
    accelerator: str = "auto",
) -> dict[str, Any]:
    """Train one variant on one set and score it on the held-out part.

    Parameters
    ----------
    name : {"w2s", "polyu"}
    variant : str
        See the table at the top.
    size : {"full", "reduced", "tiny"}
    data, runs : Path
        Folder of the image sets, and the folder that gets the run.
    seed : int
    minutes : float, optional
        Length of the training by the clock; or:
    steps : int, optional
    settings, loop : dict, optional
        Settings of :class:`bsn.training.TrainConfig` and :class:`bsn.engine.LoopConfig` in place of ours.
    accelerator : str
        See :class:`bsn.engine.LoopConfig`.

    Returns
    -------
    dict
        JSON values: what was run, steps, seconds, scores.
    """
    protocol, recipe = SETS[name]
    chosen = SIZES[size]
    run = runs / f"{name}_{size}_{variant}_seed{seed}".replace(" ", "-")
    shutil.rmtree(run, ignore_errors=True)
    config = TrainConfig(
        preset_of(variant, size),
        start=None,
        channel_attention="global" if variant == "global" else "phase",
        **{"crop": chosen.crop, "batch_size": chosen.batch_size, **recipe, **(settings or {})},
    )
    length: dict[str, Any] = {"steps": steps or 10**6, "minutes": minutes, "seed": seed, "accelerator": accelerator}
    processor = time.process_time()
    result = train(
        [str(pair.degraded) for pair in pairs(data, name, "train")], run, config, LoopConfig(**(loop or {}), **length)
    )
    processor = time.process_time() - processor
    model = Model.load(run)
    device = "cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu"
    denoiser = Denoiser(run, device=device, posterior=False, wiener=False, polish=False)
    table = score_files(pairs(data, name, "test"), get_protocol(protocol), denoiser)
    return {
        "set": name,
        "variant": variant,
        "size": size,
        "seed": seed,
        "minutes": minutes,
        "steps": result.steps,
        "training_seconds": result.seconds,
        "processor_seconds": processor,
        "parameters": count_parameters(model.network),
        "protocol": protocol,
        **{key: table.means[key] for key in ("noisy_psnr", "psnr", "ssim")},
        "rows": table.rows,
        "environment": environment(),
    }


def key_of(row: dict[str, Any]) -> tuple[Any, ...]:
    """What makes two rows the same run."""
    return tuple(row[key] for key in ("set", "variant", "size", "seed", "minutes"))


def earlier(folder: Path) -> list[dict[str, Any]]:
    path = folder / f"{RESULT}.json"
    return json.loads(path.read_text())["rows"] if path.is_file() else []


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=["w2s"])
    parser.add_argument("--variants", nargs="+", choices=[*FORMS, "off", "convolutions"], default=VARIANTS)
    parser.add_argument("--size", choices=list(SIZES), default="reduced")
    parser.add_argument("--minutes", type=float, default=4.0, help="of each training")
    parser.add_argument("--steps", type=int, help="instead of --minutes")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--threads", type=int, default=int(os.environ.get("OMP_NUM_THREADS", "2")))
    parser.add_argument("--again", action="store_true", help="repeat runs that the result file has")
    parser.add_argument("--runs", type=Path, default=Path("runs/attention_pays"))
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result file")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    minutes = None if options.steps else options.minutes
    rows = earlier(options.results)
    wanted = [(s, n, v) for s in options.seeds for n in options.sets for v in options.variants]
    for seed, name, variant in wanted:
        key = (name, variant, options.size, seed, minutes)
        if not options.again and key in map(key_of, rows):
            continue
        row = compare(
            name, variant, options.size, data=options.data, runs=options.runs, seed=seed, minutes=minutes,
            steps=options.steps,
        )  # fmt: skip
        rows = [*(other for other in rows if key_of(other) != key), row]
        write_result(RESULT, {"rows": rows}, options.results)
        print(
            f"{name} {options.size} {variant}: noisy {row['noisy_psnr']:.2f} dB -> {row['psnr']:.2f} dB, "
            f"SSIM {row['ssim']:.4f}; {row['steps']} steps in {row['training_seconds']:.0f} s "
            f"({row['processor_seconds']:.0f} s of the processor)",
            flush=True,
        )


if __name__ == "__main__":
    main()
