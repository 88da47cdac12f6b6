"""What "auto" becomes: one decision for ``bsn inspect`` and ``bsn train``."""

import dataclasses
import json

import numpy as np
import pytest
import torch
import yaml
from scipy.ndimage import gaussian_filter

from bsn.data import DataError, Image, write_image
from bsn.data.sources.array_source import ArraySource
from bsn.models import Model, ValueScale, create
from bsn.noise import judge_noise
from bsn.training import TrainConfig, settle
from tests.helpers.command_line import run

FAST = ["--steps", "2", "--batch_size", "2", "--precision", "32-true", "--accelerator", "cpu"]


def independent(count=4, side=128):
    return [(0.5 + 0.05 * np.random.default_rng(i).normal(size=(side, side))).astype(np.float32) for i in range(count)]


def shared(side=(192, 192)):
    draw = [0.5 + 0.2 * np.random.default_rng(i).normal(size=side) for i in range(4)]
    return [gaussian_filter(image, 0.8).astype(np.float32) for image in draw]


@pytest.mark.parametrize("images", [independent(), shared(), independent(1, 40)])
@pytest.mark.parametrize("asked", [TrainConfig(), TrainConfig(stride=2), TrainConfig(noise="none", stride=1)])
def test_nothing_is_left_open(images, asked):
    config = settle(ArraySource(images, "YX"), asked).config
    assert "auto" not in dataclasses.asdict(config).values()
    assert None not in (config.stride_test, config.wiener_test)
    assert settle(ArraySource(images, "YX"), config).config == config, "settled settings stay as they are"


def test_what_the_user_says_stays():
    asked = TrainConfig(
        stride=3, noise="none", optimizer="adam", stride_test=1, wiener_test=False, crop=24, start="none"
    )
    settled = settle(ArraySource(shared(), "YX"), asked)
    for name in ("stride", "noise", "optimizer", "stride_test", "wiener_test", "crop"):
        assert getattr(settled.config, name) == getattr(asked, name)
    assert settled.config.noise_scope == "set"
    assert (settled.reasons, settled.statistics, settled.advice) == ((), None, None)


def test_images_that_are_too_small_to_be_measured_are_told():
    settled = settle(ArraySource(independent(2, 20), "YX"), TrainConfig())
    assert (settled.config.stride, settled.config.noise, settled.config.crop) == (1, "none", 20)
    assert "too small to be measured" in settled.reasons[0]
    with pytest.raises(DataError, match="too small for crops of 16 pixels"):
        settle(ArraySource(independent(2, 12), "YX"), TrainConfig())


def test_correlated_noise_without_room_for_its_stride_still_gets_the_filter():
    settled = settle(ArraySource([image[:31] for image in shared((192, 192))], "YX"), TrainConfig(hole="none"))
    assert (settled.config.stride, settled.config.noise, settled.config.wiener_test) == (1, "none", True)
    assert settled.words() == "--stride 1 --stride_test 1 --noise none --wiener_test"
    assert any("room for crops of 16 pixels at stride 1 only" in reason for reason in settled.reasons)


def test_a_start_without_a_noise_model_has_none_afterwards():
    model = Model(create("phase-unet-tiny", channels=1), ValueScale(0.5, 0.1))
    settled = settle(ArraySource(independent(), "YX"), TrainConfig(), start=model)
    assert settled.config.noise == "none"
    assert "no noise model" in settled.reasons[0]


def test_a_judgement_that_is_known_is_not_made_again(monkeypatch):
    correlated, white = ArraySource(shared(), "YX"), ArraySource(independent(), "YX")
    known = judge_noise(correlated)

    def again(source):
        raise AssertionError("the noise is measured twice")

    monkeypatch.setattr("bsn.training.settling.judge_noise", again)
    settled = settle(white, TrainConfig(hole="none"), judgement=known)
    assert settled.config.stride > 1, "by the judgement, not by the images"
    assert settled.statistics is known.statistics


@pytest.mark.parametrize("images", [independent(3, 96), shared((96, 112))])
def test_inspect_says_the_settings_that_training_stores(capsys, tmp_path, images):
    for index, image in enumerate(images):
        pixels = np.clip(np.rint(image * 65535), 0, 65535).astype(np.uint16)
        write_image(tmp_path / f"{index}.tif", Image(pixels, "YX"))
    torch.manual_seed(0)
    _, out, _ = run(capsys, "inspect", tmp_path, "--json")
    said = json.loads(out)["train"]
    code, _, _ = run(capsys, "train", tmp_path, "-o", tmp_path / "run", *FAST)
    assert code == 0
    stored = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert said.pop("batch_size") == 4
    # Two steps are few passes, the default run of a network on phases is a long one on these images.
    expected = ("muon", "muon") if stored["model"].startswith("halfplane") else ("adamw", "muon")
    assert (said.pop("optimizer"), stored["optimizer"]) == expected
    assert said.items() <= stored.items()


def test_inspect_says_what_training_refuses(capsys, tmp_path):
    write_image(tmp_path / "a.tif", Image((independent(1)[0] * 65535).astype(np.uint16), "YX"))
    write_image(tmp_path / "b.tif", Image((independent(1, 12)[0] * 65535).astype(np.uint16), "YX"))
    code, out, _ = run(capsys, "inspect", tmp_path)
    assert code == 1
    assert "bsn train refuses these images: an image of 12 x 12 pixels: is too small" in " ".join(out.split())
    code, out, _ = run(capsys, "inspect", tmp_path, "--json")
    assert (code, json.loads(out)["train"]) == (1, None)
