"""The restoration networks at equal terms: equal steps and equal core time, on three sets of synthetic rain and all of them.

    python -m benchmarks.restoration_terms [--data ../shared/data] [--seconds 12] [--steps 50] [--core_minutes 45]
    python -m benchmarks.restoration_terms --tiny --results /tmp/try     # does it run?

DDSA, DRT, ELF, MANAS and NAFNet of the tiny sizes train on the training part of a set. One run gives both columns: its
averaged weights are taken as it reaches the common number of steps, and as it has used the common core time. So that both
moments are worth the same, the rate is constant after its warm-up, and the average of the weights does what a falling rate
would. Optimiser, loss, batch, augmentation, average and warm-up are the same for all; the learning rate and whether crops grow
halfway are chosen for each network, by as many trials for each, on held-back backgrounds of the training part of Rain800.
"mixed" is one model of the training parts of all sets. Scored are the middle parts of the first images of the held-out parts
(protocol y), which no training or choice has seen; no background is on both sides. The public sets are themselves test sets,
so no number from here may be compared with published ones, and seconds of training show how fast a network learns, not how far
it comes.

Every finished run is written to benchmarks/results/restoration_terms.json at once; what is in there is not run again. Seeds
come one after the other, so that a command that was cut short has whole rows. --core_minutes ends it before a run that would
begin later. The models of the first seed stay in runs/restoration_terms/models.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import median_filter

from benchmarks.measure import RESULTS, peak_memory, write_result
from benchmarks.rain import pair_data
from benchmarks.rain_images import across, pairs_of, restorer
from bsn.data import Pair, PairSource, check_no_leak
from bsn.engine import Interrupted, LoopConfig, Progress, RunFolder, TrainingDiverged, fit, keep_freed_memory
from bsn.evaluation import Validation, get_protocol
from bsn.models import create
from bsn.models.measure import count_parameters, macs_per_pixel
from bsn.training import held_back_groups, image_pairs
from restoration.config import RestoreConfig
from restoration.run import build_task

NAME = "restoration_terms"
NETWORKS = ("ddsa-tiny", "drt-tiny", "elf-tiny", "manas-tiny", "nafnet-tiny")
PARTS = ("rain100l", "rain100h", "rain800")
SETS = {**{part: (part,) for part in PARTS}, "mixed": PARTS}
TUNED_ON = "rain800"
RATES = (1e-3, 3e-3)
LONGEST = 10**6  # no run comes there
IMAGE = (320, 480)

CLASSICAL: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "rainy": lambda image: image,
    "median 3 x 3": lambda image: median_filter(image, (1, 3, 3)),
    "median 1 x 5": across,
}


@dataclass(frozen=True)
class Terms:
    """What all networks share.

    Parameters
    ----------
    seconds, steps : float, int
        Core time and steps at which a run is scored.
    tuning_seconds : float
        Core time of a trial.
    images, part : int
        Number of images of each held-out part, and side of their middle parts, in pixels.
    held_back : int
        Pairs of the tuned set's training part that judge a trial.
    crop, batch_size : int
        First crops of the training.
    """

    seconds: float = 12.0
    steps: int = 50
    tuning_seconds: float = 6.0
    images: int = 5
    part: int = 192
    held_back: int = 6
    crop: int = 48
    batch_size: int = 4
    warmup_steps: int = 10
    ema: float = 0.95

    def config(self, network: str, rate: float, growing: bool, held_back: int = 0) -> RestoreConfig:
        """Settings of a training; crops that grow do so halfway to the common number of steps, to 4/3 of their side."""
        grown = {"progressive_crops": (4 * self.crop // 3,), "progressive_at": (0.5 * self.steps / LONGEST,)}
        return RestoreConfig(
            network,
            crop=self.crop,
            batch_size=self.batch_size,
            learning_rate=rate,
            validation_images=held_back,
            **(grown if growing else {}),
        )

    def loop(self, seed: int) -> LoopConfig:
        """Settings of the loop."""
        return LoopConfig(
            steps=LONGEST,
            seed=seed,
            schedule="constant",
            warmup_steps=self.warmup_steps,
            ema=self.ema,
            validate_every=0,
            checkpoint_every=0,
            precision="32-true",
            accelerator="cpu",
        )


TINY = Terms(seconds=0.2, steps=2, tuning_seconds=0.2, images=1, part=64, held_back=1, crop=24, batch_size=1)


class Marks:
    """Stops a run once it has passed both marks, and keeps its model at each of them.

    Parameters
    ----------
    folder : Path
        Where the models are written, ``steps.safetensors`` and ``seconds.safetensors``.
    steps : int or None
        The one mark; None for none.
    seconds : float
        The other, in core time of this process, without that of writing the models.
    """

    def __init__(self, folder: Path, steps: int | None, seconds: float) -> None:
        self.folder, self.steps, self.seconds = folder, steps, seconds
        self.started, self.passed = time.process_time(), dict[str, tuple[int, float]]()

    def __call__(self, progress: Progress) -> bool:
        """Look at the clock after a step; true ends the run."""
        now = time.process_time()
        used = now - self.started
        due = {"steps": self.steps is not None and progress.step >= self.steps, "seconds": used >= self.seconds}
        for name, reached in due.items():
            if reached and name not in self.passed:
                progress.save(self.folder / f"{name}.safetensors")
                self.passed[name] = progress.step, used
        self.started += time.process_time() - now
        return due["seconds"] and (self.steps is None or due["steps"])


def files_of(data: Path, name: str, split: str) -> list[Pair]:
    """Pairs of a set, or of several."""
    return [pair for part in SETS[name] for pair in pair_data(data, part, split).pairs()]


class Bench:
    """Everything that runs share: images in memory, scores so far.

    Parameters
    ----------
    options : argparse.Namespace
        The command line.
    terms : Terms
        What all networks share.
    """

    def __init__(self, options: argparse.Namespace, terms: Terms) -> None:
        self.data, self.runs, self.terms, self.results = options.data, options.runs, terms, options.results
        self.settings = json.loads(json.dumps({**dataclasses.asdict(terms), "rates": RATES, "threads": 1}))
        stored = self.results / f"{NAME}.json"
        found = json.loads(stored.read_text()) if stored.is_file() else {}
        if found and found["settings"] != self.settings:
            raise SystemExit(f"{stored} has other settings; give the same ones, or remove it to begin anew")
        self.found = {key: found.get(key, {}) for key in ("classical", "cost", "tuning", "runs")}

    def keep(self, kind: str, key: str, found: dict[str, Any]) -> None:
        """Write a result as soon as it is there."""
        self.found[kind][key] = found
        write_result(NAME, {"settings": self.settings, **self.found}, self.results)
        print(f"{time.process_time() / 60:.1f} min  {kind} {key}: {found}", flush=True)

    @functools.cache  # noqa: B019  (there is one bench in a process)
    def training(self, name: str) -> PairSource:
        """Training part of a set, after the check that no background of it is in any held-out part."""
        pairs = files_of(self.data, name, "train")
        check_no_leak(pairs, files_of(self.data, "mixed", "test"))
        return PairSource(pairs)

    @functools.cache  # noqa: B019
    def held_out(self, part: str) -> Validation:
        """Middle parts of the first held-out images of a set."""
        files = files_of(self.data, part, "test")[: self.terms.images]
        return Validation(pairs_of(files, self.terms.part), get_protocol("y"))

    def score(self, parts: Sequence[str], restore: Callable[[np.ndarray], np.ndarray]) -> dict[str, dict[str, float]]:
        """PSNR and SSIM on each held-out part."""
        return {part: means(self.held_out(part), restore, self.runs) for part in parts}

    def learn(self, source: PairSource, config: RestoreConfig, seed: int, marks: Marks) -> None:
        """Train until both marks are passed."""
        shutil.rmtree(marks.folder, ignore_errors=True)
        loop = self.terms.loop(seed)
        torch.manual_seed(seed)
        task = build_task(source, config, loop)
        marks.started = time.process_time()
        with contextlib.suppress(Interrupted):
            fit(task, loop, RunFolder(marks.folder), watch=marks)

    def tune(self, network: str) -> tuple[float, bool]:
        """Learning rate and growth of the crops that do best on held-back backgrounds: three trials."""
        if network not in self.found["tuning"]:
            trials = [{"rate": rate, "growing": False, **self.trial(network, rate, False)} for rate in RATES]
            best = max(trials, key=lambda trial: trial["psnr"])["rate"]
            trials.append({"rate": best, "growing": True, **self.trial(network, best, True)})
            self.keep("tuning", network, {"trials": trials, "chosen": max(trials, key=lambda trial: trial["psnr"])})
        chosen = self.found["tuning"][network]["chosen"]
        return chosen["rate"], chosen["growing"]

    def trial(self, network: str, rate: float, growing: bool) -> dict[str, float]:
        """Scores of a short training on backgrounds that it does not see."""
        source, terms = self.training(TUNED_ON), self.terms
        # The same ones as `build_task` holds back.
        held = held_back_groups(source.groups, terms.held_back, 0)
        marks = Marks(self.runs / "trial", None, terms.tuning_seconds)
        try:
            self.learn(source, terms.config(network, rate, growing, terms.held_back), 0, marks)
        except TrainingDiverged:
            return {"psnr": float("-inf"), "ssim": float("-inf")}
        shown = Validation(image_pairs(source, held, terms.part), get_protocol("y"))
        return means(shown, restorer(marks.folder / "seconds.safetensors"), self.runs)

    def run(self, name: str, network: str, seed: int) -> None:
        """Train once, score twice."""
        rate, growing = self.tune(network)
        marks = Marks(self.runs / "run", self.terms.steps, self.terms.seconds)
        self.learn(self.training(name), self.terms.config(network, rate, growing), seed, marks)
        scored = {
            mark: {"steps": steps, "seconds": seconds, "scores": self.score(SETS[name], restorer(path))}
            for mark, (steps, seconds) in marks.passed.items()
            for path in [marks.folder / f"{mark}.safetensors"]
        }
        if seed == 0:
            kept = self.runs / "models" / name / f"{network}.safetensors"
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(marks.folder / "seconds.safetensors", kept)
        self.keep("runs", f"{name}/{network}/{seed}", scored)


def means(shown: Validation, restore: Callable[[np.ndarray], np.ndarray], runs: Path) -> dict[str, float]:
    """Mean PSNR and SSIM of images with truth."""
    found = shown.run(restore, runs / "sample.png")
    return {"psnr": found["val_psnr"], "ssim": found["val_ssim"]}


def whole_image(network: str | None) -> None:
    """One image through a network, or everything but that."""
    torch.set_num_threads(1)
    if network is not None:
        with torch.no_grad():
            create(network, channels=3).eval()(torch.rand(1, 3, *IMAGE))


@torch.no_grad()
def cost(network: str) -> dict[str, float]:
    """Size of a network, and what an image costs: core seconds (best of three), memory beyond that of an idle process."""
    made, image, times = create(network, channels=3).eval(), torch.rand(1, 3, *IMAGE), []
    for _ in range(3):
        start = time.process_time()
        made(image)
        times.append(time.process_time() - start)
    return {
        "parameters": count_parameters(made),
        "macs_per_pixel": macs_per_pixel(made, 336),
        "seconds": min(times),
        "peak_bytes": peak_memory(whole_image, network) - peak_memory(whole_image, None),
    }


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs/restoration_terms"))
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the result file")
    parser.add_argument("--seconds", type=float, default=Terms.seconds, help="core time of the equal-time column")
    parser.add_argument("--steps", type=int, default=Terms.steps, help="steps of the equal-steps column")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--core_minutes", type=float, default=45.0, help="begin no run after this core time")
    parser.add_argument("--tiny", action="store_true", help="steps and images by ones, to see whether it runs")
    return parser.parse_args()


def main() -> None:
    options = parse()
    torch.set_num_threads(1)
    keep_freed_memory()
    terms = TINY if options.tiny else dataclasses.replace(Terms(), seconds=options.seconds, steps=options.steps)
    bench = Bench(options, terms)
    options.runs.mkdir(parents=True, exist_ok=True)
    for name, restore in CLASSICAL.items():
        if name not in bench.found["classical"]:
            bench.keep("classical", name, bench.score(PARTS, restore))
    for network in options.networks:
        if network not in bench.found["cost"]:
            bench.keep("cost", network, cost(network))
    wanted = [
        (name, network, seed) for seed in range(options.seeds) for name in options.sets for network in options.networks
    ]
    for name, network, seed in wanted:
        if f"{name}/{network}/{seed}" in bench.found["runs"]:
            continue
        if time.process_time() > 60 * options.core_minutes:
            raise SystemExit("the core time is used up; the same command goes on from here")
        bench.run(name, network, seed)


if __name__ == "__main__":
    main()
