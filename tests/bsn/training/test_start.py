"""Training that begins with a trained model."""

import numpy as np
import pytest
import torch

from bsn.data import ArraySource
from bsn.engine import LoopConfig
from bsn.models import Model, ValueScale, create
from bsn.training import TrainConfig, build_task, train

SIGMA = 0.1


def _image(channels=1, side=96):
    return np.random.default_rng(0).random((side, side, channels), dtype=np.float32)


@pytest.fixture
def trained(tmp_path):
    """A run of a few steps with a posterior."""
    config = TrainConfig(stride=1, noise="gaussian", noise_read=SIGMA, crop=32, batch_size=1)
    train(
        _image()[..., 0], tmp_path / "run", config, LoopConfig(steps=3, validate_every=0, accelerator="cpu"), axes="YX"
    )
    return tmp_path / "run"


def _build(start, image=None, **settings):
    config = TrainConfig(
        **{"stride": 1, "noise": "gaussian", "noise_read": SIGMA, "crop": 32, "start": str(start), **settings}
    )
    return build_task(ArraySource(_image() if image is None else image, "YXC"), config, 0)


def test_weights_and_scale_are_the_models(trained):
    model, task = Model.load(trained), _build(trained, 3 * _image() + 1)
    weights = task.modules["network"].state_dict()
    for name, value in model.network.state_dict().items():
        torch.testing.assert_close(weights[name], value, rtol=0, atol=0)
    assert task.scale == model.scale
    assert task.modules["network"].training
    assert task.provenance["model"] == "phase-unet-tiny"
    assert task.provenance["start"] == {"training_images": 1, "steps": 3}


def test_the_network_is_the_starts_whatever_the_settings_say(trained):
    assert _build(trained, model="dbsnl").modules["network"].config == Model.load(trained).network.config


def test_a_run_goes_on_from_there(trained, tmp_path):
    """With a rate of nearly nothing the model stays what it was; a fresh one would be another."""
    config = TrainConfig(
        start=str(trained), stride=1, noise="gaussian", noise_read=SIGMA, crop=32, batch_size=1, learning_rate=1e-9
    )
    loop = LoopConfig(steps=2, seed=5, validate_every=0, accelerator="cpu")
    train(_image()[..., 0], tmp_path / "again", config, loop, axes="YX")
    x = torch.rand(1, 1, 32, 32)
    before, after = (Model.load(run).network(x) for run in (trained, tmp_path / "again"))
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)


def test_a_run_without_noise_model_can_be_started_from(tmp_path):
    network = create("phase-unet-tiny", channels=1)
    Model(network, ValueScale(0.5, 0.3)).save(tmp_path / "model.safetensors")
    task = _build(tmp_path / "model.safetensors", noise="none", noise_read=None)
    assert set(task.modules) == {"network"}


def test_a_start_without_noise_model_settles_what_is_automatic(tmp_path):
    """Also where the images alone would ask for a posterior."""
    Model(create("phase-unet-tiny", channels=1), ValueScale(0.5, 0.3)).save(tmp_path / "mean.safetensors")
    rng, said = np.random.default_rng(1), []
    source = ArraySource((0.5 + 0.1 * rng.standard_normal((128, 128, 1))).astype(np.float32), "YXC")
    config = TrainConfig(crop=32)
    assert set(build_task(source, config, 0).modules) == {"network", "noise"}
    config = TrainConfig(crop=32, start=str(tmp_path / "mean.safetensors"))
    assert set(build_task(source, config, 0, say=said.append).modules) == {"network"}
    assert "no noise model" in said[0]


def test_what_does_not_fit_is_refused(trained, tmp_path):
    with pytest.raises(ValueError, match="has 1 channels, the images have 3"):
        _build(trained, _image(3))
    with pytest.raises(ValueError, match=r"was trained with a noise model, .*use --noise gaussian or poisson-gaussian"):
        _build(trained, noise="none", noise_read=None)
    path = tmp_path / "mean.safetensors"
    Model(create("phase-unet-tiny", channels=1), ValueScale(0.5, 0.3)).save(path)
    with pytest.raises(ValueError, match=r"was trained with no noise model, .*use --noise none"):
        _build(path)
    sighted = tmp_path / "sighted.safetensors"
    Model(create("elf-tiny", channels=1), ValueScale(0.5, 0.3)).save(sighted)
    with pytest.raises(ValueError, match="sees the pixel it predicts"):
        _build(sighted, noise="none", noise_read=None)
