"""Training of networks that see their pixel, on pairs made by the measured noise."""

import dataclasses

import numpy as np
import pytest
import torch
import yaml
from PIL import Image as PillowImage

from bsn.cli import main
from bsn.data import ArraySource, CorrelatedGaussian, CropBatch, DataError, Image, ReadOptions, open_source, write_image
from bsn.engine import Interrupted, LoopConfig
from bsn.inference import Denoiser
from bsn.models import InferenceDefaults, Model, create
from bsn.training import SightedTask, TrainConfig, build_sighted_task, train
from tests.helpers.command_line import complaint
from tests.helpers.networks import randomise

LOOP = LoopConfig(steps=6, warmup_steps=1, validate_every=3, checkpoint_every=2, accelerator="cpu", precision="32-true")
SMALL = TrainConfig(crop=24, batch_size=2, model="sighted-small", validation_crops=2)
NOISE = CorrelatedGaussian(0.06, length=1.0)


def scene(seed, side=96):
    """A smooth grey scene with edges."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    image = 0.4 + 0.2 * np.sin(5 * x + rng.uniform(0, 6)) * np.cos(4 * y) + 0.2 * (x + y > rng.uniform(0.6, 1.4))
    return image.astype(np.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Noisy and clean files of 8 bits, of other scenes."""
    root = tmp_path_factory.mktemp("images")
    for name, first in (("noisy", 0), ("clean", 10)):
        (root / name).mkdir()
        for index in range(3):
            image = scene(first + index)
            image = NOISE(image, index) if name == "noisy" else image
            pixels = np.clip(np.rint(255 * image), 0, 255).astype(np.uint8)
            write_image(root / name / f"{index}.png", Image(pixels, "YX"))
    return root


@pytest.fixture(scope="module")
def pilot(tmp_path_factory):
    path = tmp_path_factory.mktemp("pilot") / "pilot.safetensors"
    torch.manual_seed(0)
    Model(randomise(create("sighted-small", channels=1), spread=0.2)).save(path)
    return path


def configured(scheme, folders, pilot=None, **changes):
    clean = str(folders / "clean") if scheme == "matched" else None
    return dataclasses.replace(
        SMALL, scheme=scheme, clean=clean, pilot=None if pilot is None else str(pilot), **changes
    )


def bits(run):
    return {k: v.numpy().tobytes() for k, v in Model.load(run).network.state_dict().items()}


@pytest.mark.parametrize("scheme", ["recorrupted", "matched"])
def test_a_killed_run_goes_on_as_it_began_and_the_model_needs_one_pass(scheme, folders, tmp_path, monkeypatch):
    config = configured(scheme, folders)
    monkeypatch.chdir(folders)
    near = dataclasses.replace(config, clean="clean" if config.clean else None)
    train(folders / "noisy", tmp_path / "whole", config, LOOP)
    with monkeypatch.context() as patch:
        original = SightedTask.updates

        def updates(self, step):
            if step == 3:
                raise Interrupted("killed")
            return original(self, step)

        patch.setattr(SightedTask, "updates", updates)
        with pytest.raises(Interrupted):
            train(folders / "noisy", tmp_path / "cut", near, LOOP)
    monkeypatch.chdir(tmp_path)  # resumed from another folder
    train(None, tmp_path / "cut", resume=True)
    assert bits(tmp_path / "cut") == bits(tmp_path / "whole")
    settings = yaml.safe_load((tmp_path / "whole" / "config.yaml").read_text())
    assert "auto" not in settings.values()
    assert (settings["scheme"], settings["clean"]) == (scheme, [config.clean] if config.clean else None)
    model = Model.load(tmp_path / "whole")
    assert model.provenance["scheme"] == scheme
    assert model.provenance.get("clean_images") == (3 if scheme == "matched" else None)
    assert model.training_values.dtype == "uint8"
    assert model.network.config.merged
    assert model.inference == InferenceDefaults(training_crop=24)
    assert Denoiser(model, device="cpu").pipeline.filter is None


