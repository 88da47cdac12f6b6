"""Which network, hole and recipe a training takes: by the noise, or as it was asked."""

import dataclasses

import numpy as np
import pytest

from bsn import denoise, train
from bsn.data import ArraySource
from bsn.data.synthetic.correlated_noise import CorrelatedGaussian
from bsn.engine import LoopConfig
from bsn.models import HalfPlane, HalfPlaneConfig, Model
from bsn.training import TrainConfig, build_task, settle
from bsn.training.hole_settings import recommended_loop

CROSS = np.array([[0.0, 1, 0], [1, 2, 1], [0, 1, 0]])
SHORT = LoopConfig(steps=4, accelerator="cpu", validate_every=0, warmup_steps=1, ema=0.5)


def scenes(size=160):
    y, x = np.mgrid[:size, :size] / size
    return [(0.5 + 0.2 * np.sin(5 * x + k) * np.cos(4 * y - k)).astype(np.float32)[None] for k in range(2)]


def blurred(size=160):
    return [CorrelatedGaussian(0.08, kernel=CROSS)(clean, k) for k, clean in enumerate(scenes(size))]


def white(size=160):
    return [
        clean + np.random.default_rng(k).normal(0, 0.08, clean.shape).astype(np.float32)
        for k, clean in enumerate(scenes(size))
    ]


@pytest.fixture(scope="module")
def correlated():
    return ArraySource(blurred(), "CYX")


@pytest.fixture(scope="module")
def independent():
    return ArraySource(white(), "CYX")


def settled(source, **options):
    return settle(source, TrainConfig(**options)).config


def both(source, config):
    found = settle(source, config)
    return found.config, found.advice


def test_correlated_noise_gets_a_hole_at_full_resolution(correlated):
    config, advice = both(correlated, TrainConfig())
    assert config.model == "halfplane-cells-diamond"
    assert config.hole.startswith("diamond:")
    assert (config.stride, config.noise, config.loss, config.optimizer) == (1, "none", "l1", "muon")
    assert config.inference_wiener
    assert advice.suitable
    assert advice.reasons[0] == advice.hole.why
    assert not any("stride" in reason for reason in advice.reasons)


def test_independent_noise_is_trained_as_ever(independent):
    config = settled(independent)
    assert (config.model, config.hole, config.stride) == ("phase-unet-tiny", "none", 1)
    assert (config.loss, config.learning_rate, config.noise) == ("poisson-l2", 2e-3, "gaussian")


@pytest.mark.parametrize("options", [{"hole": "none"}, {"model": "phase-unet-tiny"}, {"model": "dbsnl"}])
def test_who_asks_for_no_hole_gets_strides(correlated, options):
    config, advice = both(correlated, TrainConfig(**options))
    assert config.hole == "none"
    assert config.stride > 1
    assert "stride" in advice.reasons[0]


def test_a_stride_is_the_other_way(correlated):
    config = settled(correlated, stride=3)
    assert (config.model, config.hole, config.stride) == ("phase-unet-tiny", "none", 3)


def test_explicit_settings_win(correlated):
    config = settled(correlated, loss="l2", learning_rate=3e-4, optimizer="adam", noise="gaussian", model="halfplane")
    assert (config.loss, config.learning_rate, config.optimizer, config.noise) == ("l2", 3e-4, "adam", "gaussian")
    assert (config.model, config.hole.split(":")[0]) == ("halfplane", "square")


@pytest.mark.parametrize(
    ("hole", "model"),
    [("square:5", "halfplane-cells"), ("rows:3", "halfplane-cells"), ("diamond:5", "halfplane-cells-diamond")],
)
def test_a_hole_brings_its_network(independent, hole, model):
    config = settled(independent, hole=hole)
    assert (config.model, config.hole, config.stride, config.noise) == (model, hole, 1, "none")
    assert config.hole_test.split(":")[0] in (hole.split(":")[0], "pixel")


