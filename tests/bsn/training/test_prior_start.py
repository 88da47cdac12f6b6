"""Training that begins with a prior of the box."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from bsn.data import ArraySource, Gaussian
from bsn.engine import Interrupted, LoopConfig
from bsn.models import InferenceDefaults, Model, NoiseModel, ValueScale, bundled, create
from bsn.models.grey import as_grey
from bsn.training import TrainConfig, build_task, train

TERMS = "its own terms"
WHITE = {"stride": 1, "noise": "gaussian", "noise_read": 0.1, "crop": 32, "batch_size": 1}
SHARED = {"hole": "square:5", "hole_test": "square:3", "crop": 32, "batch_size": 1}


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A box with untrained priors."""
    torch.manual_seed(7)
    white = create("phase-unet-tiny", channels=3, outputs=9)
    Model(white, weights_licence=TERMS, noise=NoiseModel(0.0, 0.01, True)).save(
        tmp_path / "blind-white.safetensors", bits=16
    )
    shared = create("halfplane-cells", channels=3)
    Model(shared, ValueScale(0.4, 0.2), InferenceDefaults(), weights_licence=TERMS).save(
        tmp_path / "blind-shared.safetensors", bits=16
    )
    monkeypatch.setattr(bundled, "WEIGHTS", tmp_path)
    return {name: Model.load(tmp_path / f"blind-{name}.safetensors").network for name in ("white", "shared")}


def _image(channels=1, scale=1.0):
    clean = np.full((64, 64, channels), 0.5, np.float32)
    return (scale * Gaussian(0.1)(clean, np.random.default_rng(0))).astype(np.float32)


def _build(channels=1, scale=1.0, said=lambda _: None, steps=400, **settings):
    source, config = ArraySource(_image(channels, scale), "YXC"), TrainConfig(start="auto", **settings)
    return build_task(source, config, 0, steps=steps, say=said)


def _same(network, expected):
    ours, theirs = network.state_dict(), expected.state_dict()
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=0, atol=0)


