"""Students of several holes at once: the loss against loops, the holes, the beginning, and a run from end to end."""

import dataclasses

import numpy as np
import pytest
import torch

from bsn.data import ArraySource
from bsn.engine import LoopConfig
from bsn.engine.checkpoint import load_checkpoint
from bsn.hole import Hole
from bsn.inference import Denoiser
from bsn.models import InferenceDefaults, Model, ValueScale, create
from bsn.models.halfplane import HalfPlane, HalfPlaneConfig
from distill import DistillConfig, ModelTeacher, TeacherInference, distil, make_cache
from distill.holes import holes_between, settle_holes
from distill.recharging import draw_recharged, recharge, sum_over_targets
from distill.run import build_task
from distill.students import NBSN, NBSNConfig, fill_from_teacher
from distill.task import DistillTask
from tests.helpers.command_line import complaint, run
from tests.helpers.networks import randomise

LOOP = LoopConfig(steps=8, warmup_steps=1, validate_every=4, checkpoint_every=3, precision="32-true", accelerator="cpu")
CONFIG = DistillConfig(student="nbsn-lean", start="teacher", crop=24, batch_size=2, recharge=True, validation_crops=2)


@pytest.fixture(scope="module")
def half_plane():
    """A grey half-plane teacher as wide as the lean student."""
    torch.manual_seed(0)
    network = HalfPlane(HalfPlaneConfig(channels=1, width=16, levels=3, hole="square:5"))
    return Model(randomise(network, spread=0.3).eval(), ValueScale(0.4, 0.1))


@pytest.fixture(scope="module")
def advised(half_plane):
    """The same teacher, advised to be used with a smaller hole than that of its training."""
    return dataclasses.replace(half_plane, inference=InferenceDefaults(hole="pixel", wiener=True))


def literal_loss(prediction, targets, noisy, chosen):
    """Value by value, as the paper tells it."""
    count, layers, channels, height, width = targets.shape
    losses = []
    for n in range(count):
        total = 0.0
        for t in range(layers):
            error = 0.0
            for c in range(channels):
                for y in range(height):
                    for x in range(width):
                        target = noisy[n, c, y, x] if chosen[n, y, x] == t else targets[n, t, c, y, x]
                        error += abs(prediction[n, c, y, x] - target)
            total += error / (channels * height * width)
        losses.append(total)
    return losses


def test_the_loss_is_that_of_the_loops():
    rng = np.random.default_rng(0)
    targets, noisy, prediction = rng.random((2, 3, 2, 5, 4)), rng.random((2, 2, 5, 4)), rng.random((2, 2, 5, 4))
    chosen = draw_recharged((2, 5, 4), 3, 7, 11)
    given = [torch.from_numpy(a) for a in (targets, noisy, chosen)]
    found = sum_over_targets(torch.from_numpy(prediction), recharge(*given))
    assert found.tolist() == pytest.approx(literal_loss(prediction, targets, noisy, chosen), rel=1e-12)


def test_the_task_trains_by_that_loss(tmp_path, noisy_images, half_plane):
    inference = TeacherInference(holes=("square:3", "square:5"))
    cache = make_cache(ModelTeacher(half_plane, inference, "cpu"), ArraySource(noisy_images, "YX"), tmp_path / "c.h5")
    task = build_task(cache, dataclasses.replace(CONFIG, crop=16), 5)
    update = next(iter(task.updates(3)))
    task.close()
    loss, _ = update.parts[0]()
    batch = task.batches(3, 0, 1)
    noisy, targets = ((a - 0.4) / 0.1 for a in (batch.pixels, batch.targets))
    with torch.no_grad():
        prediction = task.modules["network"](torch.from_numpy(noisy)).numpy()
    expected = literal_loss(prediction, targets, noisy, draw_recharged((2, 16, 16), 2, 5, 3, 0))
    assert float(loss.detach()) == pytest.approx(np.mean(expected), rel=1e-4)


