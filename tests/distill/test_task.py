"""Losses, the task, and a distillation from end to end."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.ndimage import uniform_filter
from skimage.metrics import peak_signal_noise_ratio

from bsn.data import ArraySource, CropBatch, Image, write_image
from bsn.engine import LoopConfig
from bsn.engine.checkpoint import load_checkpoint
from bsn.inference import Denoiser
from bsn.models import UnknownModelError, ValueScale, create
from bsn.training import CleanValidation
from distill import DistillConfig, ModelTeacher, distil, make_cache
from distill.losses import decibel_loss, gradient_loss, multiscale_loss, pixel_loss
from distill.recipes import RECIPES, get_recipe
from distill.run import build_task
from distill.task import DistillTask, trust
from tests.distill.test_cache import Unsure

FAST = LoopConfig(
    steps=12, warmup_steps=1, validate_every=6, checkpoint_every=4, precision="32-true", accelerator="cpu"
)
SMALL = DistillConfig(student="tiny", crop=32, batch_size=2)


@pytest.fixture
def cache(tmp_path, noisy_images, teacher_model):
    return make_cache(ModelTeacher(teacher_model, device="cpu"), ArraySource(noisy_images, "YX"), tmp_path / "c.h5")


def test_losses_are_what_numpy_says():
    rng = np.random.default_rng(0)
    a, b, w = (rng.random((2, 3, 8, 12)) for _ in range(3))
    x, y, weight = map(torch.from_numpy, (a, b, w))
    assert np.allclose(pixel_loss(x, y), np.abs(a - b).mean((1, 2, 3)))
    assert np.allclose(pixel_loss(x, y, power=2), ((a - b) ** 2).mean((1, 2, 3)))
    expected = (np.abs(a - b) * w).mean((1, 2, 3)) / w.mean((1, 2, 3))
    assert np.allclose(pixel_loss(x, y, weight), expected)
    dx, dy = (np.abs(np.diff(a - b, axis=axis)).mean((1, 2, 3)) for axis in (3, 2))
    assert np.allclose(gradient_loss(x, y), dx + dy)
    blocks = [np.abs((a - b).reshape(2, 3, 8 // s, s, 12 // s, s).mean((3, 5))).mean((1, 2, 3)) for s in (2, 4)]
    assert np.allclose(multiscale_loss(x, y), sum(blocks))


def test_decibels_are_those_of_psnr_until_the_error_is_below_a_grey_level():
    errors = np.array([1e-2, 1e-3, 1e-4])
    expected = [-peak_signal_noise_ratio(np.zeros(4), np.full(4, error**0.5), data_range=1) for error in errors]
    assert np.allclose(decibel_loss(torch.from_numpy(errors + 0)), expected, atol=0.7)
    assert np.allclose(decibel_loss(torch.from_numpy(errors - 1 / 255**2)), expected)
    assert decibel_loss(torch.zeros(1)) == pytest.approx(-10 * np.log10(255**2))


def test_every_crop_counts_alike_in_decibels():
    """A tenth less error is worth the same where the error is large and where it is small, on any range of values."""

    def lost(loss, scale, factor):
        target = np.zeros((2, 1, 1, 32, 32), np.float32)
        noisy = factor * np.array([0.5, 0.05], np.float32).reshape(2, 1, 1, 1) * np.ones((2, 1, 32, 32), np.float32)
        config = dataclasses.replace(SMALL, loss=loss)
        task = DistillTask(create("tiny", channels=1), fixed(noisy, target), config, ValueScale(scale=scale))
        x, y = task.scale.to_network(torch.from_numpy(noisy)), torch.from_numpy(target[:, 0])
        return task._loss(torch.nn.Identity(), x, y)

    strong, weak = (lost("psnr", 1.0, 1.0) - lost("psnr", 1.0, 0.9)).tolist()
    assert strong == pytest.approx(-20 * np.log10(0.9), rel=1e-3)
    assert weak == pytest.approx(strong, rel=0.01)
    assert torch.allclose(lost("psnr", 1 / 255, 1.0), lost("psnr", 1.0, 1.0), atol=1e-4)


@pytest.mark.parametrize(("more", "said"), [({"recharge": True}, "recharging"), ({"gradient": 0.1}, "stands alone")])
def test_the_loss_in_decibels_is_not_mixed_with_others(more, said):
    with pytest.raises(ValueError, match=said):
        DistillConfig(loss="psnr", **more)


def test_trust_falls_with_the_spread():
    spread = torch.tensor([1.0, 1.0, 2.0, 4.0]).reshape(1, 1, 2, 2)
    weights = trust(spread)[0, 0]
    mean = (1 + 1 + 4 + 16) / 4
    assert torch.allclose(weights, mean / (mean + spread[0, 0] ** 2))


def fixed(noisy, targets):
    class Same:
        def batch(self, step, batch_size, rank=0, world_size=1):
            return CropBatch(noisy, ["a"] * len(noisy), np.zeros((len(noisy), 4), np.int64), targets)

    return Same()


@pytest.mark.parametrize("mixing", ["mean", "random"])
def test_mixing_of_targets(mixing):
    rng = np.random.default_rng(0)
    noisy, targets = rng.random((4, 1, 16, 16), np.float32), rng.random((4, 2, 1, 16, 16), np.float32)
    config = dataclasses.replace(SMALL, mixing=mixing)
    task = DistillTask(create("tiny", channels=1), fixed(noisy, targets), config, ValueScale())
    batch = fixed(noisy, targets).batch(0, 4)
    found = [task._target(batch, step) for step in range(6)]
    if mixing == "mean":
        assert all(np.allclose(target, targets.mean(1)) for target in found)
        return
    which = [
        [next(t for t in (0, 1) if np.array_equal(target[i], targets[i, t])) for i in range(4)] for target in found
    ]
    assert {0, 1} == {number for row in which for number in row}


def test_uncertainty_weighs_and_must_be_there(tmp_path, noisy_images, teacher_model, cache):
    with pytest.raises(ValueError, match="this teacher gives none"):
        build_task(cache, dataclasses.replace(SMALL, uncertainty=True), 0)
    source = ArraySource(noisy_images, "YX")
    unsure = make_cache(Unsure(ModelTeacher(teacher_model, device="cpu")), source, tmp_path / "unsure.h5")
    losses = []
    for uncertainty in (False, True):
        torch.manual_seed(0)
        task = build_task(unsure, dataclasses.replace(SMALL, uncertainty=uncertainty, loss="l1"), 0)
        batch = task.next_batch(0)
        task.close()
        losses.append(task._loss(task.modules["network"], *task._tensors(batch, task._target(batch, 0))))
        if uncertainty:
            x, y = (torch.from_numpy(p) for p in (batch.pixels, batch.targets[:, 0]))
            weight = trust(torch.from_numpy(batch.targets[:, 1]))
            error = (task.modules["network"](task.scale.to_network(x)) - task.scale.to_network(y)).abs()
            assert torch.allclose(losses[-1], (error * weight).mean((1, 2, 3)) / weight.mean((1, 2, 3)), rtol=1e-4)
    assert not torch.allclose(*losses)


def test_a_student_is_trained_and_resumes_to_the_same_bits(tmp_path, noisy_folder, teacher_file, monkeypatch):
    whole = distil(teacher_file, noisy_folder, tmp_path / "whole", SMALL, FAST)
    assert whole.steps == 12
    cache = tmp_path / "whole.cache.h5"
    assert cache.is_file()
    folder = tmp_path / "again"
    with monkeypatch.context() as patch:
        patch.setattr(DistillTask, "validate", lambda *_: (_ for _ in ()).throw(RuntimeError("power is gone")))
        with pytest.raises(RuntimeError, match="power is gone"):
            distil(teacher_file, noisy_folder, folder, SMALL, FAST, cache=cache)
    assert load_checkpoint(folder / "last.ckpt")["step"] == 4
    distil(teacher_file, noisy_folder, folder, SMALL, FAST, cache=cache, resume=True)
    a, b = (Denoiser(tmp_path / name, device="cpu").model.network.state_dict() for name in ("whole", "again"))
    assert all(torch.equal(a[key], b[key]) for key in a)
    model = Denoiser(tmp_path / "whole", device="cpu").model
    assert model.network.config.merged
    assert model.scale == ValueScale(0.4, 0.1)
    assert model.provenance["teacher"]["network"] == "dbsnl"
    assert model.provenance["teacher_blind"] is True


def test_pairs_with_a_truth_are_scored_while_training(tmp_path, noisy_folder, noisy_images, teacher_file):
    """The student's own inference, against the truth: as it is scored after the run."""
    clean = tmp_path / "clean"
    clean.mkdir()
    for index, image in enumerate(noisy_images):
        write_image(clean / f"{index}.png", Image(np.full_like(image, 100), "YX"))
    validation = CleanValidation(str(noisy_folder), str(clean))
    result = distil(teacher_file, noisy_folder, tmp_path / "run", SMALL, FAST, clean=validation)
    student = Denoiser(tmp_path / "run", device="cpu")
    errors = [np.mean((student(image / np.float32(255), "YX") - 100 / 255) ** 2) for image in noisy_images]
    assert result.validation["val_psnr"] == pytest.approx(np.mean(-10 * np.log10(errors)), abs=0.1)
    assert result.best == result.validation["val_psnr"] or result.best_step == 6
    assert (tmp_path / "run" / "samples" / "step_0000012.png").is_file()


