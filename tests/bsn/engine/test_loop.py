import csv
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

from bsn.engine import Interrupted, LoopConfig, RunError, RunFolder, RunSettings, Task, TrainingDiverged, Update, fit
from bsn.engine.checkpoint import load_checkpoint
from tests.helpers.fresh import run_fresh, run_ranks
from tests.helpers.toy_task import ToyTask

ROOT = Path(__file__).resolve().parents[3]
CPU = {"accelerator": "cpu", "precision": "32-true", "warmup_steps": 3}


def rows(folder, column="loss"):
    with (Path(folder) / "metrics.csv").open(newline="") as file:
        return {int(r["step"]): r[column] for r in csv.DictReader(file) if r[column]}


def weights(folder):
    return load_file(Path(folder) / "final.safetensors")


def same(a, b):
    return all(torch.equal(a[key], b[key]) for key in a) and a.keys() == b.keys()


def test_a_run_leaves_everything(tmp_path):
    task = ToyTask()
    config = LoopConfig(steps=20, validate_every=5, checkpoint_every=7, **CPU)
    result = fit(task, config, RunFolder(tmp_path / "run"), settings=RunSettings({"model": "toy"}))
    assert result.steps == 20
    assert {p.name for p in (tmp_path / "run").iterdir()} == {
        "config.yaml",
        "last.ckpt",
        "best.safetensors",
        "final.safetensors",
        "metrics.csv",
        "train.log",
        "samples",
    }
    settings = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert (settings["model"], settings["steps"], settings["precision"]) == ("toy", 20, "32-true")
    assert "auto" not in settings.values()
    losses = rows(tmp_path / "run")
    assert list(losses) == list(range(1, 21))
    assert float(losses[20]) < float(losses[1])
    assert list(rows(tmp_path / "run", "val_loss")) == [5, 10, 15, 20]
    assert task.saved[-1][0] == "final.safetensors"
    assert task.saved[-1][1]["steps"] == 20
    assert result.best == min(float(v) for v in rows(tmp_path / "run", "val_loss").values())
    assert task.closed


class Overfitting(ToyTask):
    """Its validation is best at step 10."""

    def validate(self, step, modules, samples):
        return {**super().validate(step, modules, samples), "val_loss": abs(step - 10.0)}


@pytest.mark.parametrize(("keep", "kept"), [("auto", 20), ("last", 20), ("best", 10)])
def test_the_model_has_the_weights_that_were_asked_for(tmp_path, keep, kept):
    config = LoopConfig(steps=20, validate_every=5, keep=keep, **CPU)
    result = fit(Overfitting(), config, RunFolder(tmp_path / "run"), settings=RunSettings({}))
    assert result.kept_step == kept
    short = LoopConfig(steps=20, validate_every=5, keep="best", **CPU)
    with pytest.raises(Interrupted):
        fit(Overfitting(interrupt_at=9), short, RunFolder(tmp_path / "half"), settings=RunSettings({}))
    after_ten = load_checkpoint(tmp_path / "half" / "last.ckpt")["average"]["network"]
    assert same(weights(tmp_path / "run"), after_ten) == (kept == 10)
    fit(Overfitting(), short, RunFolder(tmp_path / "half"), resume=True, settings=RunSettings({}))
    assert same(weights(tmp_path / "half"), after_ten)


@pytest.mark.parametrize("stop", [1, 6, 7, 13])
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_interrupted_and_resumed_ends_in_the_same_bits(tmp_path, stop, ema):
    config = LoopConfig(steps=20, validate_every=4, checkpoint_every=6, ema=ema, **CPU)
    fit(ToyTask(), config, RunFolder(tmp_path / "whole"))
    with pytest.raises(Interrupted, match=f"after step {stop + 1} of 20; continue with --resume"):
        fit(ToyTask(interrupt_at=stop), config, RunFolder(tmp_path / "cut"))
    # Other initial weights and generator: all of it has to come from the checkpoint.
    fit(ToyTask(seed=99), config, RunFolder(tmp_path / "cut"), resume=True)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))
    for column in ("loss", "learning_rate", "val_loss", "noise"):
        assert rows(tmp_path / "whole", column) == rows(tmp_path / "cut", column)


