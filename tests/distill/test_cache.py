"""The teacher's cache: what is in it is what the teacher says; stale, damaged and interrupted ones."""

import numpy as np
import pytest
import torch

from bsn.data import ArraySource, DataError, RandomCrops
from bsn.inference import Denoiser
from bsn.models import Model, ValueScale, create
from bsn.noise.model import NoiseModel
from distill import ModelTeacher, TeacherCache, TeacherInference, make_cache
from distill.cache_making import _part
from tests.helpers.networks import randomise


class Counting:
    """A teacher that notes what it was asked, and can be made to die."""

    def __init__(self, teacher, fail_at=None):
        self.teacher, self.fail_at, self.asked = teacher, fail_at, []

    def __getattr__(self, name):
        return getattr(self.teacher, name)

    def on(self, device):
        return self

    def answer(self, read, size, plane):
        self.asked.append(plane)
        for number, item in enumerate(self.teacher.answer(read, size, plane)):
            yield item
            if plane == self.fail_at and number == 0:
                raise KeyboardInterrupt


class Unsure(Counting):
    """Adds a last layer: how unsure the teacher is, here twice its answer."""

    gives_spread = True

    @property
    def layers(self):
        return 2

    def answer(self, read, size, plane):
        for _, top, rows in self.teacher.answer(read, size, plane):
            yield 0, top, rows
            yield 1, top, 2 * rows


@pytest.fixture
def source(noisy_images):
    return ArraySource(noisy_images, "YX")


def test_it_holds_the_full_inference_of_every_stride(tmp_path, source, noisy_images, teacher_model):
    inference = TeacherInference(strides=(1, 2), ensemble=True)
    cache = make_cache(ModelTeacher(teacher_model, inference), source, tmp_path / "c.h5", devices=["cpu"])
    assert (len(cache), cache.channels, cache.targets, cache.has_spread) == (5, 1, 2, False)
    assert cache.scale == teacher_model.scale
    assert cache.blind_teacher
    for index, image in enumerate(noisy_images):
        unit = image.astype(np.float32) / 255
        answers = cache.target(index, 0, 0, *cache.size(index))[:, 0]
        assert np.array_equal(cache.image(index)[0], unit)
        for layer, stride in enumerate((1, 2)):
            denoiser = Denoiser(teacher_model, stride=stride, ensemble=True, device="cpu")
            assert np.abs(answers[layer] - denoiser(unit, "YX")).max() < 1e-6
        assert np.allclose(cache.answer(index), answers.mean(0, keepdims=True), atol=1e-6)
    assert not (tmp_path / "c.h5.parts").exists()


def test_the_published_target_is_a_second_plain_pass(tmp_path, source, noisy_images, teacher_model):
    inference = TeacherInference(strides=(2,), second_pass=True)
    cache = make_cache(ModelTeacher(teacher_model, inference), source, tmp_path / "c.h5", devices=["cpu"])
    x = noisy_images[0].astype(np.float32) / 255
    first = Denoiser(teacher_model, stride=2, device="cpu")(x, "YX")
    # The first result of random weights is flat but for a few spots, which are outliers of an image without noise.
    second = Denoiser(teacher_model, stride=1, device="cpu", outliers="ignore")(first, "YX")
    assert np.abs(cache.answer(0)[0] - second).max() < 1e-6


def test_a_cache_is_made_once(tmp_path, source, teacher_model):
    teacher = Counting(ModelTeacher(teacher_model, device="cpu"))
    make_cache(teacher, source, tmp_path / "c.h5")
    assert teacher.asked == [0, 1, 2, 3, 4]
    make_cache(teacher, source, tmp_path / "c.h5")
    assert len(teacher.asked) == 5


def test_an_interrupted_cache_is_continued_not_begun_again(tmp_path, source, teacher_model):
    plain = make_cache(ModelTeacher(teacher_model, device="cpu"), source, tmp_path / "plain.h5")
    with pytest.raises(KeyboardInterrupt):
        make_cache(Counting(ModelTeacher(teacher_model, device="cpu"), fail_at=3), source, tmp_path / "c.h5")
    assert not (tmp_path / "c.h5").exists()
    assert [_part(tmp_path / "c.h5.parts", index).exists() for index in range(5)] == [True] * 3 + [False] * 2
    again = Counting(ModelTeacher(teacher_model, device="cpu"))
    cache = make_cache(again, source, tmp_path / "c.h5")
    assert again.asked == [3, 4]
    assert all(np.array_equal(cache.answer(i), plain.answer(i)) for i in range(5))


