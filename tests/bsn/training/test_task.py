"""The blind-spot task: the published training step, and training that works."""

import dataclasses
import gc
import threading

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from bsn.data import ArraySource, DataError
from bsn.data.sources.crops import CropBatch
from bsn.engine import LoopConfig, RunFolder, fit
from bsn.engine.optimizers import Muon
from bsn.engine.schedule import learning_rate_factor
from bsn.engine.task import Workers
from bsn.inference import Denoiser
from bsn.models import TBSN, Model, ValueScale
from bsn.models.tbsn.official import our_key
from bsn.training import BlindSpotTask, TrainConfig, build_task, get_recipe
from tests.helpers.golden import load_golden


class GoldenCrops:
    """The golden inputs, one a step, where random crops would come."""

    def __init__(self, pixels):
        self.pixels = pixels

    def batch(self, step, batch_size, rank=0, world_size=1):
        return CropBatch(self.pixels[step : step + 1], ["golden"], np.zeros((1, 4), np.int64))


@pytest.mark.parametrize(
    ("dtype", "loss_bound", "weight_bound"), [(torch.float64, 1e-9, 1e-10), (torch.float32, 1e-3, 1e-5)]
)
def test_four_published_training_steps(dtype, loss_bound, weight_bound):
    golden = load_golden("tbsn/train_tbsn_d8_4steps.safetensors")
    config = golden.config
    network = TBSN.from_official({k: v.to(dtype) for k, v in golden.weights.items()}, config["network"]).train()
    recipe = get_recipe("tbsn")
    assert (recipe.train.stride, recipe.train.learning_rate) == (config["pd_a"], config["lr"])
    assert (recipe.train.betas, recipe.train.weight_decay) == (tuple(config["betas"]), config["weight_decay"])
    pixels = golden["input"].to(dtype).numpy()
    scale = ValueScale.eight_bit() if pixels.max() <= 1 else ValueScale()
    task = BlindSpotTask(network, GoldenCrops(pixels), recipe.train, scale)
    task.start(Workers())
    optimizer = task.optimizers()["main"]
    losses = []
    for step in range(config["steps"]):
        (update,) = task.updates(step)
        loss, _ = update.parts[0]()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    task.close()
    assert losses == pytest.approx(golden["losses64"].tolist(), abs=loss_bound)
    after = network.state_dict()
    for official, truth in golden.group("after.").items():
        key = our_key(official)
        if key is None:
            continue
        value, truth = after[key].clone(), truth.clone()
        if key == "head.weight":
            value[..., 1, 1] = truth[..., 1, 1] = 0
        assert float((value.double() - truth.double()).abs().max()) <= weight_bound, official


def noisy_ramps(count=6, size=96, sigma=0.1, channels=1):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] / size
    images = []
    for _ in range(count):
        a, b, c = rng.uniform(-1, 1, 3)
        clean = 0.5 + 0.2 * (a * x + b * y + np.sin(6 * c * x))
        images.append(np.stack([clean] * channels, -1) + sigma * rng.normal(size=(size, size, channels)))
    return [image.astype(np.float32) for image in images]


TINY = TrainConfig(crop=32, batch_size=4, learning_rate=5e-3)
TINY_BLIND = dataclasses.replace(TINY, stride=1, noise="none")
CPU = {"accelerator": "cpu", "warmup_steps": 5, "validate_every": 0}


