"""The demo: train on noisy photographs, prove blindness, denoise another one, compare, report."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsn.blindness import JacobianCheck, jacobian_check
from bsn.data.files.atomic import atomic_output
from bsn.data.photographs import NOISE, TEST_PHOTOGRAPH, TRAINING_PHOTOGRAPHS, noisy, photograph
from bsn.demo.baselines import Baseline, best_baselines
from bsn.engine import LoopConfig
from bsn.evaluation import HtmlReport, Protocol, Score, get_protocol
from bsn.inference import Denoiser
from bsn.models import Model, NoiseModel
from bsn.training import TrainConfig, train

__all__ = ["DemoResult", "run_demo"]

_TRIED_STEPS = 30
_FEWEST_STEPS = 400  # with 191 on a busy machine the noise was half learned: 22.6 dB, with 400 29.7 dB
_MOST_STEPS = 3900  # 200 passes over the photographs; a few more and Muon overfits their noise


@dataclass(frozen=True)
class DemoResult:
    """What the demo found, and where the report lies."""

    before: Score
    after: Score
    baselines: list[Baseline]
    blindness: JacobianCheck
    seconds: float
    report: Path


def run_demo(
    output: Path, *, minutes: float = 2.5, seed: int = 0, steps: int | None = None, say: Callable[[str], None] = print
) -> DemoResult:
    """Run the demo.

    Parameters
    ----------
    output : Path
        New folder for the run, the pictures and ``report.html``.
    minutes : float
        Budget of the training. A fast machine needs less, for 3,900 steps are the most; a slow one takes longer, for 400 are
        the fewest with which the noise is learned.
    seed : int
        Seed of noise, weights and crops.
    steps : int, optional
        Length of the training in steps, instead of `minutes`.
    say : callable
        Gets the lines to print.

    Returns
    -------
    DemoResult

    Raises
    ------
    DataError, RunError
        If the folder cannot be written.
    """
    started = time.monotonic()
    protocol = get_protocol("float")
    training = [noisy(photograph(name), seed + 1 + i) for i, name in enumerate(TRAINING_PHOTOGRAPHS)]
    truth = photograph(TEST_PHOTOGRAPH)
    image = noisy(truth, seed)
    say(f"training phase-unet-tiny on {len(training)} noisy photographs, never shown a clean one ...")
    config = TrainConfig(start=None, optimizer="muon")
    if steps is None:
        say(f"{_TRIED_STEPS} steps show how fast this machine is; then the training begins anew")
    length = steps or training_length(minutes, _seconds_per_step(training, config), say)
    train(training, output / "run", config, LoopConfig(steps=length, seed=seed, validate_every=0), axes="CYX")

    model = Model.load(output / "run")
    check = jacobian_check(model.network, (model.channels, 64, 64), lattice=model.network.lattice)
    if model.noise is not None:
        say(f"noise: learned {_learned(model.noise)}; added were gain {NOISE.gain:g}, read noise {NOISE.read_noise:g}")
    say(
        f"blindness: largest |d out_p / d in_p| over {len(check.positions)} pixels in float64 = {check.centre!r} "
        f"({'exactly zero' if check.blind else 'NOT BLIND'}); largest gradient elsewhere {check.largest:.3g}"
    )
    result = np.asarray(Denoiser(model, ensemble=True)(image, "CYX"))
    before, after = protocol.score(image, truth), protocol.score(result, truth)
    say("comparing with classical methods, each at its best setting ...")
    baselines = best_baselines(image, truth, protocol)
    for line in _table_lines(before, after, baselines):
        say(line)
    path = output / "report.html"
    seconds = time.monotonic() - started
    report = _report(model, image, result, truth, (before, after), baselines, check, protocol, seconds)
    with atomic_output(path, overwrite=True) as partial:
        partial.write_text(report, encoding="utf-8")
    say(f"report: {path}   ({seconds:.0f} s in all)")
    return DemoResult(before, after, baselines, check, seconds, path)


def training_length(minutes: float, seconds_per_step: float, say: Callable[[str], None]) -> int:
    """Number of training steps for a budget, within the bounds of what the demo needs.

    Parameters
    ----------
    minutes : float
        Budget, which the steps that were tried have used up in part.
    seconds_per_step : float
        Pace of this machine, in seconds.
    say : callable
        Gets a line where the fewest steps take longer than the budget.

    Returns
    -------
    int
        400 to 3,900.
    """
    affordable = int(60 * minutes / seconds_per_step) - _TRIED_STEPS
    if affordable < _FEWEST_STEPS:
        needed = _FEWEST_STEPS * seconds_per_step / 60
        say(
            f"this machine is slow or busy: the fewest steps that learn the noise, {_FEWEST_STEPS}, take {needed:.1f} minutes"
        )
    return min(max(affordable, _FEWEST_STEPS), _MOST_STEPS)


def _seconds_per_step(images: list[np.ndarray], config: TrainConfig) -> float:
    """Pace of the first training steps on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        loop = LoopConfig(steps=_TRIED_STEPS, validate_every=0, checkpoint_every=0)
        tried = train(images, Path(folder) / "run", config, loop, axes="CYX")
    return tried.seconds / tried.steps


