"""The training of the priors in the box."""

import dataclasses

import numpy as np
import pytest

from bsn.data import ArraySource
from bsn.models import Model, is_blind
from bsn.training import TrainConfig, build_task
from tools.bundled.card import ship
from tools.bundled.corruption import KnownNoise
from tools.bundled.photographs import HELD_OUT
from tools.bundled.prior_task import standardised
from tools.bundled.recipes import recipe_named
from tools.bundled.sources import training_photographs
from tools.bundled.train import train_bundled


def test_the_told_variance_is_that_of_the_noise():
    noise, clean = KnownNoise(grey=0.0), np.full((3, 64, 64), 0.5, np.float32)
    ratios = []
    for seed in range(40):
        noisy, (target, variance) = noise(clean, np.random.default_rng(seed))
        ratios.append(((noisy - target) ** 2).mean() / variance.mean())
    assert np.mean(ratios) == pytest.approx(1, abs=0.01)
    grey = KnownNoise(grey=1.0)(clean, np.random.default_rng(0))[0]
    assert np.array_equal(grey[0], grey[2])


def test_crops_are_put_on_the_scale_of_a_set():
    rng = np.random.default_rng(0)
    noisy = rng.normal(0.3, 0.05, (200, 3, 8, 8)).astype(np.float32)
    targets = np.stack([noisy, np.full_like(noisy, 0.0025)], 1)
    seen, (clean, variance) = (
        part if part.ndim == 4 else part.swapaxes(0, 1) for part in standardised(noisy, targets, rng)
    )
    np.testing.assert_allclose(clean, seen, atol=1e-6)
    spread = 0.05 / np.sqrt(variance[:, 0, 0, 0])  # of the noise in the new units: 0.05 is one standard deviation
    assert 0.04 < spread.min() < 0.08
    assert spread.max() == pytest.approx(0.25, abs=0.02)
    assert np.abs(seen.mean((1, 2, 3))).max() < 3.5


@pytest.mark.parametrize("name", ["blind-white", "blind-shared"])
def test_two_steps_are_validated_and_put_into_the_box(tmp_path, monkeypatch, name):
    picture = ArraySource((HELD_OUT.read()[None, :, :96, :96] * 255).astype(np.uint8), "NCYX")
    monkeypatch.setattr("tools.bundled.sources.training_source", lambda *_: picture)
    recipe = recipe_named(name)
    loop = dataclasses.replace(
        recipe.loop, steps=2, minutes=None, warmup_steps=1, validate_every=2, accelerator="cpu", precision="32-true"
    )
    small = dataclasses.replace(recipe, loop=loop, config=dataclasses.replace(recipe.config, batch_size=2, crop=32))
    photographs = training_photographs(None)
    result = train_bundled(tmp_path / "run", small, photographs)
    assert 5 < result.validation["val_psnr"] < 60, "of a picture with noise"
    path = ship(tmp_path / "run", small, photographs, tmp_path, numbers="| set | PSNR |")
    model, card = Model.load(path), path.with_suffix(".md").read_text(encoding="utf-8")
    assert (model.noise is None) == (name == "blind-shared")
    assert not model.inference.cut_spots
    assert model.weights_licence.startswith("Apache-2.0")
    for part in (
        "## Data",
        "## Terms",
        "## Steps",
        "## Numbers",
        "## Limits",
        "| set | PSNR |",
        "bsn train --start auto",
    ):
        assert part in card


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("blind-white", {"stride": 1, "noise": "gaussian", "noise_read": 0.1}),
        ("blind-shared", {"hole": "square:9", "hole_test": "square:3"}),
    ],
)
def test_the_priors_in_the_box_are_the_networks_that_training_takes(name, settings):
    """A preset that changes needs a new prior."""
    picture = ArraySource(np.random.default_rng(0).random((1, 32, 32, 3), np.float32), "NYXC")
    task = build_task(picture, TrainConfig(crop=32, **settings), 0)
    assert task.config.start == name
    assert is_blind(task.modules["network"])
    assert "begun with weights under: Apache-2.0" in task.weights_licence