def test_training_removes_noise_it_never_saw_the_truth_of(tmp_path):
    source = ArraySource(noisy_ramps(), "YXC")
    torch.manual_seed(0)
    task = build_task(source, TINY, 0)
    fit(task, LoopConfig(steps=60, ema=0.9, **CPU), RunFolder(tmp_path / "run"))
    model = Model.load(tmp_path / "run")
    y, x = np.mgrid[:96, :96] / 96
    clean = (0.5 + 0.2 * (0.5 * x - 0.3 * y)).astype(np.float32)
    noisy = clean + 0.1 * np.random.default_rng(9).normal(size=clean.shape).astype(np.float32)
    from bsn.inference import denoise

    residual = np.std(denoise(noisy, model, axes="YX") - clean)
    assert residual < 0.04, "of a noise of 0.1"
    assert model.provenance["training_images"] == 6
    assert model.inference.training_crop == 32


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2},
        {"model": "dbsnl", "downsampling": "mosaic", "stride": 2, "loss": "l1"},
        pytest.param({"model": "halfplane", "hole": "square:3", "loss": "l1"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_resumed_training_ends_in_the_same_bits(tmp_path, options, monkeypatch):
    import dataclasses

    from bsn.engine import Interrupted

    config = dataclasses.replace(TINY, crop=16, **options)
    source = ArraySource(noisy_ramps(4, 64), "YXC")
    loop = LoopConfig(steps=8, checkpoint_every=3, ema=0.9, **{**CPU, "validate_every": 4})

    def task():
        torch.manual_seed(0)
        return build_task(source, config, 0)

    fit(task(), loop, RunFolder(tmp_path / "whole"))
    cut = task()
    original = cut.updates

    def updates(step):
        if step == 5:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGTERM)
        yield from original(step)

    monkeypatch.setattr(cut, "updates", updates)
    with pytest.raises(Interrupted):
        fit(cut, loop, RunFolder(tmp_path / "cut"))
    fit(task(), loop, RunFolder(tmp_path / "cut"), resume=True)
    whole, resumed = (Model.load(tmp_path / name) for name in ("whole", "cut"))
    a, b = whole.network.state_dict(), resumed.network.state_dict()
    assert a.keys() == b.keys()
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert (resumed.scale, resumed.noise, resumed.inference) == (whole.scale, whole.noise, whole.inference)
    facts, expected = ({**model.provenance, "seconds": None} for model in (resumed, whole))
    assert facts == expected


def test_validation_without_and_with_truth(tmp_path):
    from bsn.data import read_image
    from bsn.evaluation import ImagePair, Validation, get_protocol

    source = ArraySource(noisy_ramps(8, 96, sigma=0.2), "YXC")
    clean = np.full((1, 64, 64), 0.5, np.float32)
    noisy = clean + 0.2 * np.random.default_rng(0).normal(size=clean.shape).astype(np.float32)
    torch.manual_seed(0)
    truth = Validation([ImagePair("flat", noisy, clean)], get_protocol("float"))
    task = build_task(source, TINY, 0, validation=truth)
    assert task.monitor == "+val_psnr"
    assert len(task.held_back.pixels) == 3, "5 % of the pixels"
    result = fit(task, LoopConfig(steps=40, ema=0.9, **CPU), RunFolder(tmp_path / "run"))
    assert result.validation["val_psnr"] > 20
    assert result.validation["val_loss"] > 0
    assert abs(result.validation["val_residual_lag1_x"]) < 0.2
    sample = read_image(tmp_path / "run" / "samples" / "step_0000040.png")
    assert sample.pixels.shape == (32, 96)


def test_crops_shrink_to_small_images():
    small = ArraySource([np.random.default_rng(0).random((50, 70)).astype(np.float32)], "YX")
    task = build_task(small, TrainConfig(), 0)
    assert task.config.crop == 50
    with pytest.raises(DataError, match="50 x 70 .* stride 5"):
        build_task(small, TrainConfig(stride=5), 0)


def test_constant_images_are_refused():
    with pytest.raises(DataError, match="are all of one constant value"):
        build_task(ArraySource(np.zeros((64, 64), np.uint8)), TrainConfig(crop=32), 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 0}, "stride 0 is out of range; use 1 or more"),
        ({"crop": 4}, "crop 4 is out of range; use 8 or more"),
        (
            {"crop": 121, "stride": 5, "downsampling": "mosaic"},
            "crop 121 is not a multiple of the mosaic's stride 5; use 120",
        ),
        ({"accumulate": 9}, "accumulate 9 is out of range; use 1 to batch_size"),
    ],
)
def test_settings_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**options)


