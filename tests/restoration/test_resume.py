"""Restoration, search and distillation keep their settings: a killed run goes on without options, to the same bits."""

import dataclasses
import hashlib

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file

from bsn.cli import main
from bsn.data import Image, SyntheticRain, write_image
from bsn.engine import Interrupted, LoopConfig, RunError
from bsn.models import Model, ValueScale, create
from distill import DistillConfig, TeacherInference, distil
from distill.task import DistillTask
from restoration.config import RestoreConfig
from restoration.manas.search import SearchConfig, SearchTask, search
from restoration.run import PairData, train
from restoration.task import RestorationTask

LOOP = LoopConfig(
    steps=4,
    warmup_steps=1,
    ema=0.0,
    validate_every=0,
    checkpoint_every=1,
    accelerator="cpu",
    schedule="constant",
    clip=0.7,
)
RESTORE = RestoreConfig("drt-tiny", crop=28, batch_size=2, learning_rate=3e-3)
SEARCH = SearchConfig(widths=(16, 16), modules=(1, 1), crop=16, backgrounds=1, warmup=0.3, learning_rate=3e-3)
STUDENT = DistillConfig(student="tiny", crop=32, batch_size=2, learning_rate=3e-3)
ASKED = TeacherInference(ensemble=True)


@pytest.fixture
def files(tmp_path):
    """Two rains over each of four backgrounds, and a teacher of grey images."""
    rng = np.random.default_rng(0)
    for name in ("rainy", "clean", "grey"):
        (tmp_path / name).mkdir()
    for index in range(4):
        clean = np.full((3, 40, 48), 0.2 + 0.15 * index, np.float32)
        images = {f"rainy/{index}x{k}": SyntheticRain(angle=9 * k)(clean, k) for k in (0, 1)}
        for name, image in {f"clean/{index}": clean, **images}.items():
            write_image(tmp_path / f"{name}.png", Image(np.moveaxis((255 * image).astype(np.uint8), 0, -1), "YXC"))
        grey = rng.normal(100, 20, (48, 48)).clip(0, 255).astype(np.uint8)
        write_image(tmp_path / "grey" / f"{index}.png", Image(grey, "YX"))
    Model(create("dbsnl", channels=1, width=8, modules=1).eval(), ValueScale(0.4, 0.1)).save(tmp_path / "t.safetensors")
    return tmp_path


def pairs(files):
    return PairData([str(files / "rainy")], [str(files / "clean")], pattern=r"(\d+)x\d")


def restore(files, name, config=RESTORE, loop=LOOP, **options):
    train(None if options else pairs(files), files / name, config, loop, **options)


def look(files, name, config=SEARCH, loop=LOOP, **options):
    search(None if options else pairs(files), files / name, config, loop, **options)


def teach(files, name, config=STUDENT, loop=LOOP, **options):
    images, asked = (None, None) if options else (files / "grey", ASKED)
    distil(files / "t.safetensors", images, files / name, config, loop, inference=asked, **options)


def bits(run):
    name = "architecture" if (run / "architecture.safetensors").exists() else "final"
    found = hashlib.sha256()
    for key, value in sorted(load_file(run / f"{name}.safetensors").items()):
        found.update(key.encode() + value.numpy().tobytes())
    return found.hexdigest()


@pytest.mark.parametrize(
    ("run", "task", "config"),
    [
        pytest.param(restore, RestorationTask, RESTORE, id="restore"),
        pytest.param(look, SearchTask, SEARCH, id="search", marks=pytest.mark.slow),
        pytest.param(teach, DistillTask, STUDENT, id="distill", marks=pytest.mark.slow),
    ],
)
def test_a_killed_run_goes_on_as_it_began(files, monkeypatch, run, task, config):
    run(files, "whole")
    with monkeypatch.context() as patch:
        original = task.updates

        def updates(self, step):
            if step == 2:
                raise Interrupted("killed")
            return original(self, step)

        patch.setattr(task, "updates", updates)
        with pytest.raises(Interrupted):
            run(files, "cut")
    with pytest.raises(RunError, match=r"learning_rate 0.01 \(the run has 0.003\)"):
        run(files, "cut", dataclasses.replace(config, learning_rate=0.01), None, resume=True)
    run(files, "cut", None, None, resume=True)
    assert bits(files / "cut") == bits(files / "whole")
    settings = yaml.safe_load((files / "whole" / "config.yaml").read_text())
    if task is not SearchTask:
        values = Model.load(files / "whole").training_values
        expected = {RestorationTask: (0.2, 0.9), DistillTask: (100 / 255 - 0.2, 100 / 255 + 0.2)}[task]
        assert values.dtype == "uint8"
        assert expected[0] - 0.05 < values.low < values.high < expected[1] + 0.1
    assert (settings["clip"], settings["schedule"], settings["learning_rate"]) == (0.7, "constant", 3e-3)
    assert "auto" not in [value for key, value in settings.items() if key != "layout"]


@pytest.mark.parametrize(
    ("run", "command"),
    [
        pytest.param(restore, ["restore", "train"], id="restore"),
        pytest.param(look, ["restore", "search"], id="search", marks=pytest.mark.slow),
        pytest.param(teach, ["distill"], id="distill", marks=pytest.mark.slow),
    ],
)
def test_the_settings_give_the_same_bits_again(files, run, command, capsys):
    run(files, "whole")
    code = main([*command, "--config", str(files / "whole" / "config.yaml"), "-o", str(files / "again")])
    assert code == 0, capsys.readouterr().err
    assert bits(files / "again") == bits(files / "whole")
    assert main([*command, "-o", str(files / "again"), "--resume"]) == 0
    assert "the run is finished" in capsys.readouterr().err


@pytest.mark.parametrize("run", [restore, look], ids=["restore", "search"])
def test_pairs_may_have_moved_but_not_changed(files, run):
    short = dataclasses.replace(LOOP, steps=1)
    run(files, "run", loop=short)
    for name in ("rainy", "clean"):
        (files / name).rename(files / f"{name}_moved")
    (files / "clean").symlink_to(files / "clean_moved")
    moved = PairData([str(files / "rainy_moved")], [str(files / "clean")], pattern=r"(\d+)x\d")
    go_on = {restore: train, look: search}[run]
    go_on(moved, files / "run", None, dataclasses.replace(LOOP, steps=2), resume=True)
    moved = dataclasses.replace(moved, clean=[str(files / "clean_moved")])
    go_on(moved, files / "run", None, dataclasses.replace(LOOP, steps=2), resume=True)
    write_image(files / "clean_moved" / "0.png", Image(np.zeros((40, 48, 3), np.uint8), "YXC"), overwrite=True)
    with pytest.raises(RunError, match="have changed since it began"):
        go_on(moved, files / "run", None, dataclasses.replace(LOOP, steps=3), resume=True)
