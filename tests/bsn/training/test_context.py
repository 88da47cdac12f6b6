"""Trainings on stacks: what a step sees, what is held back, what is stored, what is refused."""

import numpy as np
import pytest
import tifffile
import torch

from bsn.cli import main
from bsn.data import ArraySource, DataError
from bsn.engine import Interrupted, LoopConfig
from bsn.engine.task import Workers
from bsn.evaluation import ImagePair, Validation, get_protocol
from bsn.models import Model
from bsn.noise.stacks import stacks_of
from bsn.training import BlindSpotTask, StudentStep, TrainConfig, build_task, train
from bsn.training.student_step import check_student

CONFIG = TrainConfig(
    model="phase-unet-tiny",
    context=1,
    context_hole=False,
    stride=1,
    noise="none",
    crop=16,
    batch_size=2,
    optimizer="adamw",
    learning_rate=1e-3,
)


def replace(**options):
    return TrainConfig(**{**vars(CONFIG), **options})


@pytest.fixture
def frames():
    y, x = np.mgrid[:48, :48]
    clean = np.stack([0.5 + 0.3 * np.sin((x + t) / 5) * np.cos(y / 7) for t in range(6)])
    return (clean + np.random.default_rng(0).normal(0, 0.1, clean.shape)).astype(np.float32)


def test_a_step_predicts_the_frame_from_its_window(frames):
    task = build_task(ArraySource(frames, "TYX"), replace(accumulate=2), seed=0)
    task.start(Workers())
    (update,) = task.updates(0)
    batch = task.batches(0, 0, 1)
    task.close()
    network, scale = task.modules["network"], task.scale
    assert network.context == 1
    for part, row in zip(update.parts, range(2), strict=True):
        window = scale.to_network(torch.from_numpy(batch.windows[row : row + 1]))
        available = torch.from_numpy(batch.available[row : row + 1])
        expected = task.loss(network(window, available=available), window[:, :1], task.modules).mean()
        torch.testing.assert_close(part()[0], expected)


def test_what_is_held_back_is_seen_by_no_step_not_as_a_neighbour_either(frames):
    source = ArraySource(np.concatenate([frames] * 4), "TYX")
    task = build_task(source, replace(validation_crops=2, batch_size=8), seed=3)
    held = task.held_back
    assert held.available.shape == (len(held.pixels), 2)
    task.start(Workers())
    for step in range(30):
        batch = task.batches(step, 0, 1)
        for index, top, left, _ in batch.positions.tolist():
            for own, row, column, _ in held.positions.tolist():
                apart = abs(top - row) >= 16 or abs(left - column) >= 16
                assert apart or abs(index - own) > 1
    task.close()


def test_the_loss_of_held_back_crops_counts_their_neighbours(frames, tmp_path):
    task = build_task(ArraySource(np.concatenate([frames] * 2), "TYX"), replace(validation_crops=1), seed=3)
    task.start(Workers())
    with torch.no_grad():
        first = task.held_back_numbers(task.modules, tmp_path / "a.png")["val_loss"]
        task.held_back.available[:] = 0
        assert task.held_back_numbers(task.modules, tmp_path / "b.png")["val_loss"] != first
    task.close()


def train_file(folder, frames, name, *words):
    path = folder / "stack.tif"
    if not path.exists():
        tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX"[-frames.ndim :]})
    fixed = ["--model", "phase-unet-tiny", "--crop", "16", "--batch_size", "2", "--stride", "1", "--noise", "none"]
    return main(["train", str(path), "-o", str(folder / name), *fixed, *words])