class Ramp:
    """A crop whose values are the numbers of its pixels, in grey levels of 255."""

    def batch(self, step, batch_size, rank=0, world_size=1):
        side = 640 if step == 0 else 120
        pixels = np.arange(side * side, dtype=np.float32).reshape(1, 1, side, side) / side**2
        return CropBatch(np.repeat(pixels, batch_size, 0), ["ramp"] * batch_size, np.zeros((batch_size, 4), np.int64))


def test_the_tbsn_recipe_is_the_published_training():
    """Text and program of the publication: crops of 640, sub-image (0, 0) of stride 5, 0..255; rate / 10 at 40 and 80 %."""
    recipe, seen = get_recipe("tbsn"), []
    network = torch.nn.Conv2d(1, 1, 1)
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    task = BlindSpotTask(network, Ramp(), recipe.train, ValueScale.eight_bit())
    task.start(Workers())
    (update,) = task.updates(0)
    loss, _ = update.parts[0]()
    task.close()
    (given,) = seen
    assert given.shape == (4, 1, 128, 128)
    numbers = torch.arange(640.0 * 640).reshape(640, 640)[::5, ::5]
    torch.testing.assert_close(given[0, 0], numbers * 255 / 640**2)
    assert float(loss.detach()) == pytest.approx(float((network(given) - given).detach().abs().mean()), rel=1e-6)
    rates = [3e-4 * learning_rate_factor(step, recipe.loop.steps, recipe.loop) for step in (0, 39_999, 40_000, 80_000)]
    assert rates == pytest.approx([3e-4, 3e-4, 3e-5, 3e-6])
    assert (recipe.loop.steps, recipe.loop.ema, recipe.loop.clip, recipe.train.augment) == (100_000, 0, None, False)


def test_the_ap_bsn_recipe_is_the_published_training():
    """Crops of 120 become mosaics of 25 tiles of 24 pixels with a margin of 2: 140 pixels; rate / 10 after every 8 epochs."""
    recipe, seen = get_recipe("ap-bsn"), []
    network = torch.nn.Conv2d(1, 1, 1)
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape))
    task = BlindSpotTask(network, Ramp(), recipe.train, ValueScale.eight_bit())
    task.start(Workers())
    (update,) = task.updates(1)
    update.parts[0]()
    (group,) = task.optimizers()["main"].param_groups
    task.close()
    assert seen == [(8, 1, 140, 140)]
    assert isinstance(task.optimizers()["main"], torch.optim.Adam)
    assert (group["lr"], group["betas"]) == (1e-4, (0.9, 0.999))
    epoch = 24_542 // 8
    factors = [
        learning_rate_factor(round(epochs * epoch), recipe.loop.steps, recipe.loop) for epochs in (7.9, 8.1, 15.9, 16.1)
    ]
    assert factors == pytest.approx([1, 0.1, 0.1, 0.01])
    with pytest.raises(ValueError, match="no recipe 'sidd'; choose one of default"):
        get_recipe("sidd")


@pytest.mark.parametrize(
    ("noise", "gain"), [("gaussian", None), pytest.param("poisson-gaussian", 0.0, marks=pytest.mark.slow)]
)
def test_the_noisy_pixel_helps_where_the_picture_cannot_be_predicted(tmp_path, noise, gain):
    """Clean pixels of white texture: the surroundings say nothing, so the truth is the textbook's weighted mean."""
    rng = np.random.default_rng(0)
    clean = [0.5 + 0.2 * rng.normal(size=(96, 96)) for _ in range(4)]
    noisy = [(c + 0.1 * rng.normal(size=c.shape)).astype(np.float32) for c in clean]
    config = TrainConfig(crop=32, batch_size=4, noise=noise, noise_gain=gain, noise_read=0.1)
    torch.manual_seed(0)
    task = build_task(ArraySource(noisy, "YX"), config, 0)
    fit(task, LoopConfig(steps=60, **CPU), RunFolder(tmp_path / "run"))
    result, deviation = Denoiser(tmp_path / "run").with_deviation(noisy[0], "YX")
    error = float(np.sqrt(np.square(result - clean[0]).mean()))
    assert error < 0.096
    assert error == pytest.approx(np.sqrt(0.2**2 * 0.1**2 / (0.2**2 + 0.1**2)), rel=0.08)
    assert float(deviation.mean()) == pytest.approx(error, rel=0.15)
    alone = Denoiser(tmp_path / "run", posterior=False)(noisy[0], "YX") - clean[0]
    assert float(np.sqrt(np.square(alone).mean())) == pytest.approx(0.2, rel=0.05), "surroundings say nothing"


