"""The training of the weights in the box: its noise, its pairs, its pictures."""

import dataclasses

import numpy as np

from bsn.data import ArraySource, RandomCrops
from bsn.models import Model
from tools.bundled import train
from tools.bundled.corruption import BlindNoise
from tools.bundled.pairs import SyntheticPairs
from tools.bundled.photographs import HELD_OUT, PHOTOGRAPHS, dead_leaves
from tools.bundled.train import CONFIG, LOOP, train_bundled


def test_noise_of_the_weights_in_the_box():
    noise = BlindNoise(grey=1.0, clipped=0.0, photons=0.0)
    clean = np.full((3, 64, 64), 0.5, np.float32)
    strengths = []
    for seed in range(60):
        noisy, target = noise(clean, np.random.default_rng(seed))
        assert np.array_equal(noisy[0], noisy[2])
        strengths.append(255 * (noisy - target).std())
    assert 50 < max(strengths) < 62
    assert min(strengths) < 8
    coloured = BlindNoise(grey=0.0)(clean, np.random.default_rng(0))[0]
    assert not np.array_equal(coloured[0], coloured[1])


def test_synthetic_pairs_are_a_function_of_the_step():
    crops = RandomCrops(ArraySource(np.random.default_rng(0).random((3, 40, 40), np.float32), "CYX"), 16, seed=1)
    pairs = SyntheticPairs(crops, BlindNoise())
    one, again, other = pairs.batch(4, 3), pairs.batch(4, 3), pairs.batch(5, 3)
    assert np.array_equal(one.pixels, again.pixels)
    assert not np.array_equal(one.pixels, other.pixels)
    halves = [pairs.batch(4, 1, rank, 3).pixels for rank in range(3)]
    assert np.array_equal(np.concatenate(halves), one.pixels)


def test_the_training_validates_on_the_held_out_photograph(tmp_path, monkeypatch):
    clean = ArraySource(np.random.default_rng(0).random((3, 40, 40), np.float32), "CYX")
    monkeypatch.setattr("tools.bundled.train.training_source", lambda smallest, seed: clean)
    config = dataclasses.replace(CONFIG, crop=32, batch_size=1)
    loop = dataclasses.replace(LOOP, steps=2, validate_every=1, accelerator="cpu", precision="32-true")
    result = train_bundled(tmp_path / "run", config, loop)
    assert 5 < result.validation["val_psnr"] < 40, "of sigma 15 to 50, untrained"


def test_photographs_are_there_and_the_held_out_one_is_not_trained_on():
    assert HELD_OUT.file not in [photograph.file for photograph in PHOTOGRAPHS]
    for photograph in (HELD_OUT, *PHOTOGRAPHS):
        image = photograph.read()
        assert image.shape[0] == 3
        assert image.dtype == np.float32
        assert 0 <= image.min() < image.max() <= 1
    colours = np.eye(3, dtype=np.float32)
    leaves = dead_leaves(48, np.random.default_rng(0), colours)
    assert (leaves.sum(0) == 1).mean() > 0.99  # every place has one of the colours


def test_a_run_of_two_steps_is_validated_and_says_what_it_was_trained_on(tmp_path, monkeypatch):
    picture = ArraySource(HELD_OUT.read()[None, :, :96, :96], "NCYX")
    monkeypatch.setattr(train, "training_source", lambda smallest, seed: picture)
    loop = dataclasses.replace(train.LOOP, steps=2, warmup_steps=1, validate_every=2, accelerator="cpu")
    result = train.train_bundled(tmp_path / "run", dataclasses.replace(train.CONFIG, batch_size=2, crop=32), loop)
    assert 5 < result.validation["val_psnr"] < 60
    model = Model.load(tmp_path / "run")
    assert set(model.provenance["photographs"]) == {photograph.file for photograph in PHOTOGRAPHS}
    assert model.inference.grey_as_colour
