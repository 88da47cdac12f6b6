"""The training of the weights in the box: its noise, its pairs, its pictures."""

import dataclasses

import numpy as np
import pytest
from PIL import Image as PillowImage

from bsn.data import ArraySource, DataError, RandomCrops
from bsn.models import Model
from tools.bundled import train
from tools.bundled.corruption import BlindNoise, CameraNoise
from tools.bundled.drawn import dead_leaves
from tools.bundled.pairs import RecycledPairs, SyntheticPairs
from tools.bundled.photographs import HELD_OUT, PHOTOGRAPHS
from tools.bundled.sources import training_pairs, training_photographs
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


def test_recycled_pairs_are_a_function_of_the_step_and_serve_several_steps():
    source = ArraySource(np.random.default_rng(0).integers(0, 256, (3, 80, 90), dtype=np.uint8), "CYX")
    calls = []

    def corrupt(clean, rng):
        calls.append(clean)
        return clean + rng.random(clean.shape, np.float32), clean

    def fresh():
        return RecycledPairs(RandomCrops(source, 48, seed=1), corrupt, size=16, uses=4)

    pairs = fresh()
    batches = [pairs.batch(step, 4) for step in range(8)]
    assert len(calls) == 4 + 7, "four pieces at first, then one of the four at each step but the first"
    assert not np.array_equal(batches[0].pixels, batches[1].pixels)
    again = fresh().batch(6, 4)
    assert np.array_equal(again.pixels, batches[6].pixels)
    assert np.array_equal(again.targets, batches[6].targets)
    halves = [fresh().batch(6, 2, rank, 2).pixels for rank in range(2)]
    assert np.array_equal(np.concatenate(halves), batches[6].pixels)
    difference = batches[6].pixels - batches[6].targets[:, 0]
    assert 0 <= difference.min() < difference.max() < 1, "noisy and clean crops are cut and turned alike"


def test_cameras_photograph_pieces_of_which_every_crop_can_be_cut():
    noise = CameraNoise(white=0.2, grey=0.3)
    clean = np.random.default_rng(0).random((3, CameraNoise.piece(48), CameraNoise.piece(48))).astype(np.float32)
    smallest, grey = 1000, 0
    for seed in range(30):
        noisy, target = noise(clean, np.random.default_rng(seed))
        assert noisy.shape == target.shape
        smallest = min(smallest, *noisy.shape[1:])
        grey += np.array_equal(target[0], target[1])
    assert smallest >= 48
    assert 3 < grey < 25


def test_pictures_are_kept_in_eight_bits_and_both_kinds_of_pairs_have_one_form():
    for kind in ("photo", "camera"):
        batch = training_pairs(kind, 24, 0, PHOTOGRAPHS[:1]).batch(0, 2)
        assert batch.pixels.shape == (2, 3, 24, 24)
        assert batch.targets.shape == (2, 1, 3, 24, 24)
        assert batch.pixels.dtype == batch.targets.dtype == np.float32


def test_only_photographs_with_free_terms_are_listed(tmp_path):
    (tmp_path / "photos").mkdir()
    rows = [("a.webp", "CC0-1.0", "A"), ("dali-b.webp", "CC0", "B"), ("ms-c.webp", "MIT", "B")]
    for name, _, _ in rows:
        PillowImage.fromarray(np.full((4, 5, 3), 51, np.uint8)).save(tmp_path / "photos" / name, lossless=True)
    lines = [
        "file,title,author,licence,terms_level",
        *(f'{n},"Sky, blue",Ann,{terms},{level}' for n, terms, level in rows),
    ]
    (tmp_path / "photos.csv").write_text("\n".join(lines), encoding="utf-8")
    found = training_photographs(tmp_path)[len(PHOTOGRAPHS) :]
    assert [photograph.file for photograph in found] == ["a.webp", "dali-b.webp"]
    assert found[0].terms == 'CC0-1.0: "Sky, blue", Ann'
    np.testing.assert_allclose(found[0].read(), np.full((3, 4, 5), 0.2, np.float32))
    (tmp_path / "photos" / "a.webp").unlink()
    with pytest.raises(DataError, match=r"a\.webp"):
        training_photographs(tmp_path)
    with pytest.raises(DataError, match="without"):
        training_photographs(tmp_path / "photos")