def test_every_target_is_drawn_equally_often_and_anew_at_every_step():
    drawn = draw_recharged((4, 100, 100), 5, 0, 0, 0)
    assert np.bincount(drawn.ravel(), minlength=5) / drawn.size == pytest.approx(0.2, abs=0.01)
    assert np.array_equal(drawn, draw_recharged((4, 100, 100), 5, 0, 0, 0))
    for key in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        assert (drawn == draw_recharged((4, 100, 100), 5, *key)).mean() == pytest.approx(0.2, abs=0.01)


def test_each_layer_of_the_cache_is_the_teacher_with_that_hole(tmp_path, noisy_images, half_plane, advised):
    inference = TeacherInference(holes=("auto",))
    teacher = ModelTeacher(advised, inference, "cpu")
    inference = teacher.inference
    assert inference.holes == ("pixel", "square:3", "square:5")
    cache = make_cache(teacher, ArraySource(noisy_images, "YX"), tmp_path / "c.h5")
    assert (cache.targets, cache.has_spread, cache.blind_teacher) == (3, False, True)
    x = torch.from_numpy(noisy_images[4].astype(np.float32) / 255)[None, None]
    for layer, hole in zip(cache.target(4, 0, 0, 48, 80)[:, 0], inference.holes, strict=True):
        with torch.no_grad():
            answer = half_plane.scale.to_image(half_plane.network(half_plane.scale.to_network(x), hole=hole))
        assert np.abs(layer - answer[0, 0].numpy()).max() < 1e-5


@pytest.mark.parametrize(
    ("use", "train", "expected"),
    [
        ("square:3", "square:9", ["pixel", "square:3", "square:5", "square:7", "square:9"]),
        ("diamond:7", "diamond:9", ["diamond:5", "diamond:7", "diamond:9"]),
        ("rows:3", "rows:3", ["rows:1", "rows:3"]),
        ("square:9", "square:9", ["square:7", "square:9"]),
        ("pixel", "square:21", ["pixel", "square:3", "square:5", "square:7", "square:9", "square:21"]),
    ],
)
def test_holes_lie_between_those_of_use_and_training(use, train, expected):
    assert list(holes_between(Hole.parse(use), Hole.parse(train))) == expected


def test_holes_that_cannot_be_opened_are_refused(teacher_model, half_plane):
    with pytest.raises(ValueError, match="hole cannot be chosen"):
        settle_holes(teacher_model, ("auto",))
    with pytest.raises(ValueError, match="straight half-planes cannot open the hole diamond:3"):
        ModelTeacher(half_plane, TeacherInference(holes=("diamond:3", "square:3")), "cpu")
    with pytest.raises(ValueError, match="two ways to several targets"):
        TeacherInference(holes=("pixel", "square:3"), strides=(1, 2))
    with pytest.raises(ValueError, match="name one target twice"):
        TeacherInference(holes=("pixel", "pixel"))
    with pytest.raises(ValueError, match="leave uncertainty"):
        DistillConfig(recharge=True, uncertainty=True)


def test_caches_of_runs_without_holes_stay_valid(teacher_model):
    assert "holes" not in ModelTeacher(teacher_model, device="cpu").options()


def test_a_student_begins_as_the_teacher_without_moves(half_plane):
    """The decoder's features are those of the teacher, moved: seen on an image that varies along rows only."""
    student = NBSN(NBSNConfig(channels=1, width=16, levels=3)).eval()
    assert fill_from_teacher(student, half_plane.network) == 20  # all but the last layer, which gives the picture
    x = torch.rand(1, 1, 1, 64).expand(1, 1, 256, 64)
    found = []
    student.last[0].register_forward_pre_hook(lambda module, inputs: found.append(inputs[0]))
    body = half_plane.network.body
    body.decoders[0].convs[1].register_forward_pre_hook(lambda module, inputs: found.append(inputs[0]))
    with torch.no_grad():
        student(x)
        body(x)
    ours, theirs = (features[..., 128:140, 16:48] for features in found)
    assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-3 * float(theirs.abs().max()))


