"""Training on pairs: what a step sees, what is held back, that it learns."""

import csv
import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from bsn.data import Image, PairSource, SyntheticRain, check_no_leak, find_pairs, read_image, write_image
from bsn.data.errors import DataError
from bsn.engine import LoopConfig
from bsn.inference import Denoiser
from bsn.models import Light, LightPair, Model, ValueScale, create, load
from bsn.training.held_back import held_back_groups
from restoration.config import RestoreConfig
from restoration.losses import LossWeights
from restoration.recipes import RECIPES, get_recipe
from restoration.run import PairData, ValidationData, build_task, train
from restoration.starting import starting_network
from restoration.task import PairBatches

LOOP = LoopConfig(steps=4, warmup_steps=1, ema=0.0, precision="32-true", accelerator="cpu", validate_every=2)
SMALL = RestoreConfig("drt-tiny", crop=28, batch_size=2, validation_images=1)


def data(pairs, **options):
    return PairData([str(pairs / "rainy")], [str(pairs / "clean")], **options)


@pytest.mark.parametrize("model", ["drt-tiny", "ddsa-tiny", "elf-tiny"])
def test_a_run_of_every_network(pairs, tmp_path, model):
    """Its validation is the PSNR, by scikit-image, of what the final model makes of a picture it never saw."""
    clean = 0.5 + 0.4 * np.sin(np.mgrid[:40, :48] / 9).astype(np.float32).mean(0)[None] * np.ones((3, 1, 1), np.float32)
    rainy = SyntheticRain()(clean, 7)
    for folder, image in (("seen", rainy), ("truth", clean)):
        (tmp_path / folder).mkdir()
        pixels = np.moveaxis((255 * image + 0.5).astype(np.uint8), 0, -1)
        write_image(tmp_path / folder / "other.png", Image(pixels, "YXC"))
    watched = ValidationData(str(tmp_path / "seen"), str(tmp_path / "truth"), protocol="rgb8")
    result = train(data(pairs), tmp_path / model, dataclasses.replace(SMALL, model=model), LOOP, validate=watched)
    assert result.steps == 4
    final = Model.load(tmp_path / model)
    assert final.provenance["training_pairs"] == 6
    assert final.inference.training_crop == 28
    seen, truth = (read_image(tmp_path / folder / "other.png").pixels for folder in ("seen", "truth"))
    restored = Denoiser(final, device="cpu")(seen, "YXC")
    assert result.validation["val_psnr"] == pytest.approx(peak_signal_noise_ratio(truth, restored), abs=0.01)


@pytest.mark.slow
def test_it_learns(pairs, tmp_path):
    """A few hundred steps of a small network take the synthetic rain away."""
    loop = dataclasses.replace(LOOP, steps=250, validate_every=0)
    train(data(pairs), tmp_path / "run", dataclasses.replace(SMALL, batch_size=4, learning_rate=3e-3), loop)
    from bsn.evaluation import get_protocol
    from restoration.scoring import score_models

    tables = score_models(data(pairs).pairs(), get_protocol("y"), [tmp_path / "run"])
    assert tables[str(tmp_path / "run")].means["psnr"] > tables["degraded"].means["psnr"] + 3


def test_resume_ends_in_the_same_bits(pairs, tmp_path):
    whole = dataclasses.replace(LOOP, steps=4, checkpoint_every=1)
    train(data(pairs), tmp_path / "whole", SMALL, whole)

    class Stop(Exception):
        pass

    import restoration.task as module

    original = module.RestorationTask.updates

    def stopping(self, step):
        if step == 2:
            raise Stop
        return original(self, step)

    module.RestorationTask.updates = stopping
    try:
        with pytest.raises(Stop):
            train(data(pairs), tmp_path / "part", SMALL, whole)
    finally:
        module.RestorationTask.updates = original
    train(data(pairs), tmp_path / "part", SMALL, whole, resume=True)
    a, b = (Model.load(tmp_path / name).network.state_dict() for name in ("whole", "part"))
    assert all(torch.equal(a[key], b[key]) for key in a)


