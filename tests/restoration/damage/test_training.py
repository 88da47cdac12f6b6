"""Training on clean images: the pairs of a step, what is held back, runs to the bit, and what is refused."""

import csv
import dataclasses
import shutil

import numpy as np
import pytest
import torch
import yaml
from PIL import Image as Pillow
from skimage.metrics import peak_signal_noise_ratio

from bsn.cli import main
from bsn.data import ArraySource, Image, inverse, open_source, write_image
from bsn.data.errors import DataError
from bsn.engine import Interrupted, LoopConfig, RunError
from bsn.evaluation import get_protocol
from bsn.inference import Denoiser
from bsn.models import Model
from bsn.training import held_back_groups
from restoration.config import RestoreConfig
from restoration.damage import CleanData, CleanSource, MadeBatches, Mixture, find_damages, validation_pairs
from restoration.run import PairData, ValidationData, train
from restoration.task import RestorationTask
from tests.helpers.command_line import complaint, run

LOOP = LoopConfig(steps=2, warmup_steps=1, ema=0.0, precision="32-true", accelerator="cpu", validate_every=2)
SMALL = RestoreConfig("drt-tiny", crop=28, batch_size=2, validation_images=1, validation_crop=32)
FAST = [
    *("--recipe", "drt-tiny", "--crop", "28", "--batch_size", "2", "--steps", "2", "--warmup_steps", "1"),
    *("--precision", "32-true", "--accelerator", "cpu", "--validation_images", "1", "--validation_crop", "32"),
]


def picture(index, size=(48, 40), channels=3):
    rows, columns = np.mgrid[: size[0], : size[1]] / 32
    waves = [0.5 + 0.4 * np.sin(3 * (c + 1) * rows + index) * np.cos(2 * columns + c) for c in range(channels)]
    return np.stack(waves).astype(np.float32)


def write(path, image, dtype=np.uint8):
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    pixels = (image * top).astype(dtype)
    write_image(path, Image(pixels[0], "YX") if len(pixels) == 1 else Image(np.moveaxis(pixels, 0, -1), "YXC"))


@pytest.fixture
def photos(tmp_path):
    """Folder of twelve clean pictures."""
    (tmp_path / "photos").mkdir()
    for index in range(12):
        write(tmp_path / "photos" / f"{index}.png", picture(index))
    return tmp_path / "photos"


def clean(photos, *tasks, **options):
    return CleanData([str(photos)], tasks or ("rain", "noise"), **options)


class TestBatches:
    source = ArraySource([picture(index, (64, 64)) for index in range(4)])

    def made(self, *tasks, mixed=0.0, **options):
        config = dataclasses.replace(SMALL, **options)
        return MadeBatches(self.source, config, 10, 5, Mixture(find_damages(tasks), mixed))

    def test_two_processes_see_the_doubled_batch(self):
        one = self.made("rain", "noise", batch_size=4).batch(3)
        two = [self.made("rain", "noise").batch(3, rank, 2) for rank in (0, 1)]
        np.testing.assert_array_equal(one.pixels, np.concatenate([part.pixels for part in two]))
        np.testing.assert_array_equal(one.targets, np.concatenate([part.targets for part in two]))

    def test_the_targets_are_the_clean_crops(self):
        batch = self.made("noise", "jpeg", batch_size=4).batch(1)
        for row, (index, top, left, turn) in enumerate(batch.positions.tolist()):
            expected = self.source.crop(index, top, left, 28, 28)
            np.testing.assert_array_equal(inverse(batch.targets[row], turn), expected)
            assert not np.array_equal(batch.pixels[row], batch.targets[row])

    def test_rain_falls_down_before_crops_are_turned(self):
        """Across steps every turn occurs; turned back, gradients across the fall are larger than those along it."""
        made, seen = self.made("rain-heavy", batch_size=8), set()
        across, along = 0.0, 0.0
        for step in range(6):
            batch = made.batch(step)
            for row, turn in enumerate(batch.positions[:, 3].tolist()):
                light = inverse(batch.pixels[row] - batch.targets[row], turn)
                across, along = (
                    across + np.abs(np.diff(light, axis=-1)).mean(),
                    along + np.abs(np.diff(light, axis=-2)).mean(),
                )
                seen.add(turn)
        assert seen == set(range(8))
        assert across > 1.3 * along

    @pytest.mark.parametrize(
        ("augment", "turned", "seen"), [("none", False, 1), ("flips", False, 4), ("eight", True, 8)]
    )
    def test_crops_are_turned_as_the_setting_says(self, augment, turned, seen):
        made = self.made("noise", batch_size=8, augment=augment)
        turns = {turn for step in range(8) for turn in made.batch(step).positions[:, 3].tolist()}
        tall = np.ones((1, 2, 1))
        assert len(turns) == seen
        assert any(inverse(tall, turn).shape == (1, 1, 2) for turn in turns) == turned

    def test_groups_have_one_background_and_different_damage(self):
        batch = self.made("rain-heavy", batch_size=4, group_size=2).batch(0)
        np.testing.assert_array_equal(batch.targets[0], batch.targets[1])
        assert not np.array_equal(batch.targets[0], batch.targets[2])
        assert not np.array_equal(batch.pixels[0], batch.pixels[1])


