"""The second pass of results by the model in the box for cameras."""

import dataclasses

import numpy as np
import pytest
import torch

from bsn.inference import Denoiser, polishing
from bsn.models import InferenceDefaults, Light, LightConfig, Model, ValueScale, create
from bsn.models.bundled import BoxedModel
from tests.helpers.networks import randomise


def half_plane(channels=3, **inference):
    torch.manual_seed(1)
    network = randomise(create("halfplane", channels=channels, width=4, levels=1, hole="square:3")).eval()
    return Model(network, ValueScale(0.5, 0.25), InferenceDefaults(training_crop=32, **inference))


@pytest.fixture
def camera(tmp_path, monkeypatch):
    """A box that holds a small network for cameras."""
    torch.manual_seed(2)
    network = randomise(Light(LightConfig(widths=(4, 6), blocks=(1, 1)))).eval()
    Model(network, ValueScale(0.1, 2.0)).save(tmp_path / "camera-base.safetensors")
    boxed = BoxedModel("camera", "base", tmp_path / "camera-base.safetensors")
    monkeypatch.setattr(polishing, "find_boxed", {"camera": boxed}.get)
    return network


def image(channels=3, size=(70, 50)):
    return np.random.default_rng(0).random((channels, *size), np.float32)


@pytest.mark.parametrize("channels", [3, 1])
def test_the_result_is_given_to_the_model_in_the_box(camera, channels):
    model = half_plane(channels)
    first = Denoiser(model, polish=False)(image(channels), "CYX")
    with torch.no_grad():
        seen = torch.from_numpy(first).expand(3, -1, -1)[None]
        expected = camera((seen - 0.1) / 2.0) * 2.0 + 0.1
    if channels == 1:
        expected = expected.mean(1, keepdim=True)
    found = Denoiser(model, polish=True)(image(channels), "CYX")
    assert abs(found - first).max() > 0.01
    np.testing.assert_allclose(found, expected[0].numpy(), atol=1e-5)


def test_tiles_equal_the_whole_image(camera):
    model, noisy = half_plane(), image(size=(150, 170))
    whole = Denoiser(model, polish=True, tile=0)(noisy, "CYX")
    tiled = Denoiser(model, polish=True, tile=112)(noisy, "CYX")
    np.testing.assert_allclose(tiled, whole, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "polished"),
    [
        ({}, True),
        ({"polish": False}, False),
        ({"wiener": False}, False),
        ({"hole": "square:3"}, False),
        ({"mix": "image"}, False),
        ({"wiener": False, "polish": True}, True),
    ],
)
def test_models_for_photographs_are_polished_unless_the_stages_are_chosen_by_hand(camera, options, polished):
    denoiser = Denoiser(half_plane(polish=True), **options)
    assert denoiser.polished_by == ("camera-base" if polished else None)
    assert (denoiser.pipeline.polish is not None) == polished


def test_other_models_are_polished_only_where_it_is_asked_for(camera):
    assert Denoiser(half_plane()).polished_by is None
    assert Denoiser(half_plane(2, polish=True)).polished_by is None


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (half_plane(2), {}, "knows colour and grey, not 2 channels"),
        (half_plane(), {"mix": "auto"}, r"a mixture \(mix='auto'\) is not polished"),
    ],
)
def test_what_cannot_be_polished_is_refused(camera, model, options, message):
    with pytest.raises(ValueError, match=message):
        Denoiser(model, polish=True, **options)


def test_a_box_without_the_model_leaves_results_as_they_are(monkeypatch):
    monkeypatch.setattr(polishing, "find_boxed", lambda _: None)
    assert Denoiser(half_plane(polish=True)).polished_by is None
    with pytest.raises(ValueError, match="has no model camera"):
        Denoiser(half_plane(), polish=True)


def test_the_file_of_a_model_tells_whether_its_results_are_polished(tmp_path):
    model = half_plane(polish=True)
    model.save(tmp_path / "model.safetensors")
    assert Model.load(tmp_path / "model.safetensors").inference.polish
    plain = dataclasses.replace(model.inference, polish=False)
    assert "polish" not in plain.stored()
