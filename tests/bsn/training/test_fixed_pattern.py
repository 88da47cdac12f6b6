"""Patterns that all frames share, from the settings to the denoised file."""

import dataclasses
import re
import warnings

import numpy as np
import pytest
import tifffile

from bsn.data import ArraySource, DataError
from bsn.engine import LoopConfig
from bsn.inference import Denoiser, DenoisingWarning, InferenceConfig
from bsn.models import InferenceDefaults, Model, ValueScale
from bsn.training import TrainConfig, settle, train
from tests.helpers.networks import narrow_presets, randomise, small

SIDE, COUNT = 96, 16
RNG = np.random.default_rng(0)
PATTERN = RNG.normal(0, 0.05, (SIDE, SIDE)).astype(np.float32)
CLEAN = (0.5 + 0.2 * np.sin(np.arange(SIDE) / 15)).astype(np.float32) * np.ones((SIDE, 1), np.float32)
PLAIN = CLEAN + RNG.normal(0, 0.08, (COUNT, SIDE, SIDE)).astype(np.float32)
STACK = PLAIN + PATTERN
QUICK = TrainConfig(
    model="phase-unet-tiny", hole="none", stride=1, noise="none", crop=32, batch_size=1, optimizer="adamw"
)


def settled(frames, axes="TYX", **options):
    return settle(ArraySource(frames, axes), dataclasses.replace(QUICK, **options))


def test_a_significant_pattern_is_taken_off_and_neighbours_are_then_seen_whole():
    found = settled(STACK)
    assert found.config.fixed_pattern == "subtract"
    assert (found.config.context, found.config.context_hole) == (3, False)
    assert re.search(r"all frames share a pattern \(single pixels; (2[5-9]|3[01])% of the noise", found.reasons[0])
    assert "--fixed_pattern subtract" in found.words()
    assert found.source is not None
    images = np.stack([found.source.image(t)[0] for t in range(COUNT)])
    assert (images - PLAIN).std() < 0.6 * PATTERN.std()
    np.testing.assert_array_equal(found.source.crop(3, 10, 20, 30, 40)[0], images[3, 10:40, 20:60])
    kept = settled(STACK, fixed_pattern="keep")
    assert (kept.config.context, kept.config.context_hole) == (3, True)
    assert "fixed_pattern" not in kept.words()


def test_nothing_is_taken_off_without_a_pattern_or_without_known_frames():
    assert settled(PLAIN).config.fixed_pattern == "keep"
    alone = settled(STACK, axes="QYX")
    assert alone.config.fixed_pattern == "keep"
    with pytest.raises(DataError, match="state the axes, such as --axes TYX"):
        settled(STACK, axes="QYX", fixed_pattern="subtract")
    nothing = settled(PLAIN, fixed_pattern="subtract")
    assert nothing.config.fixed_pattern == "keep"
    assert any("no pattern of the frames is taken off: there is none" in reason for reason in nothing.reasons)


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="fixed_pattern often is out of range; use auto, subtract or keep"):
        TrainConfig(fixed_pattern="often")
    with pytest.raises(ValueError, match="fixed_pattern subtract is for blind networks"):
        TrainConfig(scheme="recorrupted", fixed_pattern="subtract")
    with pytest.raises(ValueError, match="fixed_pattern auto is out of range; use subtract or keep"):
        InferenceConfig(fixed_pattern="auto")


@pytest.mark.parametrize("context", [0, 1])
def test_the_model_stores_it_and_denoises_frames_without_their_pattern(context, tmp_path):
    network = randomise(small("phase-unet-tiny", channels=1, context=context, widths=(4, 8), blocks=(1, 1), dilation=2))
    model = Model(network, ValueScale(0.5, 0.2), InferenceDefaults(fixed_pattern="subtract"))
    model.save(tmp_path / "m.safetensors")
    config = InferenceConfig(device="cpu", outliers="ignore", keep_mean=False)
    tool = Denoiser(Model.load(tmp_path / "m.safetensors"), config)
    source = settled(STACK, fixed_pattern="subtract").source
    free = np.stack([source.image(t)[0] for t in range(COUNT)])
    expected = Denoiser(model, config, fixed_pattern="keep")(free, "TYX")
    np.testing.assert_allclose(tool(STACK, "TYX"), expected, atol=1e-6)
    two = np.stack([STACK, STACK[:, ::-1]], 1)  # stacks whose planes alternate in the file
    tifffile.imwrite(tmp_path / "in.tif", two, imagej=True, metadata={"axes": "TZYX"})
    tool.denoise_file(tmp_path / "in.tif", tmp_path / "out.tif")
    found = tifffile.imread(tmp_path / "out.tif")
    np.testing.assert_allclose(found[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(found[:, 1], tool(STACK[:, ::-1].copy(), "TYX"), atol=1e-6)
    with pytest.warns(DenoisingWarning) as said:
        tool(STACK[0], "YX")
    assert any("cannot be found on fewer than 8 frames: it stays" in str(warning.message) for warning in said)


@pytest.mark.slow
def test_a_training_takes_it_off_and_resumes_so(tmp_path, monkeypatch):
    narrow_presets(monkeypatch, "phase-unet-tiny")
    config = dataclasses.replace(QUICK, context=1, fixed_pattern="subtract")
    loop = LoopConfig(steps=2, accelerator="cpu", validate_every=0, checkpoint_every=1)
    train(STACK, tmp_path / "run", config, loop, axes="TYX")
    model = Model.load(tmp_path / "run")
    assert model.inference.fixed_pattern == "subtract"
    assert "fixed_pattern: subtract" in (tmp_path / "run" / "config.yaml").read_text()
    train(STACK, tmp_path / "run", loop=dataclasses.replace(loop, steps=3), axes="TYX", resume=True)
    assert Model.load(tmp_path / "run").inference.fixed_pattern == "subtract"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Denoiser(model, device="cpu")(STACK, "TYX").shape == STACK.shape