KILLED = """
import os, sys
from bsn.engine import LoopConfig, RunFolder, fit
from tests.helpers.toy_task import ToyTask
from pathlib import Path
class Killed(ToyTask):
    def updates(self, step):
        if step == int(sys.argv[2]):
            os.kill(os.getpid(), 9)
        yield from super().updates(step)
config = LoopConfig(steps=20, validate_every=4, checkpoint_every=6, accelerator="cpu", precision="32-true", warmup_steps=3)
fit(Killed(), config, RunFolder(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("step", [0, 11])
def test_killed_and_resumed_ends_in_the_same_bits(tmp_path, step):
    done = run_fresh(KILLED, tmp_path / "cut", step, folder=tmp_path, path=[ROOT])
    assert done.returncode == -9, done.stderr
    config = LoopConfig(steps=20, validate_every=4, checkpoint_every=6, **CPU)
    fit(ToyTask(), config, RunFolder(tmp_path / "whole"))
    fit(ToyTask(seed=99), config, RunFolder(tmp_path / "cut"), resume=True)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))
    assert rows(tmp_path / "whole") == rows(tmp_path / "cut")


DISTRIBUTED = """
import sys
from pathlib import Path
from bsn.engine import LoopConfig, RunFolder, fit
from tests.helpers.toy_task import ToyTask
options = {"accelerator": "cpu", "precision": "32-true", "warmup_steps": 3}
config = LoopConfig(steps=12, validate_every=6, devices=int(sys.argv[2]), **options)
fit(ToyTask(batch_size=int(sys.argv[3])), config, RunFolder(Path(sys.argv[1])))
"""


def test_two_processes_equal_one_with_the_doubled_batch(tmp_path):
    for done in run_ranks(DISTRIBUTED, tmp_path / "two", 2, 4, folder=tmp_path, path=[ROOT]):
        assert done.returncode == 0, done.stderr
    fit(ToyTask(batch_size=8), LoopConfig(steps=12, validate_every=6, **CPU), RunFolder(tmp_path / "one"))
    one, two = rows(tmp_path / "one"), rows(tmp_path / "two")
    assert list(one) == list(two)
    for step in one:
        assert float(two[step]) == pytest.approx(float(one[step]), rel=1e-5)
    a, b = weights(tmp_path / "one"), weights(tmp_path / "two")
    for key in a:
        assert torch.allclose(a[key], b[key], rtol=1e-5, atol=1e-6)


def test_accumulated_parts_equal_the_whole_batch(tmp_path):
    config = LoopConfig(steps=8, **CPU)
    for name, parts in (("whole", 1), ("parts", 4)):
        fit(ToyTask(parts=parts), config, RunFolder(tmp_path / name))
    a, b = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert all(torch.allclose(a[key], b[key], rtol=1e-5, atol=1e-6) for key in a)


def test_nan_stops_with_step_batch_and_last_good_checkpoint(tmp_path):
    config = LoopConfig(steps=20, checkpoint_every=5, **CPU)
    task = ToyTask(nan_at=12)
    with pytest.raises(
        TrainingDiverged, match=r"became nan at step 13; batch: sample0; last good checkpoint: .*last.ckpt"
    ):
        fit(task, config, RunFolder(tmp_path / "run"))
    content = load_checkpoint(tmp_path / "run" / "last.ckpt")
    assert content["step"] == 10
    assert all(torch.isfinite(v).all() for v in content["modules"]["network"].values())
    assert task.closed


class OtherNetwork(ToyTask):
    def __init__(self):
        super().__init__()
        self.modules = {"network": torch.nn.Linear(3, 2)}


class OtherOptimizer(ToyTask):
    def optimizers(self):
        weight, bias = self.modules["network"].parameters()
        return {"main": torch.optim.AdamW([{"params": [weight]}, {"params": [bias]}])}


class OtherModules(ToyTask):
    def __init__(self):
        super().__init__()
        self.modules |= {"noise": torch.nn.Linear(1, 1)}


@pytest.mark.parametrize("other", [OtherNetwork, OtherOptimizer, OtherModules])
def test_a_checkpoint_of_other_settings_is_refused(tmp_path, other):
    with pytest.raises(Interrupted):
        fit(ToyTask(interrupt_at=4), LoopConfig(steps=20, **CPU), RunFolder(tmp_path / "run"))
    with pytest.raises(RunError, match=r"resume with the settings it was begun with: --config .*config.yaml") as error:
        fit(other(), LoopConfig(steps=20, **CPU), RunFolder(tmp_path / "run"), resume=True)
    assert "\n" not in str(error.value)


def test_minutes_become_steps_and_are_kept_over_a_resume(tmp_path, capsys):
    config = LoopConfig(steps=10**6, minutes=0.02, validate_every=0, **CPU)
    with pytest.raises(Interrupted):
        fit(ToyTask(interrupt_at=40), config, RunFolder(tmp_path / "run"))
    total = load_checkpoint(tmp_path / "run" / "last.ckpt")["total"]
    assert 41 < total < 10**6
    said = capsys.readouterr().err
    assert said.startswith("step 1  loss")
    assert "1000000" not in said
    assert fit(ToyTask(), config, RunFolder(tmp_path / "run"), resume=True).steps == total
    assert capsys.readouterr().err.startswith(f"going on after step 41 of {total}\n")


def test_a_task_remarks_on_the_length_that_minutes_give(tmp_path, capsys):
    class Remarks(ToyTask):
        def remark(self, steps):
            return f"so many: {steps}"

    fit(Remarks(), LoopConfig(minutes=0.02, validate_every=0, **CPU), RunFolder(tmp_path / "minutes"))
    said = capsys.readouterr().err.splitlines()
    at = next(i for i, line in enumerate(said) if line.startswith("0.02 minutes at"))
    assert said[at + 1] == f"so many: {said[at].split()[-2]}"
    assert sum("so many" in line for line in said) == 1
    fit(Remarks(), LoopConfig(steps=30, validate_every=0, **CPU), RunFolder(tmp_path / "steps"))
    assert "so many" not in capsys.readouterr().err


def test_minutes_hold_where_the_first_steps_are_slow(tmp_path, monkeypatch):
    """By a clock of the test: a second for each of the first 30 steps, then a tenth."""
    clock = [0.0]

    class Slow(ToyTask):
        def updates(self, step):
            clock[0] += 1.0 if step < 30 else 0.1
            yield from super().updates(step)

    monkeypatch.setattr("bsn.engine.loop.time.monotonic", lambda: clock[0])
    result = fit(Slow(), LoopConfig(steps=10**6, minutes=2, validate_every=0, **CPU), RunFolder(tmp_path / "run"))
    assert 0.94 * 120 < clock[0] <= 120
    assert result.steps == pytest.approx(30 + (0.97 * 120 - 30) / 0.1, rel=0.03)


class TwoOptimizers(Task):
    """Each update must see what the one before has changed."""

    averaged = ()

    def __init__(self):
        self.modules = {"a": torch.nn.Linear(1, 1, bias=False), "b": torch.nn.Linear(1, 1, bias=False)}
        for module in self.modules.values():
            module.weight.data.fill_(1.0)
        self.seen = []

    def optimizers(self):
        return {name: torch.optim.SGD(module.parameters(), lr=0.5) for name, module in self.modules.items()}

    def updates(self, step):
        one = torch.ones(1, 1)
        yield Update([lambda: (self.modules["a"](one).sum(), {})], "a")
        self.seen.append(self.modules["a"](one).item())
        yield Update([lambda: (self.modules["b"](one).sum(), {})], "b")

    def save(self, path, modules, facts):
        path.touch()


def test_several_optimisers_step_one_after_the_other(tmp_path):
    task = TwoOptimizers()
    fit(
        task,
        LoopConfig(steps=2, schedule="constant", warmup_steps=0, clip=None, accelerator="cpu"),
        RunFolder(tmp_path / "r"),
    )
    assert task.seen == [0.5, 0.0]
    assert set(rows(tmp_path / "r", "b_loss")) == {1, 2}


@pytest.mark.parametrize(
    ("prepare", "resume", "message"),
    [
        (lambda p: (p.mkdir(), (p / "last.ckpt").touch()), False, "already holds a run; continue it with --resume"),
        (lambda p: (p.mkdir(), (p / "notes.txt").touch()), False, "is not empty; choose a new"),
        (lambda p: p.touch(), False, "is a file, not a folder"),
        (lambda p: None, True, "holds no checkpoint to resume from"),
        (
            lambda p: (p.mkdir(), (p / "last.ckpt").write_text("x")),
            True,
            "is damaged or holds objects other than tensors",
        ),
        (lambda p: (p.mkdir(), torch.save([1], p / "last.ckpt")), True, "is not a checkpoint of this program"),
    ],
)
def test_folders_that_do_not_fit_are_refused(tmp_path, prepare, resume, message):
    prepare(tmp_path / "run")
    with pytest.raises(RunError, match=message) as error:
        fit(ToyTask(), LoopConfig(steps=1, **CPU), RunFolder(tmp_path / "run"), resume=resume)
    assert "\n" not in str(error.value)


def test_a_gpu_that_is_not_there_is_named(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(RunError, match="PyTorch sees no CUDA device"):
        fit(ToyTask(), LoopConfig(accelerator="gpu"), RunFolder(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_full_disk_while_checkpointing_keeps_the_last_one(tmp_path, monkeypatch):
    config = LoopConfig(steps=20, checkpoint_every=5, **CPU)
    original = torch.save

    def full(content, file, *args):
        if isinstance(content, dict) and content.get("step") == 15:
            file.write(b"half")
            raise OSError(28, "No space left on device")
        return original(content, file, *args)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(ValueError, match="the disk is full"):
        fit(ToyTask(), config, RunFolder(tmp_path / "run"))
    assert load_checkpoint(tmp_path / "run" / "last.ckpt")["step"] == 10
    assert not [p for p in (tmp_path / "run").iterdir() if p.name.endswith(".part")]


def test_tensorboard_holds_the_numbers_of_the_table(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    fit(ToyTask(), LoopConfig(steps=6, validate_every=3, tensorboard=True, **CPU), RunFolder(tmp_path / "run"))
    events = accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    for name in ("loss", "val_loss"):
        written = {event.step: event.value for event in events.Scalars(name)}
        assert written == pytest.approx({k: float(v) for k, v in rows(tmp_path / "run", name).items()}, rel=1e-5)