def test_the_command_trains_denoises_and_refuses(folders, tmp_path, capsys):
    fast = ["--steps", "2", "--crop", "24", "--batch_size", "2", "--accelerator", "cpu", "--model", "sighted-small"]
    words = ["train", str(folders / "noisy"), "-o", str(tmp_path / "run")]
    assert main([*words, "--scheme", "matched", "--clean", str(folders / "clean"), *fast]) == 0
    said = capsys.readouterr().out
    assert "the measured noise is put on 3 clean images" in said
    assert "standard deviation" in said
    assert main(["denoise", str(folders / "noisy"), "--model", str(tmp_path / "run"), "-o", str(tmp_path / "d")]) == 0
    assert len(list((tmp_path / "d").iterdir())) == 3
    words[3] = str(tmp_path / "other")
    assert "give --clean FOLDER, or --pilot MODEL" in complaint(capsys, *words, "--scheme", "matched")
    clean = ["--clean", str(folders / "clean")]
    assert "are for the scheme 'matched'" in complaint(capsys, *words, *clean)
    assert "stride 2 is for blind networks" in complaint(capsys, *words, "--scheme", "recorrupted", "--stride", "2")
    line = complaint(capsys, *words, "--scheme", "recorrupted", "--model", "dbsnl")
    assert "dbsnl does not see the pixel" in line
    assert not (tmp_path / "other").exists()


def test_noise_that_cannot_be_measured_and_images_that_do_not_fit_are_refused(folders):
    recorrupted = configured("recorrupted", folders)
    small = ArraySource(np.random.default_rng(0).random((1, 32, 32), np.float32), "ZYX")
    with pytest.raises(DataError, match="cannot be measured.*use --scheme blind"):
        build_sighted_task(small, recorrupted, 0)
    colour = ArraySource(np.random.default_rng(0).random((2, 96, 96, 3), np.float32), "ZYXC")
    with pytest.raises(DataError, match="clean images with 1 channels"):
        build_sighted_task(colour, configured("matched", folders), 0)


def test_a_start_brings_its_network_and_has_to_see_its_pixel(folders, pilot, tmp_path):
    source = ArraySource(np.stack([NOISE(scene(i), i) for i in range(2)]), "ZYX")
    task = build_sighted_task(source, configured("recorrupted", folders, start=str(pilot), model="sighted"), 0)
    expected = Model.load(pilot)
    assert all(
        torch.equal(a, b)
        for a, b in zip(task.modules["network"].parameters(), expected.network.parameters(), strict=True)
    )
    assert task.scale == expected.scale
    blind = tmp_path / "blind.safetensors"
    Model(create("dbsnl", channels=1, width=8, modules=1)).save(blind)
    with pytest.raises(ValueError, match="start with one that does"):
        build_sighted_task(source, configured("recorrupted", folders, start=str(blind)), 0)


def test_denoised_training_images_count_as_clean(folders, pilot):
    """The targets are crops of what the pilot gives, and of the clean images."""
    noisy = np.stack([NOISE(scene(i), i) for i in range(2)])
    config = dataclasses.replace(configured("matched", folders, pilot), clean=None, augment=False, validation_crops=0)
    said = []
    task = build_sighted_task(ArraySource(noisy, "ZYX"), config, 0, say=said.append)
    batch = task.batches(0, 0, 1)
    for target, (index, top, left, _) in zip(batch.targets, batch.positions.tolist(), strict=True):
        denoised = Denoiser(pilot, device="cpu")(noisy[index], "YX")
        assert np.abs(target[0] - denoised[top : top + 24, left : left + 24]).max() < 1e-6
    assert any("2 denoised training images" in line for line in said)
    both = build_sighted_task(ArraySource(noisy, "ZYX"), configured("matched", folders, pilot), 0)
    assert both.provenance["clean_images"] == 5