class TestStart:
    """A run that begins with a trained model."""

    STILL = dataclasses.replace(SMALL, learning_rate=1e-12)

    @pytest.mark.parametrize("checkpointing", [False, True])
    def test_it_goes_on_from_the_weights_of_the_model_with_its_network(self, pairs, tmp_path, checkpointing):
        small = dataclasses.replace(SMALL, model="nafnet-tiny")
        train(data(pairs), tmp_path / "first", small, LOOP)
        changes = {"start": str(tmp_path / "first"), "checkpointing": checkpointing}
        train(data(pairs), tmp_path / "again", dataclasses.replace(self.STILL, **changes), LOOP)
        first, again = (Model.load(tmp_path / name) for name in ("first", "again"))
        assert again.network.config == dataclasses.replace(first.network.config, checkpointing=checkpointing)
        before, after = first.network.state_dict(), again.network.state_dict()
        assert before.keys() == after.keys()
        assert all(torch.allclose(before[key], after[key], atol=1e-6) for key in before)
        assert again.provenance["start"] == {"model": "nafnet-tiny", "trained_for": None, "steps": 4}

    def test_a_model_of_the_box(self, pairs, tmp_path):
        train(data(pairs), tmp_path / "run", dataclasses.replace(self.STILL, start="rain"), LOOP)
        assert Model.load(tmp_path / "run").provenance["start"]["model"] == "rain-tiny"

    def test_refused(self, pairs, tmp_path):
        Model(create("phase-unet-tiny", channels=3)).save(tmp_path / "blind.safetensors")
        Model(create("drt-tiny", channels=1)).save(tmp_path / "grey.safetensors")
        Model(create("drt-tiny", channels=3), scale=ValueScale.eight_bit()).save(tmp_path / "bytes.safetensors")
        for name, said in (
            ("blind", "ignores the pixel it restores"),
            ("grey", "has 1 channels, the images have 3"),
            ("bytes", "another scale of values"),
        ):
            config = dataclasses.replace(SMALL, start=str(tmp_path / f"{name}.safetensors"))
            with pytest.raises(ValueError, match=said):
                train(data(pairs), tmp_path / "run", config, LOOP)
        Model(create("tiny", channels=3)).save(tmp_path / "light.safetensors")
        config = dataclasses.replace(SMALL, start=str(tmp_path / "light.safetensors"), checkpointing=True)
        with pytest.raises(ValueError, match="has no checkpointing"):
            starting_network(config, 3)
        assert not (tmp_path / "run").exists()


def test_two_processes_see_the_doubled_batch(pairs):
    source = PairSource(data(pairs).pairs())
    one = PairBatches(source, dataclasses.replace(SMALL, batch_size=4), 10, 0).batch(3)
    two = [PairBatches(source, SMALL, 10, 0).batch(3, rank, 2) for rank in (0, 1)]
    np.testing.assert_array_equal(one.pixels, np.concatenate([part.pixels for part in two]))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["ddsa-tiny", "drt-tiny", "elf-tiny"])
