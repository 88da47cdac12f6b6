import random
import threading
import time

import pytest
import torch
from safetensors.torch import load_file

from bsn.engine import Interrupted, LoopConfig, RunFolder, fit
from tests.helpers.toy_task import ToyTask

CONFIG = LoopConfig(
    steps=12, validate_every=4, checkpoint_every=6, accelerator="cpu", precision="32-true", warmup_steps=3
)


def weights(path):
    return {key: value.tolist() for key, value in load_file(path).items()}


def test_a_watcher_sees_every_step_and_changes_no_bit(tmp_path):
    seen = []

    def watch(progress):
        seen.append((progress.step, progress.total, "loss" in progress.numbers, bool(progress.validation)))
        torch.rand(3)
        torch.manual_seed(random.randrange(1000))

    alone, watched = ToyTask(), ToyTask()
    fit(alone, CONFIG, RunFolder(tmp_path / "alone"))
    fit(watched, CONFIG, RunFolder(tmp_path / "watched"), watch=watch)
    assert alone.noise == watched.noise, "it is drawn from the global generator in the last step"
    assert seen == [(step, 12, True, step >= 4) for step in range(1, 13)]
    assert weights(tmp_path / "alone/final.safetensors") == weights(tmp_path / "watched/final.safetensors")


def test_a_run_that_is_stopped_by_its_watcher_resumes_to_the_same_bits(tmp_path):
    fit(ToyTask(), CONFIG, RunFolder(tmp_path / "whole"))
    with pytest.raises(Interrupted, match="after step 6 of 12"):
        fit(ToyTask(), CONFIG, RunFolder(tmp_path / "cut"), watch=lambda progress: progress.step == 5)
    fit(ToyTask(seed=9), CONFIG, RunFolder(tmp_path / "cut"), resume=True, watch=lambda progress: None)
    assert weights(tmp_path / "whole/final.safetensors") == weights(tmp_path / "cut/final.safetensors")


def test_the_model_of_the_moment_can_be_saved_and_is_the_one_that_a_shorter_look_would_find(tmp_path):
    def watch(progress):
        if progress.step in (3, 12):
            progress.save(tmp_path / f"{progress.step}.safetensors")

    fit(ToyTask(), CONFIG, RunFolder(tmp_path / "run"), watch=watch)
    assert weights(tmp_path / "3.safetensors") != weights(tmp_path / "12.safetensors")
    assert weights(tmp_path / "12.safetensors") == weights(tmp_path / "run/final.safetensors")


def test_pauses_are_not_counted_as_time_of_the_run(tmp_path):
    go, seconds = threading.Event(), {}

    def watch(progress):
        seconds[progress.step] = progress.seconds
        if progress.step == 2:
            threading.Timer(0.3, go.set).start()
            go.wait(10)

    began = time.monotonic()
    fit(ToyTask(), CONFIG, RunFolder(tmp_path / "run"), watch=watch)
    assert seconds[12] <= time.monotonic() - began - 0.29


def test_an_error_of_the_watcher_ends_the_run_as_any_other(tmp_path):
    def watch(progress):
        raise KeyError("broken")

    task = ToyTask()
    with pytest.raises(KeyError, match="broken"):
        fit(task, CONFIG, RunFolder(tmp_path / "run"), watch=watch)
    assert task.closed
