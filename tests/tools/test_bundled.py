"""The training of the weights in the box: its noise, its pairs, its pictures."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from bsn.data import ArraySource, DataError, RandomCrops
from bsn.models import Light, LightConfig, LightPair, Model, first_network, load, merged
from tools.bundled.card import ship
from tools.bundled.corruption import BlindNoise, CameraNoise
from tools.bundled.drawn import cloth, dead_leaves
from tools.bundled.pairs import RecycledPairs, SyntheticPairs
from tools.bundled.photographs import HELD_OUT, PHOTOGRAPHS
from tools.bundled.recipes import further, recipe_named
from tools.bundled.sources import training_pairs, training_photographs
from tools.bundled.train import train_bundled


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


def test_colours_change_places_and_strength_as_often_as_they_are_to():
    red = np.array([0.8, 0.5, 0.2], np.float32)[:, None, None] * np.ones((3, 16, 16), np.float32)
    drawn = [BlindNoise(grey=0.0, mixed=0.25)(red, np.random.default_rng(seed)) for seed in range(400)]
    kept = [target[0, 0, 0] > target[1, 0, 0] > target[2, 0, 0] for _, target in drawn]
    assert 0.72 < np.mean(kept) < 0.86, "a quarter is shuffled, and one order of six is that of before"
    vivid = [BlindNoise(grey=0.0, mixed=0.0, vivid=1.0)(red, np.random.default_rng(seed))[1] for seed in range(200)]
    spread = [np.ptp(target[:, 0, 0]) / target[:, 0, 0].max() for target in vivid]
    assert min(spread) < 0.6 < 0.75 < 0.99 < max(spread), "paler and stronger than three quarters, up to a pure colour"


def test_the_second_network_begins_as_the_first_or_goes_on():
    x = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    for name in ("photo-tiny", "photo-base"):
        recipe, network = recipe_named(f"{name}-colour"), load(name).network
        torch.testing.assert_close(recipe.start()(x), first_network(network)(x), atol=1e-5, rtol=0)
        second = network.colour if isinstance(network, LightPair) else network
        torch.testing.assert_close(further(recipe).start()(x), second(x), atol=1e-5, rtol=0)


def test_synthetic_pairs_are_a_function_of_the_step():
    crops = RandomCrops(ArraySource(np.random.default_rng(0).random((3, 40, 40), np.float32), "CYX"), 16, seed=1)
    pairs = SyntheticPairs(crops, BlindNoise())
    one, again, other = pairs.batch(4, 3), pairs.batch(4, 3), pairs.batch(5, 3)
    assert np.array_equal(one.pixels, again.pixels)
    assert not np.array_equal(one.pixels, other.pixels)
    halves = [pairs.batch(4, 1, rank, 3).pixels for rank in range(3)]
    assert np.array_equal(np.concatenate(halves), one.pixels)


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


def test_two_steps_are_validated_and_put_into_the_box(tmp_path, monkeypatch):
    picture = ArraySource((HELD_OUT.read()[None, :, :96, :96] * 255).astype(np.uint8), "NCYX")
    monkeypatch.setattr("tools.bundled.sources.training_source", lambda *_: picture)
    recipe = recipe_named("camera-tiny")
    loop = dataclasses.replace(
        recipe.loop, steps=2, minutes=None, warmup_steps=1, validate_every=2, accelerator="cpu", precision="32-true"
    )
    config = dataclasses.replace(recipe.config, batch_size=2, crop=24)
    small = dataclasses.replace(recipe, loop=loop, config=config)
    photographs = training_photographs(None)
    result = train_bundled(tmp_path / "run", small, photographs)
    assert 5 < result.validation["val_psnr"] < 60, "of a picture with noise"
    path = ship(tmp_path / "run", small, photographs, tmp_path, numbers="| set | PSNR |")
    assert path == tmp_path / "camera-tiny.safetensors"
    model, card = Model.load(path), path.with_suffix(".md").read_text(encoding="utf-8")
    assert model.inference.grey_as_colour
    assert model.inference.cut_spots
    assert model.weights_licence.startswith("Apache-2.0")
    assert set(model.provenance["photographs"]) == {photograph.file for photograph in PHOTOGRAPHS}
    assert model.provenance["steps"] == 2
    assert all(f"| {photograph.file} | {photograph.terms} |" in card for photograph in PHOTOGRAPHS)
    for part in ("## Data", "## Terms", "## Steps", "## Numbers", "## Limits", "| set | PSNR |", "2 steps of 2 crops"):
        assert part in card


def test_the_networks_of_a_pair_are_shipped_one_by_one(tmp_path):
    shape = LightConfig(widths=(4, 6), blocks=(1, 1), bias=False, merged=True)
    photographs, networks = PHOTOGRAPHS[:1], {}
    for number, name in enumerate(("photo-tiny", "photo-tiny-colour", "photo-tiny")):
        torch.manual_seed(number)
        networks[name] = Light(shape)
        Model(networks[name], provenance={"steps": 10 + number, "seconds": 60.0}).save(tmp_path / "run.safetensors")
        path = ship(tmp_path / "run.safetensors", recipe_named(name), photographs, tmp_path)
        assert path == tmp_path / "photo-tiny.safetensors"
    model, card = Model.load(path), path.with_suffix(".md").read_text(encoding="utf-8")
    assert isinstance(model.network, LightPair)
    for part, name in (("every", "photo-tiny"), ("colour", "photo-tiny-colour")):
        trained = networks[name].state_dict()
        for key, value in getattr(model.network, part).state_dict().items():
            torch.testing.assert_close(value, trained[key], atol=2e-3, rtol=0)
    assert (model.provenance["steps"], model.provenance["colour"]["steps"]) == (12, 11)
    assert "12 steps of" in card
    assert "The second network: Begun as the first network of `photo-tiny`. 11 steps of" in card
    assert "photographs in colour alone" in card


def test_larger_models_begin_as_the_small_one():
    x = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    for name, small in {"photo-base": "photo-tiny", "camera-tiny": "photo-tiny", "camera-base": "camera-tiny"}.items():
        network = recipe_named(name).start()
        torch.testing.assert_close(network(x), load(small).network(x), atol=1e-5, rtol=0)
    assert sum(p.numel() for p in merged(recipe_named("photo-base").start()).parameters()) * 2 < 10_000_000
    with pytest.raises(ValueError, match="photo-tiny-colour, photo-base, photo-base-colour"):
        recipe_named("photo-huge")


def test_a_model_goes_on_from_its_weights_in_the_box():
    x = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    recipe = further(recipe_named("photo-tiny"))
    assert torch.equal(recipe.start()(x), load("photo-tiny").network(x))
    assert (recipe.name, recipe.began) == ("photo-tiny", "the earlier weights of `photo-tiny`")
    assert (recipe.config.loss, further(recipe_named("rain-tiny")).config.loss) == ("psnr", "l1")
    with pytest.raises(ValueError, match="blind-white is trained from its beginning"):
        further(recipe_named("blind-white"))


def test_cloth_repeats_and_keeps_the_colours_of_the_picture():
    plain = np.broadcast_to(np.array([0.3, 0.5, 0.7], np.float32)[:, None, None], (3, 64, 64))
    drawn = [cloth(plain, np.random.default_rng(seed)) for seed in range(40)]
    assert all(picture.dtype == np.float32 and 0 <= picture.min() <= picture.max() <= 1 for picture in drawn)
    assert all(np.array_equal(picture, cloth(plain, np.random.default_rng(seed))) for seed, picture in enumerate(drawn))
    # One colour gives lighter and darker tones of it.
    ratios = [picture[:, picture.max(0) < 0.99] / plain[:, :1, 0] for picture in drawn]
    assert max(float(np.ptp(ratio, axis=0).max()) for ratio in ratios) < 1e-5
    # Stripes are a line in the spectrum: a few frequencies hold most of what varies.
    powers = [np.sort(np.abs(np.fft.rfft2(picture[0] - picture[0].mean())).ravel() ** 2)[::-1] for picture in drawn]
    assert np.median([power[:40].sum() / power.sum() for power in powers if power.sum() > 1e-3]) > 0.6


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


def test_pictures_are_kept_in_eight_bits_and_both_kinds_of_pairs_have_one_form(monkeypatch):
    monkeypatch.setattr("tools.bundled.sources._DRAWN", 1)  # drawing is slow
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