class BoxMean:
    """A teacher that is not a model: the mean of 3 x 3 pixels."""

    channels, layers, gives_spread, blind, scale = 1, 1, False, False, ValueScale()

    def __init__(self):
        self.about = {}

    def digest(self):
        return "box"

    def options(self):
        return {}

    def on(self, device):
        return self

    def answer(self, read, size, plane):
        yield 0, 0, torch.from_numpy(uniform_filter(read(0, 0, *size)[0].numpy(), (0, 3, 3)))


@pytest.mark.slow
def test_distillation_reaches_the_teacher(tmp_path, noisy_images):
    """The teacher is a filter of scipy, which a student can learn exactly but for the borders."""
    loop = dataclasses.replace(FAST, steps=400, ema=0.98, validate_every=0)
    config = dataclasses.replace(SMALL, batch_size=8, value_scale="unit")
    distil(BoxMean(), noisy_images, tmp_path / "run", config, loop, axes="YX")
    student = Denoiser(tmp_path / "run", device="cpu")
    image = np.clip(np.random.default_rng(9).normal(100, 20, (64, 64)), 0, 255).astype(np.float32) / 255
    target = uniform_filter(image, 3)
    # A network that gave the mean of the target would leave its variance.
    assert np.mean((student(image, "YX") - target) ** 2) < 0.05 * target.var()


def test_an_unknown_student_is_told_before_the_teacher_works(tmp_path, noisy_folder, teacher_file):
    with pytest.raises(UnknownModelError, match="did you mean"):
        distil(teacher_file, noisy_folder, tmp_path / "run", dataclasses.replace(SMALL, student="tinny"), FAST)
    assert not (tmp_path / "run.cache.h5").exists()


def test_crops_are_brought_to_the_grid_of_the_student(cache):
    assert build_task(cache, dataclasses.replace(SMALL, crop=33), 0).config.crop == 40
    assert build_task(cache, dataclasses.replace(SMALL, crop=500), 0).config.crop == 48
    assert build_task(cache, dataclasses.replace(SMALL, student="unet", crop=33), 0).config.crop == 32


def test_recipes_are_what_they_say():
    published = get_recipe("tbsn2unet")
    assert published.inference.configs("cpu")[0].r3_passes == 1
    assert published.inference.configs("cpu")[0].r3_probability == 0.0
    assert (published.distill.student, published.distill.loss, published.loop.steps) == ("unet", "l1", 100_000)
    for recipe in RECIPES.values():
        create(recipe.distill.student)
    with pytest.raises(ValueError, match="choose one of default, camera, tbsn2unet"):
        get_recipe("none")