def test_a_pixel_on_half_planes_keeps_the_noise_model(independent):
    config = settled(independent, model="halfplane")
    assert (config.hole, config.noise) == ("pixel", "gaussian")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"model": "tbsn", "hole": "square:5"}, "use --model halfplane-cells"),
        ({"model": "halfplane", "hole": "none"}, "would learn to copy the noise; use --hole auto"),
        ({"model": "halfplane", "hole": "diamond:5"}, "the network with diagonal half-planes"),
        ({"hole": "square:5", "stride": 2}, "use one of the two"),
        ({"hole": "square:9", "crop": 8}, "--crop 36 or more"),
        ({"hole": "square:161"}, "as large as a crop"),
        ({"hole": "square:161", "crop": 256}, "as large as the smallest image"),
        ({"hole": "square:5", "downsampling": "mosaic"}, "mosaic"),
    ],
    ids=str,
)
def test_impossible_combinations_are_refused_in_one_line(correlated, options, told):
    with pytest.raises(ValueError, match=told) as refused:
        settle(correlated, TrainConfig(**options))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"hole": "square:4"}, "use an odd size such as 3 or 5"),
        ({"hole": "blob:3"}, "use one of none, pixel, square"),
        ({"hole": "square"}, "write shape and size"),
        ({"hole": "square:3", "hole_test": "square:5"}, "not inside the hole"),
    ],
)
def test_holes_that_do_not_exist_are_refused_before_any_image_is_read(options, told):
    with pytest.raises(ValueError, match=told):
        TrainConfig(**options)


def test_a_run_stores_both_holes_and_denoises_with_them(tmp_path):
    said = []
    config = TrainConfig(model="halfplane", crop=32)
    train(blurred(), tmp_path / "run", config, SHORT, hole="square:7", axes="CYX", say=said.append)
    model = Model.load(tmp_path / "run")
    assert isinstance(model.network, HalfPlane)
    assert (str(model.network.hole), model.network.config.hole, model.provenance["hole"]) == ("square:7",) * 3
    assert model.inference.hole not in (None, "square:7")
    assert said
    assert denoise(blurred()[0], model, axes="CYX", guard=False).shape == (1, 160, 160)


def test_a_run_starts_from_a_half_plane_model(tmp_path, correlated):
    network = HalfPlane(HalfPlaneConfig(channels=1, width=4, levels=2, hole="square:5"))
    Model(network).save(tmp_path / "start.safetensors")
    config = TrainConfig(start=str(tmp_path / "start.safetensors"), crop=32)
    task = build_task(correlated, config, 0)
    assert task.modules["network"].config == network.config
    other = build_task(correlated, dataclasses.replace(config, hole="rows:3"), 0)
    assert other.modules["network"].config.hole == "rows:3"
    with pytest.raises(ValueError, match="diagonal"):
        build_task(correlated, dataclasses.replace(config, hole="diamond:3"), 0)


def test_a_phase_model_to_start_from_has_no_hole(tmp_path, correlated):
    from bsn.models import create

    Model(create("phase-unet-tiny", channels=1)).save(tmp_path / "start.safetensors")
    config = TrainConfig(start=str(tmp_path / "start.safetensors"), crop=32)
    assert build_task(correlated, config, 0).config.hole == "none"
    with pytest.raises(ValueError, match="start with a half-plane network"):
        build_task(correlated, dataclasses.replace(config, hole="square:3"), 0)


def test_half_plane_runs_keep_their_best_weights_and_others_their_last():
    hole, phases = TrainConfig(hole="square:5"), TrainConfig(hole="none")
    found = recommended_loop(hole, LoopConfig())
    assert (found.keep, found.validate_every, found.steps) == ("best", 100, 1400)
    given = recommended_loop(hole, LoopConfig(keep="last", validate_every=0, steps=7))
    assert (given.keep, given.validate_every, given.steps) == ("last", 0, 7)
    other = recommended_loop(phases, LoopConfig())
    assert (other.keep, other.validate_every, other.steps) == ("last", 500, 5800)


@pytest.mark.parametrize(
    ("channels", "dtype", "polished"), [(3, np.uint8, True), (3, np.float32, False), (1, np.uint8, False)]
)
def test_colour_photographs_with_correlated_noise_are_polished(channels, dtype, polished):
    images = [np.repeat(noisy, channels, 0) for noisy in blurred()]
    if dtype == np.uint8:
        images = [np.rint(np.clip(noisy, 0, 1) * 255).astype(np.uint8) for noisy in images]
    source = ArraySource(images, "CYX")
    assert settled(source).polish_test == polished
    assert not settled(source, polish_test=False).polish_test
    assert not settled(source, hole="none", stride=1).polish_test
