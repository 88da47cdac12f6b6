"""A run keeps its settings: what it stores, what a resumed run takes, and what it refuses."""

import dataclasses
import json

import numpy as np
import pytest
import torch
import yaml

from bsn.cli import main
from bsn.data import DataError, Image, read_image, write_image
from bsn.engine import Interrupted, LoopConfig, RunError
from bsn.models import Model
from bsn.training import BlindSpotTask, TrainConfig, train

CONFIG = TrainConfig(crop=24, batch_size=2, learning_rate=3e-3)
LOOP = LoopConfig(steps=6, warmup_steps=1, validate_every=3, checkpoint_every=2, accelerator="cpu", clip=0.5)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "noisy"
    path.mkdir()
    rng = np.random.default_rng(0)
    for index in range(4):
        write_image(path / f"{index}.png", Image(rng.normal(120, 20, (64, 64)).clip(0, 255).astype(np.uint8), "YX"))
    return path


@pytest.fixture
def killed(tmp_path, folder, monkeypatch):
    """A run that was stopped before its fourth step."""
    with monkeypatch.context() as patch:
        original = BlindSpotTask.updates

        def updates(self, step):
            if step == 3:
                raise Interrupted("killed")
            return original(self, step)

        patch.setattr(BlindSpotTask, "updates", updates)
        with pytest.raises(Interrupted):
            train(folder, tmp_path / "cut", CONFIG, LOOP)
    return tmp_path / "cut"


@pytest.fixture
def whole(tmp_path, folder):
    train(folder, tmp_path / "whole", CONFIG, LOOP)
    return tmp_path / "whole"


def bits(run):
    return {k: v.numpy().tobytes() for k, v in Model.load(run).network.state_dict().items()}


def settings(run):
    return yaml.safe_load((run / "config.yaml").read_text())


def test_settings_are_whole_and_say_the_images(whole, folder):
    stored = settings(whole)
    assert stored["images"] == [str(folder)]
    names = {f.name for kind in (TrainConfig, LoopConfig) for f in dataclasses.fields(kind)}
    assert names <= set(stored)
    assert "auto" not in stored.values()
    assert (stored["learning_rate"], stored["clip"], stored["crop"]) == (3e-3, 0.5, 24)
    provenance = Model.load(whole).provenance
    for name in ("stride", "noise", "noise_scope", "crop", "optimizer", "learning_rate"):
        assert provenance[name] == stored[name]
    assert provenance["steps"] == 6


def test_the_model_knows_the_values_of_its_training_images(whole):
    values = Model.load(whole).training_values
    assert values.dtype == "uint8"
    assert values.mean == pytest.approx(120 / 255, abs=0.01)
    assert values.spread == pytest.approx(20 / 255, abs=0.005)


@pytest.mark.parametrize("how", ["function", "settings again", "command", "command alone"])
def test_a_killed_run_goes_on_as_it_began(how, killed, whole, folder):
    if how == "function":
        train(None, killed, resume=True)
    elif how == "settings again":
        train(folder, killed, CONFIG, LOOP, resume=True)
    else:
        images = [str(folder)] if how == "command" else []
        assert main(["train", *images, "-o", str(killed), "--resume"]) == 0
    assert bits(killed) == bits(whole)
    assert {**settings(killed), "output": ""} == {**settings(whole), "output": ""}


def test_the_settings_give_the_same_bits_again(whole, tmp_path):
    assert main(["train", "--config", str(whole / "config.yaml"), "-o", str(tmp_path / "again")]) == 0
    assert bits(tmp_path / "again") == bits(whole)


def test_other_settings_are_refused_by_name(killed, folder, tmp_path, capsys):
    with pytest.raises(RunError, match=r"learning_rate 0.01 \(the run has 0.003\)"):
        train(folder, killed, dataclasses.replace(CONFIG, learning_rate=0.01), resume=True)
    with pytest.raises(RunError, match="clip None"):
        train(folder, killed, loop=dataclasses.replace(LOOP, clip=None), resume=True)
    with pytest.raises(RunError, match="cannot become shorter"):
        train(folder, killed, loop=dataclasses.replace(LOOP, steps=4), resume=True)
    other = tmp_path / "other"
    other.mkdir()
    write_image(other / "0.png", Image(np.full((64, 64), 90, np.uint8), "YX"))
    with pytest.raises(RunError, match="are others"):
        train(other, killed, resume=True)
    before = (killed / "last.ckpt").read_bytes()
    assert main(["train", str(folder), "-o", str(killed), "--resume", "--schedule", "constant"]) == 2
    assert "schedule constant (the run has cosine)" in capsys.readouterr().err
    assert (killed / "last.ckpt").read_bytes() == before