@pytest.mark.slow
def test_two_processes_give_the_same_cache(tmp_path, source, teacher_model):
    one = make_cache(ModelTeacher(teacher_model, device="cpu"), source, tmp_path / "one.h5")
    two = make_cache(ModelTeacher(teacher_model, device="cpu"), source, tmp_path / "two.h5", devices=["cpu", "cpu"])
    assert all(np.allclose(one.answer(i), two.answer(i), atol=1e-6) for i in range(5))


@pytest.mark.parametrize("changed", ["teacher", "options", "images"])
@pytest.mark.parametrize("finished", [True, False])
def test_a_stale_cache_is_noticed(tmp_path, source, noisy_images, teacher_model, changed, finished):
    path = tmp_path / "c.h5"
    if finished:
        make_cache(ModelTeacher(teacher_model, device="cpu"), source, path)
    else:
        with pytest.raises(KeyboardInterrupt):
            make_cache(Counting(ModelTeacher(teacher_model, device="cpu"), fail_at=0), source, path)
    inference, model = TeacherInference(), teacher_model
    if changed == "teacher":
        torch.manual_seed(1)
        model = Model(create("dbsnl", channels=1, width=8, modules=1).eval(), teacher_model.scale)
    elif changed == "options":
        inference = TeacherInference(ensemble=True)
    else:
        other = [image.copy() for image in noisy_images]
        other[2][5, 7] ^= 1
        source = ArraySource(other, "YX")
    with pytest.raises(DataError, match=f"is stale: it was made with other {changed}; make it anew with --rebuild"):
        make_cache(ModelTeacher(model, inference, "cpu"), source, path)
    make_cache(ModelTeacher(model, inference, "cpu"), source, path, rebuild=True)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_cache_cut_off_is_told(tmp_path, source, teacher_model, share):
    path = tmp_path / "c.h5"
    make_cache(ModelTeacher(teacher_model, device="cpu"), source, path).close()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"c\.h5: cannot be read .*; delete it and make it again"):
        make_cache(ModelTeacher(teacher_model, device="cpu"), source, path)


def test_other_files_are_no_cache(tmp_path):
    import h5py

    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.attrs["format"] = "something"
    with pytest.raises(DataError, match="is not a cache of a teacher"):
        TeacherCache(tmp_path / "x.h5")


def test_channels_must_be_the_teachers(tmp_path, teacher_model):
    source = ArraySource(np.zeros((3, 32, 32), np.uint8), "CYX")
    with pytest.raises(DataError, match="images with 3 channels: the teacher denoises images of 1"):
        make_cache(ModelTeacher(teacher_model, device="cpu"), source, tmp_path / "c.h5")


def test_a_posterior_gives_mean_and_spread(tmp_path, source, noisy_images):
    torch.manual_seed(0)
    network = create("dbsnl", channels=1, width=8, modules=1, outputs=2)
    model = Model(randomise(network, spread=1).eval(), ValueScale(0.4, 0.1), noise=NoiseModel(0.01, 0.001))
    cache = make_cache(ModelTeacher(model, device="cpu"), source, tmp_path / "c.h5")
    assert (cache.targets, cache.has_spread) == (1, True)
    mean, spread = Denoiser(model, device="cpu").with_deviation(noisy_images[1].astype(np.float32) / 255, "YX")
    answers = cache.target(1, 0, 0, *cache.size(1))[:, 0]
    assert np.abs(answers[0] - mean).max() < 1e-6
    assert np.abs(answers[1] - spread).max() < 1e-6
    assert spread.min() > 0
    other = Model(model.network, model.scale, noise=NoiseModel(0.02, 0.001))
    with pytest.raises(DataError, match="made with other teacher"):
        make_cache(ModelTeacher(other, device="cpu"), source, tmp_path / "c.h5")


def test_crops_keep_noisy_and_targets_together(tmp_path, source, teacher_model):
    cache = make_cache(Unsure(ModelTeacher(teacher_model, device="cpu")), source, tmp_path / "c.h5")
    assert (cache.targets, cache.has_spread) == (1, True)
    crops = RandomCrops(cache, 16, seed=3)
    batch = crops.batch(0, 6)
    assert batch.pixels.shape == (6, 1, 16, 16)
    assert batch.targets.shape == (6, 2, 1, 16, 16)
    assert np.allclose(batch.targets[:, 1], 2 * batch.targets[:, 0], atol=1e-6)
    plain = RandomCrops(source, 16, seed=3).batch(0, 6)
    assert np.array_equal(batch.pixels, plain.pixels)


def test_settings_out_of_range():
    with pytest.raises(ValueError, match="exclude each other"):
        TeacherInference(second_pass=True, r3_passes=2)
    with pytest.raises(ValueError, match="name one target twice"):
        TeacherInference(strides=(2, 2))
    with pytest.raises(ValueError, match="stride 0 is out of range"):
        TeacherInference(strides=(0,))