class TestRuns:
    def test_validation_is_fixed_and_scored_for_each_task(self, photos, tmp_path):
        """By scikit-image: what the final model makes of the fixed pairs, for each task and in the mean."""
        result = train(clean(photos), tmp_path / "run", SMALL, LOOP, validate=ValidationData(protocol="rgb8"))
        with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
            columns = csv.DictReader(file).fieldnames
        assert {"val_psnr", "val_psnr_rain", "val_psnr_noise"} <= set(columns)
        final = Model.load(tmp_path / "run")
        assert final.provenance["tasks"] == ["rain", "noise"]
        assert final.provenance["training_pairs"] == 11
        assert "rain, noise" in final.provenance["trained_for"]
        files = open_source(str(photos))
        held = held_back_groups([str(index) for index in range(12)], 1, LOOP.seed)
        found = {}
        for pair in validation_pairs(files, held, 32, Mixture(find_damages(["rain", "noise"]))):
            restored = np.asarray(Denoiser(final, device="cpu")(pair.image, "CYX"))
            rounded, truth = (np.floor(255 * x.clip(0, 1) + 0.5) for x in (restored, pair.target))
            found[pair.kind] = peak_signal_noise_ratio(truth, rounded, data_range=255)
            given = get_protocol("rgb8").score(pair.image, pair.target).psnr
            assert final.provenance["validation_degraded"][f"val_psnr_{pair.kind}"] == pytest.approx(given)
        assert result.validation["val_psnr_rain"] == pytest.approx(found["rain"], abs=0.01)
        assert result.validation["val_psnr_noise"] == pytest.approx(found["noise"], abs=0.01)
        assert result.validation["val_psnr"] == pytest.approx(np.mean(list(found.values())), abs=0.01)

    @pytest.mark.slow
    def test_a_killed_run_goes_on_to_the_same_bits(self, photos, tmp_path, monkeypatch):
        loop = dataclasses.replace(LOOP, steps=3, checkpoint_every=1, validate_every=0)
        data = clean(photos, "rain", "jpeg", mixed=0.5)
        train(data, tmp_path / "whole", SMALL, loop)
        original = RestorationTask.updates

        def updates(self, step):
            if step == 2:
                raise Interrupted("killed")
            return original(self, step)

        with monkeypatch.context() as patch:
            patch.setattr(RestorationTask, "updates", updates)
            with pytest.raises(Interrupted):
                train(data, tmp_path / "cut", SMALL, loop)
        with pytest.raises(RunError, match=r"tasks \['rain', 'snow'\] \(the run has \['rain', 'jpeg'\]\)"):
            train(clean(photos, "rain", "snow", mixed=0.5), tmp_path / "cut", resume=True)
        with pytest.raises(RunError, match="makes its pairs by the tasks rain, jpeg"):
            train(PairData([str(photos)], [str(photos)]), tmp_path / "cut", resume=True)
        shutil.copytree(tmp_path / "cut", tmp_path / "twin")
        train(None, tmp_path / "twin", resume=True)
        photos.rename(tmp_path / "moved")
        moved = CleanData([str(tmp_path / "moved")], ("rain", "jpeg"), 0.5)
        train(moved, tmp_path / "cut", resume=True)
        whole, *gone_on = (Model.load(tmp_path / name).network.state_dict() for name in ("whole", "cut", "twin"))
        for found in gone_on:
            assert all(torch.equal(whole[key], found[key]) for key in whole)

    @pytest.mark.slow
    def test_from_the_command_line_and_again_from_its_settings(self, capsys, photos, tmp_path):
        words = ["restore", "train", "--tasks", "rain,noise", "--clean", photos, "-o", tmp_path / "run", *FAST]
        code, out, err = run(capsys, *words)
        assert code == 0, err
        assert "rain: " in out
        assert "dB damaged, " in out
        settings = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
        assert settings["tasks"] == ["rain", "noise"]
        assert (
            main(["restore", "train", "--config", str(tmp_path / "run" / "config.yaml"), "-o", str(tmp_path / "b")])
            == 0
        )
        a, b = (Model.load(tmp_path / name).network.state_dict() for name in ("run", "b"))
        assert all(torch.equal(a[key], b[key]) for key in a)
        assert run(capsys, "restore", "train", "-o", tmp_path / "run", "--resume", "--steps", "3")[0] == 0
        words = ["restore", "apply", photos / "3.png", "--model", tmp_path / "run", "-o", tmp_path / "out.png"]
        code, out, err = run(capsys, *words)
        assert code == 0, err
        assert "was trained for rain, noise" in out

    @pytest.mark.parametrize("kind", ["small", "grey", "16 bits", "alpha", "missing", "group"])
    def test_all_kinds_of_images(self, photos, tmp_path, kind):
        for path in photos.iterdir():
            path.unlink()
        config, options = SMALL, {}
        for index in range(2):
            image = picture(index, (20, 48) if kind == "small" else (48, 40), 1 if kind == "grey" else 3)
            if kind == "alpha":
                pixels = np.moveaxis((255 * np.concatenate([image, image[:1]])).astype(np.uint8), 0, -1)
                Pillow.fromarray(np.ascontiguousarray(pixels), "RGBA").save(photos / f"{index}.png")
            elif kind == "missing":
                image[:, 5:9, 5:9] = np.nan
                write(photos / f"{index}.tif", image, np.float32)
                options = {"nan": "keep"}
            else:
                write(photos / f"{index}.png", image, np.uint16 if kind == "16 bits" else np.uint8)
        if kind == "group":
            config = dataclasses.replace(SMALL, group_size=2, loss=dataclasses.replace(SMALL.loss, internal=0.1))
        result = train(clean(photos, "rain", "jpeg"), tmp_path / "run", config, LOOP, **options)
        assert result.steps == 2
        assert Model.load(tmp_path / "run").network.channels == (1 if kind == "grey" else 3)
        with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
            assert all(np.isfinite(float(row["loss"])) for row in csv.DictReader(file) if row["loss"])

    def test_given_clean_images_are_scored(self, photos, tmp_path):
        (tmp_path / "held").mkdir()
        (photos / "5.png").rename(tmp_path / "held" / "5.png")
        watched = ValidationData(clean=str(tmp_path / "held"))
        result = train(clean(photos, "noise"), tmp_path / "run", SMALL, LOOP, validate=watched)
        assert result.validation["val_psnr_noise"] == pytest.approx(result.validation["val_psnr"])
        assert Model.load(tmp_path / "run").provenance["training_pairs"] == 11

    def test_a_recipe_decides_how_validation_is_scored(self, capsys, photos, tmp_path):
        """In RGB for low light, unless the user says otherwise."""
        words = [
            "restore",
            "train",
            "--tasks",
            "lowlight",
            "--clean",
            photos,
            *FAST[2:],
            "--recipe",
            "elf-lowlight-tiny",
        ]
        for name, options in (("rgb", []), ("luma", ["--validate.protocol", "y"])):
            code, _, err = run(capsys, *words, "-o", tmp_path / name, "--model", "drt-tiny", *options)
            assert code == 0, err
        stored = [yaml.safe_load((tmp_path / name / "config.yaml").read_text()) for name in ("rgb", "luma")]
        assert [settings["validate"]["protocol"] for settings in stored] == ["lowlight", "y"]
        assert stored[0]["loss"]["ssim"] == 0.15

    def test_copies_of_a_picture_are_held_back_together(self):
        first, other = picture(0), picture(1)
        groups = CleanSource(ArraySource([first, other, first.copy()]), ("rain",)).groups
        assert groups[0] == groups[2] != groups[1]