def test_a_finished_run_says_so_and_may_become_longer(whole, folder, capsys):
    before = bits(whole)
    assert main(["train", "-o", str(whole), "--resume"]) == 0
    assert "the run is finished, with all of its 6 steps" in capsys.readouterr().err
    assert bits(whole) == before
    assert main(["train", "-o", str(whole), "--resume", "--steps", "8"]) == 0
    assert bits(whole) != before
    assert settings(whole)["steps"] == 8
    assert Model.load(whole).provenance["steps"] == 8


def test_a_training_leaves_the_process_as_it_was(folder, tmp_path):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    train(folder, tmp_path / "run", CONFIG, LOOP)
    assert torch.equal(torch.rand(3), expected)


def test_images_in_memory_are_given_again(tmp_path):
    images = [np.random.default_rng(i).random((48, 48), np.float32) for i in range(3)]
    train(images, tmp_path / "run", CONFIG, LOOP, axes="YX")
    with pytest.raises(RunError, match="images in memory; give them again"):
        train(None, tmp_path / "run", resume=True)
    assert train(images, tmp_path / "run", resume=True).steps == 6


def test_images_may_move_but_not_change(killed, whole, folder, tmp_path):
    moved = tmp_path / "moved"
    folder.rename(moved)
    with pytest.raises(DataError, match="there is no such file"):
        train(None, killed, resume=True)
    first = min(moved.iterdir())
    before = read_image(first)
    write_image(first, Image(before.pixels[::-1].copy(), before.axes), overwrite=True)
    with pytest.raises(RunError, match="are others"):
        train(moved, killed, resume=True)
    moved.rename(folder)
    with pytest.raises(RunError, match="these have changed since it began"):
        train(None, killed, resume=True)
    folder.rename(moved)
    write_image(first, before, overwrite=True)
    run = tmp_path / "run moved, too"
    killed.rename(run)
    train(moved, run, resume=True)
    assert bits(run) == bits(whole)
    assert settings(run)["images"] == [str(moved)]


def test_a_recipe_that_is_not_that_of_the_run_is_refused(whole, capsys):
    words = ["train", "-o", str(whole), "--resume", "--recipe"]
    assert main([*words, "camera"]) == 2
    assert "stride 5 (the run has" in capsys.readouterr().err
    assert main([*words, "default"]) == 0
    assert "the run is finished" in capsys.readouterr().err


def test_a_folder_that_holds_a_run_is_refused_before_any_work(whole, folder, monkeypatch):
    monkeypatch.setattr("bsn.training.run.open_source", None)
    with pytest.raises(RunError, match="already holds a run"):
        train(folder, whole, CONFIG, LOOP)


def test_the_next_command_says_how_the_images_are_read(folder, tmp_path, capsys):
    short = ["--steps", "1", "--crop", "24", "--batch_size", "1", "--model", "phase-unet-tiny", "--accelerator", "cpu"]
    assert main(["train", str(folder), "-o", str(tmp_path / "run"), *short, "--axes", "YX", "--range", "0", "200"]) == 0
    assert f"--model {tmp_path / 'run'} -o denoised --axes YX --range 0 200\n" in capsys.readouterr().out


def test_settings_that_came_after_the_run_are_in_its_checkpoint_too(whole):
    """They are settled at the first resume; the next one, by config.yaml, asks for what was settled."""
    checkpoint = torch.load(whole / "last.ckpt", weights_only=False)
    parts = json.loads(checkpoint["settings"])
    for part in parts[:2]:
        del part["keep"]
    torch.save({**checkpoint, "settings": json.dumps(parts)}, whole / "last.ckpt")
    assert main(["train", "-o", str(whole), "--resume"]) == 0
    assert settings(whole)["keep"] == "last"
    assert main(["train", "--config", str(whole / "config.yaml"), "--resume", "--steps", "7"]) == 0
    assert settings(whole)["steps"] == 7


@pytest.mark.parametrize("keep", ["best", "last"])
def test_steps_of_validation_may_change_only_where_they_choose_no_weights(keep, tmp_path, folder):
    loop = dataclasses.replace(LOOP, keep=keep, steps=4)
    train(folder, tmp_path / "run", CONFIG, loop)
    longer = dataclasses.replace(loop, steps=5, validate_every=1)
    if keep == "last":
        assert train(None, tmp_path / "run", CONFIG, longer, resume=True).steps == 5
        return
    with pytest.raises(RunError, match=r"these differ: validate_every 1 \(the run has 3\)"):
        train(None, tmp_path / "run", CONFIG, longer, resume=True)