def test_what_cannot_start_a_student_is_refused(half_plane, teacher_model):
    with pytest.raises(ValueError, match="no layers in common"):
        fill_from_teacher(create("tiny", channels=1), half_plane.network)
    with pytest.raises(ValueError, match="no layer of the teacher"):
        fill_from_teacher(create("nbsn-lean", channels=1), teacher_model.network)


def test_a_recharged_student_is_trained_and_resumes_to_the_same_bits(tmp_path, noisy_folder, half_plane, monkeypatch):
    distil(half_plane, noisy_folder, tmp_path / "whole", CONFIG, LOOP)
    folder = tmp_path / "again"
    with monkeypatch.context() as patch:
        patch.setattr(DistillTask, "validate", lambda *_: (_ for _ in ()).throw(RuntimeError("power is gone")))
        with pytest.raises(RuntimeError, match="power is gone"):
            distil(half_plane, noisy_folder, folder, CONFIG, LOOP)
    assert load_checkpoint(folder / "last.ckpt")["step"] == 3
    distil(half_plane, noisy_folder, folder, resume=True)
    models = [Model.load(tmp_path / name) for name in ("whole", "again")]
    a, b = (model.network.state_dict() for model in models)
    assert all(torch.equal(a[key], b[key]) for key in a)
    start = NBSN(NBSNConfig(channels=1, width=16, levels=3))
    fill_from_teacher(start, half_plane.network)
    moved = (a["encoders.1.weight"] - start.state_dict()["encoders.1.weight"]).abs().max()
    assert 0 < float(moved) < 0.1  # it began there
    assert models[0].provenance["recharge"] is True
    assert models[0].provenance["teacher"]["inference"]["holes"] == ["square:3", "square:5"]
    assert models[0].inference == InferenceDefaults(training_crop=24)  # one pass, no filter
    assert Denoiser(models[0], device="cpu").pipeline.filter is None


def test_a_student_can_go_on_from_another(tmp_path, noisy_folder, half_plane):
    distil(half_plane, noisy_folder, tmp_path / "first", CONFIG, LOOP)
    go_on = dataclasses.replace(CONFIG, start=str(tmp_path / "first"))
    loop = dataclasses.replace(LOOP, steps=1, ema=0.0)
    distil(half_plane, noisy_folder, tmp_path / "second", go_on, loop, cache=tmp_path / "first.cache.h5")
    a, b = (Model.load(tmp_path / name).network.state_dict() for name in ("first", "second"))
    assert all(float((a[key] - b[key]).abs().max()) <= 1.1 * CONFIG.learning_rate for key in a)
    half_plane.save(tmp_path / "blind.safetensors")
    blind = dataclasses.replace(CONFIG, start=str(tmp_path / "blind.safetensors"))
    with pytest.raises(ValueError, match="start with a student"):
        distil(half_plane, noisy_folder, tmp_path / "third", blind, LOOP)


def test_the_command(tmp_path, capsys, noisy_folder, half_plane, teacher_file):
    half_plane.save(tmp_path / "t.safetensors")
    words = ["distill", "--teacher", tmp_path / "t.safetensors", "--images", noisy_folder, "-o", tmp_path / "s"]
    fast = ["--steps", "2", "--crop", "16", "--warmup_steps", "1", "--precision", "32-true", "--accelerator", "cpu"]
    code, _, err = run(capsys, *words, "--recipe", "recharge", *fast)
    assert code == 0, err
    assert run(capsys, "denoise", noisy_folder, "--model", tmp_path / "s", "-o", tmp_path / "clean")[0] == 0
    words[2], words[6] = teacher_file, tmp_path / "u"
    assert "hole cannot be chosen" in complaint(capsys, *words, "--recharge", *fast)