@pytest.mark.parametrize(("name", "settings"), [("white", WHITE), ("shared", SHARED)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_weights_are_the_priors(box, name, settings, channels):
    said = []
    task = _build(channels, said=said.append, **settings)
    _same(task.modules["network"], box[name] if channels == 3 else as_grey(box[name]))
    assert f"training starts from the prior blind-{name} of the box" in said[-1]
    assert task.config.start == f"blind-{name}"
    assert task.config.learning_rate == 1e-3, "half of the usual one"
    assert task.provenance["start"] == {"prior": f"blind-{name}"}
    assert task.weights_licence.endswith("; begun with weights under: its own terms")


@pytest.mark.parametrize(("steps", "rate"), [(2_000, 1e-3), (2_001, 2e-3)])
def test_long_runs_take_the_usual_rate(box, steps, rate):
    assert _build(steps=steps, **WHITE).config.learning_rate == rate
    assert _build(steps=steps, **WHITE, learning_rate=3e-3).config.learning_rate == 3e-3


def test_the_value_scale_is_the_images(box):
    """A prior serves every range of values; a trained model brings its own."""
    near, far = _build(**WHITE), _build(scale=1000.0, **{**WHITE, "noise_read": 100.0})
    assert far.scale.scale == pytest.approx(1000 * near.scale.scale, rel=1e-4)
    assert far.scale.offset == pytest.approx(1000 * near.scale.offset, rel=1e-4)


@pytest.mark.parametrize(
    ("channels", "settings", "why"),
    [
        (2, WHITE, "not for 2 channels"),
        (1, {**WHITE, "value_scale": "255"}, "not for the value scale 255"),
        (1, {**WHITE, "model": "phase-unet-small"}, "no prior for phase-unet-small"),
        (1, {**WHITE, "noise": "none", "noise_read": None, "stride": 2, "crop": 16}, "stride 2 and noise none"),
        (1, {**SHARED, "hole": "diamond:5", "hole_test": "diamond:3"}, "hole diamond:5"),
    ],
)
def test_random_weights_where_no_prior_fits(box, channels, settings, why):
    said = []
    task = _build(channels, said=said.append, **settings)
    assert "starts from random weights, since" in said[-1]
    assert why in said[-1]
    assert task.config.start is None
    assert "start" not in task.provenance


def test_an_empty_box_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "WEIGHTS", tmp_path / "none")
    task = _build(**WHITE)
    assert task.config.start is None
    assert task.weights_licence == "derived from the training images; their terms apply"


def test_terms_of_what_a_run_began_with_stay_with_its_weights(box, tmp_path):
    """A run from a run from a prior; nothing is said twice."""
    task = _build(**WHITE)
    Model(task.modules["network"], weights_licence=task.weights_licence, noise=NoiseModel(0.0, 0.01)).save(
        tmp_path / "run.safetensors"
    )
    settings = {**WHITE, "start": str(tmp_path / "run.safetensors")}
    again = build_task(ArraySource(_image(), "YXC"), TrainConfig(**settings), 0)
    assert again.weights_licence == task.weights_licence


def test_none_and_auto_draw_the_same_random_weights_where_nothing_fits(box):
    source, settings = ArraySource(_image(2), "YXC"), {**WHITE}
    torch.manual_seed(3)
    fresh = build_task(source, TrainConfig(start="none", **settings), 0).modules["network"]
    torch.manual_seed(3)
    _same(_build(2, **settings).modules["network"], fresh)


def test_a_prior_that_does_not_fit_is_refused_by_name(box):
    source = ArraySource(_image(), "YXC")
    with pytest.raises(
        ValueError, match=r"blind-shared does not fit this run: blind-white is the one.*use --start auto"
    ):
        build_task(source, TrainConfig(start="blind-shared", **WHITE), 0)
    with pytest.raises(ValueError, match=r"blind-white does not fit this run: .*value scale 255; use --start auto"):
        build_task(source, TrainConfig(start="blind-white", value_scale="255", **WHITE), 0)


def test_a_run_names_its_prior_and_its_settings_train_the_same_again(box, tmp_path):
    loop = LoopConfig(steps=2, validate_every=0, accelerator="cpu")
    train(_image()[..., 0], tmp_path / "one", TrainConfig(start="auto", **WHITE), loop, axes="YX")
    assert "start: blind-white" in (tmp_path / "one" / "config.yaml").read_text(encoding="utf-8")
    train(_image()[..., 0], tmp_path / "two", TrainConfig(start="blind-white", **WHITE), loop, axes="YX")
    first, second = (Model.load(tmp_path / run).network for run in ("one", "two"))
    _same(first, second)


def test_a_run_from_a_prior_resumes_and_ends_in_the_same_bits(box, tmp_path):
    config, said = TrainConfig(start="auto", **WHITE), []
    loop = LoopConfig(steps=4, validate_every=0, accelerator="cpu")
    train(_image()[..., 0], tmp_path / "whole", config, loop, axes="YX")

    def stop(progress):
        return progress.step == 2

    with pytest.raises(Interrupted):
        train(_image()[..., 0], tmp_path / "parts", config, loop, axes="YX", watch=stop)
    train(_image()[..., 0], tmp_path / "parts", config, axes="YX", resume=True, say=said.append)
    assert said == []
    _same(*(Model.load(tmp_path / run).network for run in ("whole", "parts")))


def test_auto_is_the_default_and_a_resumed_run_keeps_what_it_began_with(box, tmp_path):
    loop = LoopConfig(steps=2, validate_every=0, accelerator="cpu")
    train(_image()[..., 0], tmp_path / "run", TrainConfig(start=None, **WHITE), loop, axes="YX")
    longer, said = dataclasses.replace(loop, steps=3), []
    train(_image()[..., 0], tmp_path / "run", TrainConfig(**WHITE), longer, axes="YX", resume=True, say=said.append)
    assert said == []
    assert "start" not in Model.load(tmp_path / "run").provenance


def test_runs_that_began_before_there_were_priors_resume_without(box, tmp_path):
    loop = LoopConfig(steps=2, validate_every=0, accelerator="cpu")
    train(_image()[..., 0], tmp_path / "run", TrainConfig(start=None, **WHITE), loop, axes="YX")
    checkpoint = torch.load(tmp_path / "run" / "last.ckpt", weights_only=False)
    parts = json.loads(checkpoint["settings"])
    for part in parts[:2]:
        del part["start"]
    torch.save({**checkpoint, "settings": json.dumps(parts)}, tmp_path / "run" / "last.ckpt")
    train(_image()[..., 0], tmp_path / "run", None, dataclasses.replace(loop, steps=3), axes="YX", resume=True)
    assert "start: null" in (tmp_path / "run" / "config.yaml").read_text(encoding="utf-8")