def test_files_of_jpeg_get_pairs_of_jpeg_as_noisy_as_they_are(folders, tmp_path):
    noisy = []
    for index in range(3):
        noisy.append(NOISE(scene(index, 128), index))
        PillowImage.fromarray(np.clip(np.rint(255 * noisy[-1]), 0, 255).astype(np.uint8)).save(
            tmp_path / f"{index}.jpg", quality=80
        )
    said = []
    config = configured("matched", folders, batch_size=16, augment=False)
    task = build_sighted_task(open_source(tmp_path), config, 0, say=said.append)
    assert any("JPEG of quality 80" in line for line in said)
    batch = task.batches(0, 0, 1)
    assert np.abs(255 * batch.pixels - np.rint(255 * batch.pixels)).max() < 1e-3
    # Against the noise of the files themselves, whose truth is known here.
    stored = [np.asarray(PillowImage.open(tmp_path / f"{i}.jpg"), np.float32) / 255 - scene(i, 128) for i in range(3)]
    assert np.std(batch.pixels - batch.targets) == pytest.approx(np.std(stored), rel=0.15)


def test_pixels_that_do_not_count_are_left_out_of_the_loss(folders):
    source = ArraySource(np.stack([NOISE(scene(i), i) for i in range(2)]), "ZYX")
    task = build_sighted_task(source, configured("recorrupted", folders, loss="l2"), 0)
    rng = np.random.default_rng(0)
    seen, target = rng.random((2, 1, 16, 16), np.float32), rng.random((2, 1, 16, 16), np.float32)
    counted = np.ones((2, 16, 16), bool)
    counted[0, :8] = False
    batch = CropBatch(seen, ["a", "b"], np.zeros((2, 4), np.int64), target, counted)
    found = task.losses(task.modules["network"], *(torch.from_numpy(a) for a in task._arrays(batch)))
    with torch.no_grad():
        result = task.modules["network"](task.scale.to_network(torch.from_numpy(seen)))
    error = (result - task.scale.to_network(torch.from_numpy(target))).square().numpy()
    assert found.tolist() == pytest.approx([error[0, :, 8:].mean(), error[1].mean()], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["recorrupted", "matched"])
def test_training_removes_correlated_noise(scheme, folders, tmp_path):
    """Against the truth: the error falls to less than half of the noise's variance."""
    noisy = np.stack([NOISE(scene(i), i) for i in range(8)])
    config = dataclasses.replace(configured(scheme, folders), crop=48, batch_size=4, loss="l2")
    train(noisy, tmp_path / "run", config, dataclasses.replace(LOOP, steps=250, ema=0.95), axes="ZYX")
    unseen = NOISE(scene(99), 99)
    found = Denoiser(tmp_path / "run", device="cpu")(unseen, "YX")
    assert np.mean((found - scene(99)) ** 2) < 0.5 * np.mean((unseen - scene(99)) ** 2)


def test_a_pilot_of_images_with_missing_pixels(folders, tmp_path, pilot):
    """What is missing is missing in the pilot's images, too: filled for the network, and not learned from."""
    noisy = np.stack([NOISE(scene(index), index) for index in range(2)]).astype(np.float32)
    noisy[:, :, :40] = np.nan
    config = dataclasses.replace(configured("matched", folders, pilot), clean=None)
    source = ArraySource(noisy, "ZYX", options=ReadOptions(nan="keep"))
    task = build_sighted_task(source, config, 0)
    batches = [task.next_batch(step) for step in range(12)]
    counted = np.concatenate([np.ones((2, 24, 24), bool) if b.counted is None else b.counted for b in batches])
    assert 0.3 < counted.mean() < 0.9
    assert all(np.isfinite(b.pixels).all() and np.isfinite(b.targets).all() for b in batches)
    numbers = task.held_back_numbers(task.modules, tmp_path / "sample.png")
    assert all(np.isfinite(number) for number in numbers.values())
    task.close()  # the error below holds this frame, and with it the task and its thread
    with pytest.raises(DataError, match="--nan keep"):
        ArraySource(noisy, "ZYX")
