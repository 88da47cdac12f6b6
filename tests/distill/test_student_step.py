"""A student as the last step of a training: from the command to a model that denoises in one pass."""

import dataclasses

import numpy as np
import pytest
import torch
import yaml

from bsn.data import ReadOptions
from bsn.engine import LoopConfig, RunError
from bsn.inference import Denoiser
from bsn.models import Model, ValueScale, create
from bsn.models.halfplane import HalfPlane, HalfPlaneConfig
from bsn.training import StudentStep, TrainConfig, student_step, train
from distill.student_step import recipe_for
from distill.task import DistillTask
from tests.helpers.command_line import complaint, run

LOOP = LoopConfig(steps=2, warmup_steps=1, validate_every=0, checkpoint_every=1, accelerator="cpu", ema=0.0)
LOOP = dataclasses.replace(LOOP, precision="32-true")
CONFIG = TrainConfig(model="halfplane", stride=1, noise="none", crop=16, batch_size=1, validation_crops=0)
STEP = StudentStep(student=True, student_steps=3)


def bits(run):
    return {k: v.numpy().tobytes() for k, v in Model.load(run).network.state_dict().items()}


def test_the_command_trains_a_student_beside_the_network(tmp_path, capsys, noisy_folder):
    words = [
        "train",
        noisy_folder,
        "-o",
        tmp_path / "run",
        "--model",
        "halfplane",
        "--hole",
        "square:5",
        "--noise",
        "none",
    ]
    words += ["--steps", "1", "--crop", "16", "--batch_size", "1", "--accelerator", "cpu", "--validation_crops", "0"]
    code, out, err = run(capsys, *words, "--student", "--student_steps", "1")
    assert code == 0, err
    assert "run/student/final.safetensors" in out
    student = Model.load(tmp_path / "run" / "student")
    assert student.provenance["recharge"] is True
    assert student.provenance["steps"] == 1
    assert len(student.provenance["teacher"]["inference"]["holes"]) >= 2
    assert Denoiser(student, device="cpu").pipeline.filter is None
    assert not list((tmp_path / "run").glob("*.h5*"))
    settings = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (settings["student"], settings["student_steps"]) == (True, 1)
    words[3] = tmp_path / "other"
    assert "a student that is not asked for" in complaint(capsys, *words, "--student_steps", "1")
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_an_interrupted_student_goes_on_with_the_run_to_the_same_bits(tmp_path, noisy_folder, monkeypatch):
    train(noisy_folder, tmp_path / "whole", CONFIG, LOOP, student=STEP)
    original = DistillTask.updates

    def updates(self, step):
        if step == 2:
            raise RuntimeError("power is gone")
        return original(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(DistillTask, "updates", updates)
        with pytest.raises(RuntimeError, match="power is gone"):
            train(noisy_folder, tmp_path / "cut", CONFIG, LOOP, student=STEP)
    assert not (tmp_path / "cut" / "student" / "final.safetensors").exists()
    train(None, tmp_path / "cut", resume=True)
    for part in ("", "student"):
        assert bits(tmp_path / "cut" / part) == bits(tmp_path / "whole" / part)
    before = bits(tmp_path / "cut" / "student")
    train(None, tmp_path / "cut", resume=True)  # a finished one stays
    assert bits(tmp_path / "cut" / "student") == before
    with pytest.raises(RunError, match="student_steps 9"):
        train(None, tmp_path / "cut", student=StudentStep(student=True, student_steps=9), resume=True)


def test_images_are_read_as_the_run_reads_them(tmp_path, monkeypatch):
    """An image of 12 bits in 16 would be dark to a student that read it otherwise."""
    image = np.random.default_rng(0).integers(0, 4096, (64, 64)).astype(np.uint16)
    train([image], tmp_path / "run", CONFIG, LOOP, axes="YX", value_range=(0, 4095), student=STEP)
    found = Model.load(tmp_path / "run" / "student").training_values
    assert found.mean == pytest.approx(0.5, abs=0.05)


def test_the_student_follows_from_the_network():
    wide = Model(HalfPlane(HalfPlaneConfig(channels=1, width=16, levels=3)), ValueScale())
    assert (recipe_for(wide).train.student, recipe_for(wide).train.start) == ("nbsn-lean", "teacher")
    narrow = Model(HalfPlane(HalfPlaneConfig(channels=1, width=8, levels=2)), ValueScale())
    assert (recipe_for(narrow).train.student, recipe_for(narrow).train.start) == ("sighted", None)
    assert recipe_for(narrow).train.recharge
    pixel = Model(HalfPlane(HalfPlaneConfig(channels=1, width=16, levels=3, hole="pixel")), ValueScale())
    phases = Model(create("dbsnl", channels=1, width=8, modules=1))
    assert not recipe_for(pixel).train.recharge
    assert not recipe_for(phases).train.recharge


def test_what_cannot_be_followed_by_a_student_is_told_before_the_training(tmp_path, noisy_folder, monkeypatch):
    with pytest.raises(ValueError, match="needs one pass, as a student does"):
        train(noisy_folder, tmp_path / "run", TrainConfig(scheme="recorrupted"), LOOP, student=STEP)
    monkeypatch.setattr(student_step, "entry_points", lambda group: [])
    with pytest.raises(ValueError, match="come with the package 'distill'"):
        train(noisy_folder, tmp_path / "run", CONFIG, LOOP, student=STEP)
    assert not (tmp_path / "run").exists()
    with pytest.raises(ValueError, match="two lengths of one training"):
        StudentStep(student=True, student_steps=1, student_minutes=1.0)
    with pytest.raises(ValueError, match="out of range"):
        StudentStep(student=True, student_minutes=-1.0)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def test_read_options_are_those_of_the_reader():
    assert {"axes", "key", "nan", "value_range"} == {f.name for f in dataclasses.fields(ReadOptions)}
