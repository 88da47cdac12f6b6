"""The models in the box that restore: used where none is named, found by name, never chosen for a noisy image."""

import json

import numpy as np
import pytest
import torch

from bsn.cli import main
from bsn.data import Image, ReadOptions, read_image, write_image
from bsn.inference.boxed import choose_for_files
from bsn.models import Model, create, load
from bsn.models.bundled import boxed_models, find_boxed
from tests.helpers.command_line import complaint, run


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A box with a model for rain that makes pictures darker, and none that denoises."""
    (tmp_path / "box").mkdir()
    network = create("nafnet-tiny", width=4, encoder=(1,), middle=0, decoder=(1,))
    with torch.no_grad():
        network.output.bias -= 0.1
    model = Model(network.eval(), provenance={"trained_for": "photographs in rain that was made by rule"})
    model.save(tmp_path / "box" / "rain-tiny.safetensors")
    monkeypatch.setattr("bsn.models.bundled.WEIGHTS", tmp_path / "box")
    return tmp_path


@pytest.fixture
def rainy(tmp_path):
    pixels = np.random.default_rng(0).integers(100, 150, (40, 50, 3), np.uint8)
    write_image(tmp_path / "rainy.png", Image(pixels, "YXC"))
    return tmp_path / "rainy.png"


def test_restoration_works_at_once_and_says_what_the_model_was_trained_for(capsys, box, rainy):
    code, out, err = run(capsys, "restore", "apply", rainy, "-o", box / "clean.png", "--device", "cpu")
    assert code == 0, err
    assert "model in the box: rain-tiny" in out
    assert "rain-tiny was trained for photographs in rain that was made by rule" in out
    assert "1 of 1 images restored to" in out
    before, after = (read_image(path).pixels.astype(int) for path in (rainy, box / "clean.png"))
    assert np.abs(after - before + 25.5).max() <= 1
    code, out, err = run(capsys, "restore", "apply", rainy, "--model", "rain", "-o", box / "named.png")
    assert code == 0, err
    assert "model in the box" not in out
    assert np.array_equal(read_image(box / "named.png").pixels, read_image(box / "clean.png").pixels)


def test_it_is_found_by_name_and_never_chosen_for_noise(box, rainy, capsys, monkeypatch):
    assert boxed_models() == []
    assert [boxed.name for boxed in boxed_models(restoring=True)] == ["rain-tiny"]
    assert find_boxed("rain").restores
    assert not load("rain-tiny").inference.cut_spots
    assert [choice.model for choice in choose_for_files([rainy], ReadOptions())] == [None]
    monkeypatch.setattr("bsn.models.presets", dict)  # the networks are not asked for here
    assert main(["models", "--no_speed", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["box"]
    assert (row["name"], row["short_name"], row["for"]) == (
        "rain-tiny",
        "rain",
        "photographs in rain, for bsn restore apply",
    )


def test_a_denoiser_in_the_box_does_not_restore(capsys, rainy, tmp_path):
    message = complaint(capsys, "restore", "apply", rainy, "--model", "photo-tiny", "-o", tmp_path / "out")
    assert "photo-tiny is a denoiser, not a restoration model" in message
    assert not (tmp_path / "out").exists()