@pytest.mark.slow
def test_an_unknown_noise_level_is_learned(tmp_path):
    torch.manual_seed(0)
    config = TrainConfig(crop=24, batch_size=4, learning_rate=5e-3, noise="gaussian")
    task = build_task(ArraySource(noisy_ramps(sigma=0.1), "YXC"), config, 0)
    fit(task, LoopConfig(steps=150, **CPU), RunFolder(tmp_path / "run"))
    assert Model.load(tmp_path / "run").noise.variance ** 0.5 == pytest.approx(0.1, rel=0.2)


def test_refinement_and_uncertainty_are_refused_where_they_make_no_sense(tmp_path):
    task = build_task(ArraySource(noisy_ramps(), "YXC"), dataclasses.replace(TINY, noise="gaussian"), 0)
    model = task.model(task.modules, {})
    with pytest.raises(ValueError, match="already weighs them by its noise model"):
        Denoiser(model, r3_passes=2)
    with pytest.raises(ValueError, match="the uncertainty is that of the posterior"):
        Denoiser(model, posterior=False).with_deviation(noisy_ramps()[0], "YXC")
    with pytest.raises(ValueError, match="this model predicts no uncertainty"):
        Denoiser(dataclasses.replace(model, noise=None)).with_deviation(noisy_ramps()[0], "YXC")


@pytest.mark.slow
def test_noise_that_differs_from_image_to_image_is_fitted_to_each(tmp_path):
    """Mostly flat frames under noise that grows to 8 times the variance, and texture in them that nothing predicts."""
    rng = np.random.default_rng(0)
    sigmas = 0.05 * 2 ** np.linspace(0, 1.5, 8)
    clean = [0.5 + 0.3 * rng.normal(size=(128, 128)) * (np.arange(128) >= 112) for _ in sigmas]
    noisy = [(c + s * rng.normal(size=c.shape)).astype(np.float32) for c, s in zip(clean, sigmas, strict=True)]
    said = []
    torch.manual_seed(0)
    config = TrainConfig(crop=48, batch_size=4)
    task = build_task(ArraySource(noisy, "YX"), config, 0, say=said.append)
    assert "differs from image to image" in " ".join(said)
    fit(task, LoopConfig(steps=400, **CPU), RunFolder(tmp_path / "run"))
    model = Model.load(tmp_path / "run")
    assert model.noise.per_image
    assert model.inference.wiener
    denoiser, pointwise = Denoiser(model), Denoiser(model, wiener=False)
    for index in (0, 7):  # where nothing can be predicted the textbook's weighted mean is best, for each frame its own
        result = denoiser(noisy[index], "YX")
        error = np.sqrt(np.square((result - clean[index])[:, 114:]).mean())
        best = 0.3 * sigmas[index] / np.hypot(0.3, sigmas[index])
        assert 0.95 * best < error < 1.7 * best, "of a texture of 0.3"
        assert np.square((result - clean[index])[:, 8:104]).mean() < 0.05 * sigmas[index] ** 2, "little of the noise"
        blind = Denoiser(model, posterior=False)(noisy[index], "YX")
        again = model.predict(torch.from_numpy(noisy[index])[None, None])[0, 0]
        np.testing.assert_allclose(again, blind, atol=1e-4)
        assert np.abs(pointwise(noisy[index], "YX") - blind).max() > 0.1, "the noisy pixel counts"


