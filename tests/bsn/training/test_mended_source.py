"""Outliers and missing pixels of training images: the network sees their surroundings and learns nothing from them."""

import dataclasses

import numpy as np
import pytest
import torch
import yaml

import bsn
from bsn.data import ArraySource, DataError, RandomCrops, ReadOptions
from bsn.engine import LoopConfig, RunError
from bsn.inference import Denoiser
from bsn.models import Model
from bsn.training import TrainConfig
from bsn.training.counted import counted_places, only_counted
from bsn.training.mended_source import MendedSource

CONFIG = TrainConfig(crop=32, batch_size=4, stride=1, noise="gaussian", noise_scope="set", validation_crops=0)
LOOP = LoopConfig(steps=60, accelerator="cpu", validate_every=1000)


def picture(seed=0, size=160):
    rows, columns = np.mgrid[:size, :size] / size
    clean = 0.3 + 0.1 * np.sin(9 * rows) * np.cos(7 * columns)
    return clean, clean + np.random.default_rng(seed).normal(0, 0.03, clean.shape)


def with_hot_pixels(noisy):
    """15 of 25,600 pixels at full brightness."""
    places = np.random.default_rng(3).choice(noisy.size, 15, replace=False)
    hot = noisy.copy()
    hot.flat[places] = 1.0
    return hot


def as_uint16(image):
    return np.uint16(np.clip(image * 65535, 0, 65535))


def test_images_without_outliers_are_the_same_to_the_bit():
    stack = np.stack([as_uint16(picture(seed, 1040)[1]) for seed in range(2)])
    plain = ArraySource(stack, axes="ZYX")
    box = (1, 500, 3, 530, 1030)
    assert np.array_equal(MendedSource(plain).crop(*box), plain.crop(*box))
    one, other = (RandomCrops(source, 64, seed=1).batch(5, 8) for source in (plain, MendedSource(plain)))
    assert np.array_equal(one.pixels, other.pixels)
    assert other.counted is None


def test_hot_and_missing_pixels_show_their_surroundings_wherever_a_crop_begins():
    _, noisy = picture(0, 1040)
    bad = np.float32(noisy)
    bad[100:140, 500:530] = np.nan  # on both sides of a border between blocks
    bad[700, 511] = 6.0
    source = MendedSource(ArraySource(bad, options=ReadOptions(axes="YX", nan="keep")))
    whole = source.image(0)[0]
    counted = source.counted(0, 0, 0, 1040, 1040)
    expected = np.ones(bad.shape, bool)
    expected[100:140, 500:530] = expected[700, 511] = False
    assert np.array_equal(counted, expected)
    assert np.array_equal(whole[counted], bad[counted])
    assert whole[~counted].min() > 0.15
    assert whole[~counted].max() < 0.45
    assert np.array_equal(source.crop(0, 90, 505, 60, 60)[0], whole[90:150, 505:565])


def test_masks_turn_with_their_crops():
    bad = np.float32(picture()[1])
    bad[20:50, 90:100] = np.nan
    source = ArraySource(bad, options=ReadOptions(axes="YX", nan="keep"))
    raw = RandomCrops(source, 96, seed=2).batch(0, 16)
    mended = RandomCrops(MendedSource(source), 96, seed=2).batch(0, 16)
    assert np.isfinite(mended.pixels).all()
    assert np.array_equal(mended.counted, np.isfinite(raw.pixels[:, 0]))


def test_only_pixels_that_count_enter_a_mean():
    counted = np.ones((3, 4, 6), bool)
    counted[0, :2] = False
    counted[1] = False
    values = torch.arange(72.0).view(3, 1, 4, 6).requires_grad_()
    (found,) = only_counted(torch.from_numpy(counted_places(counted)), values)
    assert found[0].mean() == values[0, :, 2:].mean()
    assert torch.equal(found[2], values[2])
    found.sum().backward()
    gradient = values.grad[:, 0]
    assert torch.equal(gradient[0], torch.tensor([[0.0]] * 2 + [[2.0]] * 2).expand(4, 6))
    assert not gradient[1].any()
    assert (gradient[2] == 1).all()


def root_mean_square(x):
    return float(np.sqrt(np.mean(np.square(x))))


def test_hot_pixels_do_not_widen_the_value_scale(tmp_path):
    """15 of 25,600 pixels at full brightness would widen it by a tenth."""
    _, noisy = picture()
    darker = noisy - 0.25
    scales = []
    for name, image in (("clean", darker), ("hot", with_hot_pixels(darker))):
        bsn.train(as_uint16(image), tmp_path / name, CONFIG, dataclasses.replace(LOOP, steps=1), axes="YX")
        scales.append(Model.load(tmp_path / name).scale)
    clean, hot = scales
    assert hot.scale == pytest.approx(clean.scale, rel=5e-3)
    assert hot.offset == pytest.approx(clean.offset, rel=5e-3)


@pytest.mark.slow
def test_hot_pixels_do_not_change_what_is_learned(tmp_path):
    clean, noisy = picture()
    config, loop = dataclasses.replace(CONFIG, noise="none"), dataclasses.replace(LOOP, steps=200)
    runs = [tmp_path / "clean", tmp_path / "hot"]
    for run, image in zip(runs, (noisy, with_hot_pixels(noisy)), strict=True):
        bsn.train(as_uint16(image), run, config, loop, axes="YX")
    truth, found = (Denoiser(str(run))(as_uint16(noisy), "YX") / 65535 for run in runs)
    assert root_mean_square(truth - clean) < 0.02
    assert root_mean_square(found - clean) < 1.05 * root_mean_square(truth - clean)
    assert root_mean_square(found - truth) < 0.1 * 0.03  # a tenth of the noise


def test_missing_pixels_need_the_option_and_then_do_not_change_what_is_learned(tmp_path):
    clean, noisy = picture()
    holed = np.float32(noisy)
    holed[40:90, 60:120] = np.nan
    with pytest.raises(DataError, match="keep"):
        bsn.train(holed, tmp_path / "refused", CONFIG, LOOP, axes="YX")
    bsn.train(holed, tmp_path / "run", CONFIG, LOOP, axes="YX", nan="keep")
    result = Denoiser(str(tmp_path / "run"))(np.float32(noisy), "YX")
    assert root_mean_square(result - clean) < 0.02
    settings = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (settings["nan"], settings["range"], settings["key"]) == ("keep", None, None)
    with pytest.raises(RunError, match="nan refuse"):
        bsn.train(holed, tmp_path / "run", resume=True, nan="refuse")