def _rows(before: Score, after: Score, baselines: list[Baseline]) -> list[list[str]]:
    rows = [("noisy", "", before), *((b.name, b.setting, Score(b.psnr, b.ssim)) for b in baselines)]
    rows.append(("phase-unet-tiny", "noisy images only; posterior, 8 views, Wiener filter", after))
    return [[name, setting, f"{score.psnr:.2f}", f"{score.ssim:.3f}"] for name, setting, score in rows]


def _table_lines(before: Score, after: Score, baselines: list[Baseline]) -> list[str]:
    return [
        f"  {name:<16} {psnr:>6} dB   SSIM {ssim}   {setting}"
        for name, setting, psnr, ssim in _rows(before, after, baselines)
    ]


def _learned(noise: NoiseModel | None) -> str:
    if noise is None:
        return "no noise model"
    return f"gain {noise.gain:.3g}, read noise {max(noise.variance, 0.0) ** 0.5:.3g}"


def _report(
    model: Model,
    image: np.ndarray,
    result: np.ndarray,
    truth: np.ndarray,
    scores: tuple[Score, Score],
    baselines: list[Baseline],
    check: JacobianCheck,
    protocol: Protocol,
    seconds: float,
) -> str:
    before, after = scores
    rows = _rows(before, after, baselines)
    report = HtmlReport("Denoising without a clean image: the demo")
    report.paragraph(
        f"A small blind-spot network (phase-unet-tiny) was trained for a few minutes on {len(TRAINING_PHOTOGRAPHS)} noisy "
        f"photographs ({', '.join(TRAINING_PHOTOGRAPHS)}). It never saw a clean image, nor the photograph below. The noise is "
        f"Poisson-Gaussian (gain {NOISE.gain:g}, read noise {NOISE.read_noise:g}). Gain and read noise were learned as well "
        f"({_learned(model.noise)}), and the noisy pixel joins its prediction by Bayes' rule, followed by a Wiener filter. "
        f"All of it took {seconds:.0f} s."
    )
    report.slider(image, result, ("noisy", "denoised"), "Drag the divider.")
    report.heading("Numbers")
    best = max(range(len(rows)), key=lambda index: float(rows[index][2]))
    report.table(["method", "setting", "PSNR (dB)", "SSIM"], rows, best=best)
    report.paragraph(
        f"Protocol {protocol.name} ({protocol.hash}): {protocol.description}. The settings of the classical methods were "
        "chosen by looking at the truth, which nobody can do in practice; the network had no such help."
    )
    report.heading("Proof of blindness")
    report.paragraph(
        f"Largest gradient of an output pixel with respect to the same input pixel, float64, {len(check.positions)} pixels "
        f"with corners and borders: {check.centre!r}. Largest gradient with respect to any pixel: {check.largest:.3g}. The "
        "network cannot copy the noise of a pixel, because it does not see it; the pixel comes in afterwards, by a known rule."
    )
    report.heading("Pictures")
    strongest = max(baselines, key=lambda baseline: baseline.psnr)
    report.pictures(
        [
            (truth, "truth (used for the numbers only)"),
            (strongest.result, f"{strongest.name}, {strongest.setting}: {strongest.psnr:.2f} dB"),
            (0.5 + (image - result), "residual, noisy - denoised: it should look like noise, without edges"),
        ]
    )
    return report.render()
