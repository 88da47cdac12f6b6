"""On a GPU, training and denoising give what the CPU gives."""

import dataclasses
import os
import signal

import numpy as np
import pytest
import torch

from bsn.data import ArraySource
from bsn.engine import Interrupted, LoopConfig, RunFolder, fit
from bsn.inference import Denoiser
from bsn.models import Model, NoiseModel, create
from bsn.noise import outputs_for_posterior
from bsn.training import TrainConfig, build_task
from bsn.training.task import BlindSpotTask
from tests.helpers.gpu import NEEDS_GPU, assert_a_gpu_takes_the_steps_of_the_cpu

pytestmark = NEEDS_GPU

SIGMA = 0.1
WAYS = {
    "surroundings alone": {"noise": "none"},
    "strides": {"noise": "none", "stride": 2, "loss": "l1"},
    "window and channel attention": {"noise": "none", "model": "tbsn-small"},
    "known noise, stronger colours": {"noise": "gaussian", "noise_read": SIGMA, "augment_colours": True},
    "learned noise": {"noise": "poisson-gaussian"},
    "noise of each image": {"noise": "gaussian", "noise_scope": "image"},
}


def noisy_waves(channels=3, size=96, count=4):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] / size
    clean = [0.5 + 0.2 * np.sin(9 * (a * x + b * y)) for a, b in rng.uniform(-1, 1, (count, 2))]
    noise = SIGMA * rng.normal(size=(count, size, size, channels))
    return [(c[..., None] + n).astype(np.float32) for c, n in zip(clean, noise, strict=True)]


def train(run, way, loop, *, resume=False, stop_at=None):
    config = TrainConfig(**({"stride": 1, "crop": 32, "validation_crops": 0} | WAYS[way]))
    torch.manual_seed(0)
    task = build_task(ArraySource(np.stack(noisy_waves()), "NYXC"), config, 0)
    original = task.updates

    def updates(step):
        if step == stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        yield from original(step)

    task.updates = updates
    fit(task, loop, RunFolder(run), resume=resume)


def weights_of(run):
    return Model.load(run).network.state_dict()


@pytest.mark.parametrize("way", WAYS)
def test_training_takes_the_steps_of_the_cpu(tmp_path, way, monkeypatch, caplog):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    # The random numbers of another device.
    monkeypatch.setattr(BlindSpotTask, "_recoloured", lambda self, x, colours: x)
    assert_a_gpu_takes_the_steps_of_the_cpu(lambda run, loop: train(run, way, loop), tmp_path, caplog)


BF16 = LoopConfig(steps=12, precision="bf16-mixed", validate_every=0, warmup_steps=0, checkpoint_every=3, ema=0.9)


@pytest.mark.parametrize("way", WAYS)
def test_recorded_steps_give_the_same_bits(tmp_path, way, caplog):
    train(tmp_path / "recorded", way, BF16)
    train(tmp_path / "launched", way, dataclasses.replace(BF16, graphs=False))
    assert "no CUDA graph" not in caplog.text
    one, other = weights_of(tmp_path / "recorded"), weights_of(tmp_path / "launched")
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("way", ["known noise, stronger colours", "window and channel attention"])
def test_a_resumed_run_ends_in_the_same_bits(tmp_path, way):
    train(tmp_path / "whole", way, BF16)
    with pytest.raises(Interrupted):
        train(tmp_path / "cut", way, BF16, stop_at=7)
    train(tmp_path / "cut", way, BF16, resume=True)
    one, other = weights_of(tmp_path / "whole"), weights_of(tmp_path / "cut")
    assert all(torch.equal(one[key], other[key]) for key in one)


def model_with(noise, channels=3, **options):
    torch.manual_seed(0)
    overrides = {} if noise is None else {"outputs": outputs_for_posterior(channels)}
    model = Model(create("phase-unet-tiny", channels=channels, **overrides).eval(), noise=noise)
    return dataclasses.replace(model, inference=dataclasses.replace(model.inference, **options))


PIPELINES = {
    "surroundings alone": (None, {}),
    "eight views": (None, {"ensemble": True}),
    "strides and refinement": (None, {"stride": (1, 2), "r3_passes": 2}),
    "Wiener filter by the measured noise": (None, {"stride": 2, "wiener": True}),
    "posterior and Wiener filter": (NoiseModel(0.0, SIGMA**2), {"wiener": True}),
    "signal-dependent noise": (NoiseModel(0.02, 0.005), {"wiener": True}),
    "noise of each image": (NoiseModel(0.02, 0.005, per_image=True), {"wiener": True}),
    "in tiles": (NoiseModel(0.0, SIGMA**2), {"tile": 672}),
}


@pytest.mark.parametrize("way", PIPELINES)
def test_denoising_gives_the_pixels_of_the_cpu(way, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    noise, options = PIPELINES[way]
    image = noisy_waves(size=720 if "tile" in options else 224, count=1)[0]
    cpu, gpu = (Denoiser(model_with(noise), device=name, **options)(image, "YXC") for name in ("cpu", "cuda"))
    assert np.abs(gpu - cpu).max() <= 1e-4 * np.abs(cpu).max()


def test_the_uncertainty_is_that_of_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    image, model = noisy_waves(size=128, count=1)[0], model_with(NoiseModel(0.0, SIGMA**2))
    cpu, gpu = (Denoiser(model, device=name).with_deviation(image, "YXC") for name in ("cpu", "cuda"))
    for ours, truth in zip(gpu, cpu, strict=True):
        assert np.abs(ours - truth).max() <= 1e-4 * np.abs(truth).max()