class TestBadInput:
    """Each in one line, exit code 2, nothing written."""

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--tasks", "rain,hail", "--clean", "PHOTOS"], "there is no task 'hail'"),
            (["--tasks", "", "--clean", "PHOTOS"], "no task was named"),
            (["--tasks", ",", "--clean", "PHOTOS"], "no task was named"),
            (["--tasks", "rain,rain", "--clean", "PHOTOS"], "named twice"),
            (["--tasks", "rain"], "name a folder of clean images"),
            (["--tasks", "rain", "--clean", "PHOTOS", "--degraded", "PHOTOS"], "--degraded has nothing to name"),
            (["--tasks", "rain", "--clean", "PHOTOS", "--pattern", "(.)"], "--pattern has nothing to name"),
            (["--tasks", "rain", "--clean", "PHOTOS", "--layout", "rain800"], "--layout has nothing to name"),
            (["--tasks", "rain", "--clean", "PHOTOS", "--mixed", "2"], "mixed 2.0 is no share"),
            (["--tasks", "rain", "--clean", "PHOTOS", "--untouched", "-1"], "untouched -1.0 is no share"),
            (["--tasks", "rain", "--clean", "PHOTOS", "--untouched", "1"], "nothing is learned; use a share below 1"),
            (["--tasks", "rain", "--clean", "PHOTOS/none"], "there is no such file or folder"),
            (["--tasks", "rain", "--clean", "PHOTOS", "--validate.clean", "PHOTOS"], "12 of 12 test images"),
            (["--clean", "PHOTOS"], "give --degraded images with their --clean ones, or --tasks"),
            (["--degraded", "PHOTOS", "--clean", "PHOTOS", "--validate.clean", "PHOTOS"], "needs degraded images too"),
        ],
    )
    def test_words(self, capsys, photos, tmp_path, words, said):
        named = [word.replace("PHOTOS", str(photos)) for word in words]
        assert said in complaint(capsys, "restore", "train", *named, "-o", tmp_path / "run", *FAST)
        assert not (tmp_path / "run").exists()

    def test_files(self, capsys, photos, tmp_path):
        words = ["restore", "train", "--tasks", "rain", "--clean", photos, "-o", tmp_path / "run", *FAST]
        (photos / "4.png").write_bytes((photos / "4.png").read_bytes()[:200])
        assert "4.png" in complaint(capsys, *words)
        (photos / "4.png").unlink()
        write(photos / "4.png", picture(4, channels=1))
        assert "a model has one number of channels" in complaint(capsys, *words)
        assert not (tmp_path / "run").exists()

    def test_no_images_at_all(self, tmp_path):
        with pytest.raises(ValueError, match="no images were given, and only a run that is resumed has its own"):
            train(None, tmp_path / "run", SMALL, LOOP)
        assert not (tmp_path / "run").exists()

    def test_channels_that_a_task_cannot_take(self):
        with pytest.raises(DataError, match="images of 2 channels: the task 'jpeg' works on 1 or 3"):
            CleanSource(ArraySource(np.zeros((2, 40, 40), np.uint8), "CYX"), ("rain", "jpeg"))

    def test_values_that_are_not_in_the_unit(self):
        with pytest.raises(DataError, match="say with --range LOW HIGH"):
            CleanSource(ArraySource(255 * picture(0)), ("rain",))

    def test_a_file_of_packed_pairs(self, capsys, photos, tmp_path):
        assert (
            run(capsys, *("restore", "pack", "--degraded", photos, "--clean", photos, "-o", tmp_path / "p.h5"))[0] == 0
        )
        words = ["restore", "train", "--tasks", "rain", "--clean", tmp_path / "p.h5", "-o", tmp_path / "run", *FAST]
        assert "holds pairs" in complaint(capsys, *words)
