"""The demo: synthetic rain on photographs that scikit-image's wheel carries; train, restore another photograph, report."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsn.data import Image, SyntheticRain, atomic_output, check_no_leak, find_pairs, from_unit, write_image, writing
from bsn.data.photographs import TEST_PHOTOGRAPH, TRAINING_PHOTOGRAPHS, photograph
from bsn.evaluation import HtmlReport, Protocol, Score, get_protocol
from bsn.inference import Denoiser
from bsn.models import Model, count_parameters
from restoration.recipes import get_recipe
from restoration.run import PairData, train

__all__ = ["DemoResult", "run_demo", "write_rainy_pairs"]

_RAINS_PER_PHOTOGRAPH = 3
_TEST_RAIN = SyntheticRain(angle=12, length=22)


@dataclass(frozen=True)
class DemoResult:
    """What the demo found, and where the report lies."""

    before: Score
    after: Score
    seconds: float
    report: Path


def write_rainy_pairs(folder: Path, names: tuple[str, ...], rains: int, seed: int) -> PairData:
    """Write photographs of scikit-image and rainy versions of each, as a set of several rains per background.

    Parameters
    ----------
    folder : Path
        New folder; gets ``clean`` and ``rainy``.
    names : tuple of str
        File names of the photographs.
    rains : int
        Rainy images of each photograph, of different direction, length and density.
    seed : int
        Seed of the rain.

    Returns
    -------
    PairData
        To train on.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    with writing(folder):
        for name in ("clean", "rainy"):
            (folder / name).mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        clean = photograph(name)
        _write(folder / "clean" / f"{Path(name).stem}.png", clean)
        for layer in range(rains):
            rng = np.random.default_rng([seed, number, layer])
            rain = SyntheticRain(
                density=rng.uniform(0.6, 1.4), length=rng.uniform(14, 28), angle=rng.uniform(-30, 30), veil=0.1
            )
            _write(folder / "rainy" / f"{Path(name).stem}_{layer + 1}.png", rain(clean, rng))
    return PairData([str(folder / "rainy")], [str(folder / "clean")], pattern=r"(.+)_\d+")


def _write(path: Path, image: np.ndarray) -> None:
    write_image(path, Image(np.moveaxis(from_unit(image, np.uint8), 0, -1), "YXC"), overwrite=True)


def run_demo(
    output: Path,
    *,
    recipe: str = "elf-tiny",
    steps: int = 300,
    seed: int = 0,
    say: Callable[[str], None] = print,
) -> DemoResult:
    """Run the demo.

    Parameters
    ----------
    output : Path
        New folder for the pairs, the run, and ``report.html``.
    recipe : str
        See :mod:`restoration.recipes`.
    steps : int
        Length of the training.
    seed : int
        Seed of rain, weights and crops.
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
    settings, protocol = get_recipe(recipe), get_protocol("y")
    training = write_rainy_pairs(output / "pairs", TRAINING_PHOTOGRAPHS, _RAINS_PER_PHOTOGRAPH, seed)
    test = write_rainy_pairs(output / "test", (TEST_PHOTOGRAPH,), 1, seed + 1)
    check_no_leak(training.pairs(), find_pairs(test.degraded, test.clean, pattern=test.pattern))
    say(
        f"training {settings.train.model} on synthetic rain over {len(TRAINING_PHOTOGRAPHS)} photographs, {steps} steps ..."
    )
    loop = dataclasses.replace(settings.loop, steps=steps, seed=seed, validate_every=0)
    # The learned average lags behind a short run.
    loop = dataclasses.replace(loop, ema=min(loop.ema, 1 - 10 / max(steps, 20)), warmup_steps=min(50, steps // 5))
    train(training, output / "run", dataclasses.replace(settings.train, validation_images=0), loop)

    truth = photograph(TEST_PHOTOGRAPH)
    rainy = _TEST_RAIN(truth, seed)
    model = Model.load(output / "run")
    restored = np.asarray(Denoiser(model)(rainy, "CYX"))
    before, after = protocol.score(rainy, truth), protocol.score(restored, truth)
    for name, score in (("rainy", before), (settings.train.model, after)):
        say(f"  {name:<10} {score.psnr:6.2f} dB   SSIM {score.ssim:.3f}   (protocol {protocol.name})")
    path, seconds = output / "report.html", time.monotonic() - started
    text = _report((rainy, restored, truth), (before, after), model, protocol, (settings.train.model, steps, seconds))
    with atomic_output(path, overwrite=True) as partial:
        partial.write_text(text, encoding="utf-8")
    say(f"report: {path}   ({seconds:.0f} s in all)")
    return DemoResult(before, after, seconds, path)


def _report(
    images: tuple[np.ndarray, np.ndarray, np.ndarray],
    scores: tuple[Score, Score],
    model: Model,
    protocol: Protocol,
    run: tuple[str, int, float],
) -> str:
    rainy, restored, truth = images
    before, after = scores
    name, steps, seconds = run
    report = HtmlReport("Removing rain: the demo")
    report.paragraph(
        f"A small restoration network ({name}, {count_parameters(model.network):,} parameters) was trained for {steps} steps "
        f"on pairs: {len(TRAINING_PHOTOGRAPHS)} photographs with {_RAINS_PER_PHOTOGRAPH} synthetic rains each. The photograph "
        f"below was not among them. All of it took {seconds:.0f} s."
    )
    report.slider(rainy, restored, ("rainy", "restored"), "Drag the divider.")
    report.heading("Numbers")
    rows = [[label, f"{s.psnr:.2f}", f"{s.ssim:.3f}"] for label, s in (("rainy", before), (name, after))]
    report.table(["image", "PSNR (dB)", "SSIM"], rows, best=1)
    report.paragraph(
        f"Protocol {protocol.name} ({protocol.hash}): {protocol.description}. Synthetic rain is easier than real rain; these "
        "numbers say that the program works, not how well it does outdoors."
    )
    report.heading("Pictures")
    report.pictures(
        [
            (truth, "truth"),
            (
                0.5 + (rainy - restored),
                "what was taken away: streaks and haze; outlines of the picture in it are losses",
            ),
        ]
    )
    return report.render()
