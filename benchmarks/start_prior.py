"""What a training gains by beginning with a prior of the box, and whether it ever ends worse than from random weights.

    python -m benchmarks.start_prior --data ../shared/data --cases sidd w2s --steps 50 200

Each case is trained on its noisy images alone, with the settings of ``bsn train --crop 96``, once from random weights
(``--start none``) and once from the prior (``--start auto``), and scored on images whose truth the training does not see; 0
steps are the prior as it is in the box. The network and its filter alone are scored, without mixture, guard and second pass.
Learning rates were compared on two cases that are for tuning only, photographs that the priors have not seen, with
``--cases "tuned shared" "tuned white" --rate 0.5 --name tune_start``. Writes benchmarks/results/NAME.json after every training,
and keeps what an earlier run has written there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.camera_schemes import to_bytes
from benchmarks.correlated_noise import Pairs, kernel_of, noisy_photographs
from benchmarks.datasets import DEFAULT, NOT_TRAINED_ON, middle, pairs
from benchmarks.measure import RESULTS, write_result
from benchmarks.polyu import read
from bsn.data import CorrelatedGaussian, Gaussian, Pair, read_image
from bsn.engine import LoopConfig
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser, score_files
from bsn.training import HALF_PLANES, PHASES, TrainConfig, train

_CROP = 96
_SIDE = 256
_WHITE = CorrelatedGaussian(25 / 255, kernel=np.ones((1, 1)))
_ALONE = {"polish": False, "guard": False}
_RATE = PHASES.learning_rate
_NOTE = "rows came one after the other, by this command with the cases, steps and rates that the row names"
_UNTOUCHED = 1e-12  # learning rate that leaves the weights as they are


@dataclass(frozen=True)
class Case:
    """What is trained on, and what is scored.

    Parameters
    ----------
    what : str
        For the table.
    images : sequence of Path or ndarray
        Noisy files, or images (3, H, W), 8 bits.
    scored : sequence of Pair, or of pairs of ndarray
        Noisy and clean files, or images.
    protocol : str
        Of the scores.
    """

    what: str
    images: Sequence[Path] | Sequence[np.ndarray]
    scored: Sequence[Pair] | Pairs
    protocol: str = "rgb8"

    def score(self, run: Path) -> list[float]:
        """PSNR of each image, denoised by the model of a run."""
        denoiser, protocol = Denoiser(run, device="cpu", **_ALONE), get_protocol(self.protocol)
        if isinstance(self.scored[0], Pair):
            found = score_files([pair for pair in self.scored if isinstance(pair, Pair)], protocol, denoiser)
            return [float(row["psnr"]) for row in found.rows]
        arrays = [pair for pair in self.scored if not isinstance(pair, Pair)]
        return [protocol.score(_unit(denoiser(noisy, "CYX")), _unit(clean)).psnr for noisy, clean in arrays]


def _unit(image: Any) -> np.ndarray:
    return np.asarray(image, np.float32) / np.float32(255)


def _sidd(data: Path) -> Case:
    pair = pairs(data, "sidd")[0]
    blocks = [read_image(path).pixels for path in sorted((data / "sidd" / "noisy_only").glob("*.png"))]
    noisy, clean = (to_bytes(read(path)) for path in (pair.degraded, pair.clean))
    return Case("SIDD: five noisy blocks", [*(np.moveaxis(block, -1, 0) for block in blocks), noisy], [(noisy, clean)])


def _polyu(data: Path) -> Case:
    chosen = pairs(data, "polyu", "test")[::5]
    return Case("PolyU: three photographs", [pair.degraded for pair in chosen], chosen)


def _w2s(data: Path) -> Case:
    images = [pair.degraded for pair in pairs(data, "w2s", "train")]
    return Case("W2S: 18 fields, six others scored", images, pairs(data, "w2s", "test"), "affine")


def _photographs(what: str, noise: CorrelatedGaussian, count: int) -> Callable[[Path], Case]:
    def make(data: Path) -> Case:
        images = noisy_photographs(data, noise, count)
        return Case(what, [noisy for noisy, _ in images], images)

    return make


def _correlated(sigma: float) -> CorrelatedGaussian:
    return CorrelatedGaussian(sigma / 255, kernel=kernel_of("isotropic", 0.7))


SCORED: dict[str, Callable[[Path], Case]] = {
    "sidd": _sidd,
    "polyu": _polyu,
    "correlated": _photographs("one photograph, correlated noise, sigma 20", _correlated(20), 1),
    "w2s": _w2s,
    "white": _photographs("eight photographs, white noise, sigma 25", _WHITE, 8),
    "one white": _photographs("one photograph, white noise, sigma 25", _WHITE, 1),
}


def _unseen(data: Path, count: int) -> list[np.ndarray]:
    """Middles of photographs whose terms keep them out of the box, (3, 256, 256), [0, 1]."""
    files = sorted((data / "free" / "photos").glob(NOT_TRAINED_ON))[::3][:count]
    return [middle(read(path), _SIDE) for path in files]


def _telephone(clean: np.ndarray, seed: int) -> np.ndarray:
    """Strong noise whose level follows the brightness, shared by neighbours as demosaicing does, in 8 bits."""
    unit = _correlated(255).sample_like(clean, seed)
    return to_bytes(clean + np.sqrt(0.02 * clean + 0.002) * unit)


def _tuned_shared(data: Path) -> Case:
    images = [(_telephone(clean, seed), to_bytes(clean)) for seed, clean in enumerate(_unseen(data, 5))]
    return Case("five photographs, strong correlated noise", [noisy for noisy, _ in images], images)


def _tuned_white(data: Path) -> Case:
    noise = Gaussian.from_grey_levels(25)
    images = [
        (to_bytes(noise(clean, np.random.default_rng(i))), to_bytes(clean)) for i, clean in enumerate(_unseen(data, 5))
    ]
    return Case("five photographs, white noise, sigma 25", [noisy for noisy, _ in images], images)


TUNING: dict[str, Callable[[Path], Case]] = {"tuned shared": _tuned_shared, "tuned white": _tuned_white}


def trained(case: Case, start: str, steps: int, rate: float | None) -> dict[str, Any]:
    """Train, denoise and score."""
    said: list[str] = []
    peak = "auto" if rate is None else _RATE * rate
    config = TrainConfig(start=start, crop=_CROP, learning_rate=peak if steps else _UNTOUCHED)
    # The best weights of half-plane networks are looked for five times, however short the run.
    loop = LoopConfig(steps=steps or 1, validate_every=max(steps // 5, 1), accelerator="cpu")
    files = [str(image) for image in case.images if isinstance(image, Path)]
    with tempfile.TemporaryDirectory() as folder:
        begin = time.process_time()
        axes = None if files else "CYX"
        images = files or [image for image in case.images if isinstance(image, np.ndarray)]
        result = train(images, Path(folder) / "run", config, loop, axes=axes, say=said.append)
        seconds = time.process_time() - begin
        psnr = case.score(Path(folder) / "run")
    return {
        "start": start,
        "steps": steps,
        "rate": rate,
        "psnr": round(float(np.mean(psnr)), 3),
        "each": [round(value, 3) for value in psnr],
        "best_step": result.best_step,
        "core_seconds": round(seconds, 1),
        "began": next((sentence for sentence in said if sentence.startswith("training starts")), ""),
    }


def main() -> None:
    """Read the options; train what is not stored yet."""
    assert HALF_PLANES.learning_rate == _RATE
    cases = SCORED | TUNING
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--cases", nargs="+", choices=list(cases), default=list(SCORED))
    parser.add_argument("--starts", nargs="+", choices=["none", "auto"], default=["none", "auto"])
    parser.add_argument("--steps", type=int, nargs="+", default=[0, 50, 200])
    parser.add_argument("--rate", type=float, help="times the usual learning rate; left out: the default of bsn train")
    parser.add_argument("--name", default="start_prior", help="name of the file of results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    stored = RESULTS / f"{options.name}.json"
    found = json.loads(stored.read_text(encoding="utf-8"))["cases"] if stored.exists() else {}
    for name in options.cases:
        case = cases[name](options.data)
        rows = found.setdefault(name, {"what": case.what, "rows": []})["rows"]
        for steps in options.steps:
            for start in options.starts:
                told = (start, steps, options.rate)
                if (start == "none" and not steps) or told in [
                    (row["start"], row["steps"], row["rate"]) for row in rows
                ]:
                    continue
                rows.append(trained(case, *told))
                print(name, rows[-1], flush=True)
                write_result(options.name, {"crop": _CROP, "note": _NOTE, "cases": found})


if __name__ == "__main__":
    main()