@pytest.mark.parametrize(
    ("pixels", "steps", "optimizer", "stride", "kind"),
    [
        (256, 5_800, "auto", 1, torch.optim.AdamW),
        (1024, 10_000, "auto", 1, torch.optim.AdamW),  # 625 passes over each pixel: Muon overfits to the noise
        (1024, 1_488, "auto", 1, Muon),  # 93 passes: it does not
        (1024, 1_488, "auto", 2, torch.optim.AdamW),
        (1024, 10_000, "muon", 2, Muon),
        (1024, 1_488, "adamw", 1, torch.optim.AdamW),
    ],
)
def test_muon_is_chosen_for_independent_noise_of_many_images(pixels, steps, optimizer, stride, kind):
    source = ArraySource(np.random.default_rng(0).random((pixels, 1024), np.float32), "YX")
    config = dataclasses.replace(TINY, crop=128, batch_size=4, optimizer=optimizer, stride=stride)
    assert type(build_task(source, config, 0, steps=steps).optimizers()["main"]) is kind


@pytest.mark.parametrize(
    ("optimizer", "steps", "remarked"),
    [("muon", 3_000, False), ("muon", 33_000, True), ("adamw", 33_000, False)],
)
def test_muon_for_hours_on_few_images_is_remarked_on(optimizer, steps, remarked):
    """As of a run by minutes, whose length is not known when the optimiser is chosen."""
    source = ArraySource(np.random.default_rng(0).random((1024, 1024), np.float32), "YX")
    config = dataclasses.replace(TINY, crop=128, batch_size=4, optimizer=optimizer)
    said = build_task(source, config, 0).remark(steps)
    assert ("2062 times over every pixel" in said and "adamw" in said) if remarked else said is None


def test_measuring_each_image_excludes_given_numbers():
    with pytest.raises(ValueError, match="leave noise_gain and noise_read out"):
        TrainConfig(noise="gaussian", noise_read=0.1, noise_scope="image")


def test_training_follows_the_judgement_of_inspect_unless_told():
    """Default settings: stride, noise model and use of the noisy image follow from the noise."""
    white = [0.5 + 0.05 * np.random.default_rng(i).normal(size=(128, 128)) for i in range(4)]
    shared = [gaussian_filter(0.5 + 0.2 * np.random.default_rng(i).normal(size=(192, 192)), 0.8) for i in range(4)]
    said = []
    task = build_task(ArraySource([w.astype(np.float32) for w in white], "YX"), TINY, 0, say=said.append)
    assert (task.config.stride, task.config.noise_scope) == (1, "set")
    assert task.config.noise.endswith("gaussian")
    assert "independent" in said[0]
    assert task.model(task.modules, {}).inference.wiener
    strided = dataclasses.replace(TINY, hole="none")
    task = build_task(ArraySource([s.astype(np.float32) for s in shared], "YX"), strided, 0, say=said.append)
    assert task.config.stride > 1
    assert task.config.noise == "none"
    model = task.model(task.modules, {})
    assert (model.inference.stride, model.inference.wiener) == (2, True)
    assert Denoiser(model).pipeline.filter is not None
    assert Denoiser(model, wiener=False).pipeline.filter is None
    assert Denoiser(model)(shared[0][:40, :40].astype(np.float32)).shape == (40, 40), "too small for it: left out"
    small = [s[:40, :64].astype(np.float32) for s in shared * 2]
    assert build_task(ArraySource(small, "YX"), strided, 0, say=said.append).config.stride == 2, "no room for more"
    assert "the smallest image has room for crops of 16 pixels at stride 2 only" in said
    smaller = build_task(ArraySource([s[:31, :192].astype(np.float32) for s in shared * 2], "YX"), strided, 0)
    assert (smaller.config.stride, smaller.config.noise) == (1, "none")
    assert smaller.model(smaller.modules, {}).inference.wiener, "the noise is shared by neighbours all the same"
    told = build_task(ArraySource([s.astype(np.float32) for s in shared], "YX"), TINY_BLIND, 0)
    assert (told.config.stride, told.config.noise) == (1, "none")
    assert not told.model(told.modules, {}).inference.wiener


def test_a_task_that_is_forgotten_stops_its_thread():
    before = set(threading.enumerate())
    task = BlindSpotTask(torch.nn.Conv2d(1, 1, 1), Ramp(), get_recipe("tbsn").train, ValueScale.eight_bit())
    task.start(Workers())
    task.next_batch(0)
    (thread,) = set(threading.enumerate()) - before
    del task
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()