def test_two_processes_end_where_one_with_the_doubled_batch_does(pairs, tmp_path, model):
    for name, devices, batch in (("one", 1, 4), ("two", 2, 2)):
        words = (
            f"--model {model} --crop 28 --batch_size {batch} --validation_images 0 --steps 5 --warmup_steps 1 --ema 0"
        )
        folders = f"--degraded {pairs / 'rainy'} --clean {pairs / 'clean'} -o {tmp_path / name}"
        command = f"-m bsn restore train {folders} {words} --devices {devices} --accelerator cpu --precision 32-true"
        done = subprocess.run([sys.executable, *command.split()], capture_output=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr.decode()
    losses = []
    for name in ("one", "two"):
        with (tmp_path / name / "metrics.csv").open(newline="") as file:
            losses.append([float(row["loss"]) for row in csv.DictReader(file) if row["loss"]])
    assert len(losses[0]) == 5
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_progressive_crops_keep_the_number_of_pixels(pairs, tmp_path):
    config = RestoreConfig(
        "drt-tiny", crop=16, batch_size=8, progressive_crops=(32, 64), progressive_at=(0.5, 0.75), validation_images=0
    )
    batches = PairBatches(PairSource(data(pairs).pairs()), config, 8, 0)
    shapes = [batches.batch(step).pixels.shape for step in (0, 3, 4, 6)]
    assert [shape[0] for shape in shapes] == [8, 8, 2, 1]
    assert [shape[2] for shape in shapes] == [16, 16, 32, 64]
    with pytest.raises(ValueError, match="give steps instead of minutes"):
        train(data(pairs), tmp_path / "run", config, dataclasses.replace(LOOP, minutes=1.0))


def test_images_smaller_than_a_crop_are_mirrored(pairs, tmp_path):
    train(data(pairs), tmp_path / "run", dataclasses.replace(SMALL, crop=84, batch_size=1), LOOP)


def test_whole_backgrounds_are_held_back_groups():
    groups = [f"bg{index // 3}" for index in range(60)]
    held = held_back_groups(groups, 4, seed=0)
    assert len(held) == 6
    assert {groups[i] for i in held}.isdisjoint({g for i, g in enumerate(groups) if i not in held})
    assert held_back_groups(groups[:9], 4, seed=0) == [], "never more than a tenth"


def test_validation_backgrounds_must_not_be_trained_on(pairs, tmp_path):
    watched = ValidationData(str(pairs / "rainy"), str(pairs / "clean"))
    with pytest.raises(DataError, match="6 of 6 test images: have a background that is trained on"):
        train(data(pairs), tmp_path / "run", SMALL, LOOP, validate=watched)
    assert not (tmp_path / "run").exists()


def test_given_validation_pairs_are_scored(pairs, tmp_path):
    for side in ("rainy", "clean"):
        (tmp_path / "val" / side).mkdir(parents=True)
        (pairs / side / "5.png").rename(tmp_path / "val" / side / "5.png")
    watched = ValidationData(str(tmp_path / "val" / "rainy"), str(tmp_path / "val" / "clean"))
    check_no_leak(data(pairs).pairs(), find_pairs(tmp_path / "val" / "rainy", tmp_path / "val" / "clean"))
    train(data(pairs), tmp_path / "run", SMALL, LOOP, validate=watched)
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        assert sum(bool(row["val_psnr"]) for row in csv.DictReader(file)) == 2


def test_blind_networks_are_refused(pairs):
    source = PairSource(data(pairs).pairs())
    with pytest.raises(ValueError, match="ignores the pixel it restores"):
        build_task(source, dataclasses.replace(SMALL, model="dbsnl"), LOOP)


def test_recipes_are_the_published_ones():
    elf, ddsa, drt = (get_recipe(name) for name in ("elf-rain13k", "ddsa-rain100l", "drt-rain100"))
    assert elf.train.loss == LossWeights(charbonnier=0.3, edge=0.2, ssim=0.15, half=0.8)
    from bsn.engine.schedule import learning_rate_factor

    def rate(recipe, step):
        return recipe.train.learning_rate * learning_rate_factor(step, recipe.loop.steps, recipe.loop)

    # Published learning rates at given steps and epochs.
    assert rate(ddsa, 92_000) == pytest.approx(3e-4)
    assert rate(ddsa, 196_000) == pytest.approx(1.505e-4, rel=1e-3)
    assert rate(drt, 1_000_000) == pytest.approx(1e-4)
    for epoch, factor in ((79, 1.0), (80, 0.8), (160, 0.64), (600, 0.8**7)):
        assert rate(elf, (epoch - 1) * 857) == pytest.approx(2e-4 * factor), epoch
    with pytest.raises(ValueError, match="there is no recipe 'elf-rain'; choose one of"):
        get_recipe("elf-rain")
    assert all(recipe.summary for recipe in RECIPES.values())


@pytest.mark.parametrize("task", ["lowlight", "underwater"])
def test_elf_for_other_tasks_has_the_published_settings(task):
    """Size, loss, optimiser, crops and rates are those for rain; validation is scored in RGB."""
    rain, full, tiny = (get_recipe(name) for name in ("elf-rain13k", f"elf-{task}", f"elf-{task}-tiny"))
    assert full.train == rain.train
    assert tiny.train.loss == rain.train.loss
    same = dataclasses.replace(rain.loop, steps=full.loop.steps, validate_every=full.loop.validate_every)
    assert full.loop == same
    assert full.options()["validate"] == tiny.options()["validate"] == {"protocol": "lowlight"}
    assert rain.options()["validate"] == {"protocol": "y"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop": 8}, "crop 8 is out of range; use 16 or more"),
        ({"progressive_crops": (128,)}, "one rising fraction of the run per progressive crop"),
        ({"accumulate": 9}, "accumulate 9 is out of range"),
        ({"augment": "turns"}, "augment turns is out of range; use eight, flips or none"),
    ],
)
def test_settings_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        RestoreConfig(**options)


def test_a_training_goes_on_with_the_first_network_of_a_pair():
    boxed = load("photo-tiny").network
    assert isinstance(boxed, LightPair), "otherwise this tests nothing"
    network, began = starting_network(RestoreConfig(start="photo-tiny"), 3)
    assert isinstance(network, Light)
    assert network.config == boxed.config.every
    assert began["start"]["model"] == "photo-tiny"
