"""A network and its student are compared without a clean image."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from bsn.data import ArraySource
from bsn.engine import RunFolder
from bsn.inference import Denoiser
from bsn.models import HalfPlane, HalfPlaneConfig, InferenceDefaults, Light, LightConfig, Model, ValueScale
from bsn.training import TrainConfig
from bsn.training.student_choice import tell_better
from tests.helpers.networks import randomise

CONFIG = TrainConfig(stride=1, noise="none", hole="square:3", context=0, context_hole=False)


def images():
    """Clean and noisy pictures, (2, 1, 96, 96)."""
    rng = np.random.default_rng(0)
    detail = np.stack([gaussian_filter(rng.normal(size=(1, 96, 96)), (0, 8, 8)) for _ in range(2)])
    clean = (0.5 + 0.1 * detail / detail.std()).astype(np.float32)
    return clean, clean + rng.normal(0, 0.02, clean.shape).astype(np.float32)


@pytest.fixture(scope="module")
def source():
    return ArraySource(list(images()[1]), "CYX")


def said_of(tmp_path, source, *, shaken):
    """What is said of a network with random weights and its student, which has others."""
    torch.manual_seed(0)
    folder, defaults = RunFolder(tmp_path), InferenceDefaults()
    (tmp_path / "student").mkdir()
    teacher = HalfPlane(HalfPlaneConfig(channels=1, width=4, levels=1, hole="square:3"))
    student = Light(LightConfig(channels=1, widths=(4, 6), blocks=(1, 1)))
    model = Model(randomise(teacher), ValueScale(0.5, 0.1), defaults, {"training_images": 2})
    model.save(folder.final)
    taught = Model(randomise(student) if shaken else student, ValueScale(0.5, 0.1), defaults)
    taught.save(folder.path / "student" / "final.safetensors")
    said = []
    tell_better(folder, CONFIG, source, said.append)
    return said


def test_the_better_one_is_named(tmp_path, source):
    (said,) = said_of(tmp_path, source, shaken=False)
    assert said.endswith("the student is better")
    clean, noisy = images()
    for path, words in (("final", "filter "), ("student/final", "student ")):
        denoiser = Denoiser(tmp_path / f"{path}.safetensors", device="cpu", guard=False)
        error = np.mean([np.square(denoiser(n, "CYX") - c).mean() for n, c in zip(noisy, clean, strict=True)])
        true = 10 * np.log10((noisy.max() - noisy.min()) ** 2 / error)
        assert float(said.split(words)[1].split(" dB")[0]) == pytest.approx(true, abs=0.5)


def test_nothing_is_said_where_the_noise_cannot_be_measured(tmp_path, source):
    small = ArraySource([source.crop(0, 0, 0, 32, 32)], "CYX")
    assert said_of(tmp_path, small, shaken=True) == []