def test_a_run_stores_its_context_and_its_model_denoises_all_frames(frames, tmp_path):
    words = ["--context", "1", "--context_hole", "--context_axis", "t", "--steps", "3"]
    assert train_file(tmp_path, frames, "run", *words) == 0
    model = Model.load(tmp_path / "run")
    assert (model.network.context, model.network.context_hole) == (1, True)
    assert model.inference.context_axis == "T"
    assert (model.provenance["context"], model.provenance["context_hole"]) == (1, True)
    assert (
        main(["denoise", str(tmp_path / "stack.tif"), "--model", str(tmp_path / "run"), "-o", str(tmp_path / "o.tif")])
        == 0
    )
    assert tifffile.imread(tmp_path / "o.tif").shape == frames.shape
    config = replace(start=str(tmp_path / "run"), context="auto", context_hole=None)
    started = build_task(ArraySource(frames, "TYX"), config, seed=0)
    assert (started.config.context, started.config.context_hole, started.config.context_axis) == (1, True, "t")
    with pytest.raises(ValueError, match="takes 1 neighbouring frames on each side with a hole; leave --context"):
        build_task(ArraySource(frames, "TYX"), replace(start=str(tmp_path / "run"), context=2), seed=0)


def test_a_killed_run_goes_on_with_the_same_windows(frames, tmp_path, monkeypatch):
    loop = LoopConfig(steps=4, validate_every=2, checkpoint_every=2, accelerator="cpu")
    whole = train(frames, tmp_path / "whole", CONFIG, loop, axes="TYX")
    with monkeypatch.context() as patch:
        original = BlindSpotTask.updates

        def updates(self, step):
            if step == 3:
                raise Interrupted("killed")
            return original(self, step)

        patch.setattr(BlindSpotTask, "updates", updates)
        with pytest.raises(Interrupted):
            train(frames, tmp_path / "cut", CONFIG, loop, axes="TYX")
    resumed = train(frames, tmp_path / "cut", resume=True)
    assert resumed.steps == whole.steps
    bits = [Model.load(tmp_path / name).network.state_dict() for name in ("whole", "cut")]
    assert all(torch.equal(value, bits[1][key]) for key, value in bits[0].items())


def test_stacks_of_a_source(frames):
    source = ArraySource([frames, frames[:1], frames[:3]], "TYX")
    assert stacks_of(source) == [[0, 1, 2, 3, 4, 5], [7, 8, 9]]
    assert stacks_of(source, "Z") == []


@pytest.mark.parametrize(
    ("shape", "axes", "options"),
    [
        ((48, 48), "YX", {}),
        ((1, 48, 48), "TYX", {}),
        ((5, 48, 48), "QYX", {}),
        ((5, 48, 48), None, {}),
        ((5, 48, 48), "TYX", {"context_axis": "z"}),
    ],
)
def test_images_without_known_neighbours_are_refused_in_one_line(shape, axes, options):
    source = ArraySource(np.random.default_rng(0).random(shape), axes)
    with pytest.raises(DataError, match=r"none of them has a neighbour along a known axis .*--axes TYX") as found:
        build_task(source, replace(**options), seed=0)
    assert "\n" not in str(found.value)


def test_the_command_says_so_and_leaves_nothing_behind(frames, tmp_path, capsys):
    assert train_file(tmp_path, frames[0], "run", "--axes", "YX", "--context", "2", "--steps", "2") == 2
    assert "none of them has a neighbour" in capsys.readouterr().err
    assert not (tmp_path / "run" / "final.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"context": -1}, "use 0 to 16"),
        ({"context": 0, "context_hole": True}, "context 0 has none"),
        ({"augment_colours": True}, "is for single images"),
        ({"scheme": "recorrupted", "stride": "auto"}, "is for single images"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        replace(**options)


def test_single_images_to_validate_on_and_students_are_refused(frames):
    validation = Validation([ImagePair("a", frames[:1], frames[:1])], get_protocol("rgb8"))
    with pytest.raises(ValueError, match="scored one by one"):
        build_task(ArraySource(frames, "TYX"), CONFIG, seed=0, validation=validation)
    with pytest.raises(ValueError, match="students take single images"):
        check_student(StudentStep(student=True), CONFIG)
