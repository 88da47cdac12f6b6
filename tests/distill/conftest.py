"""A teacher, noisy images, and a folder of them."""

import numpy as np
import pytest
import torch

from bsn.data import Image, write_image
from bsn.models import Model, ValueScale, create
from tests.helpers.networks import randomise


@pytest.fixture(scope="session")
def noisy_images():
    """Five noisy grey images of one size but the last, uint8."""
    rng = np.random.default_rng(0)
    sizes = [(64, 64)] * 4 + [(48, 80)]
    return [np.clip(rng.normal(100, 20, size), 0, 255).astype(np.uint8) for size in sizes]


@pytest.fixture
def noisy_folder(tmp_path, noisy_images):
    folder = tmp_path / "noisy"
    folder.mkdir()
    for index, image in enumerate(noisy_images):
        write_image(folder / f"{index}.png", Image(image, "YX"))
    return folder


@pytest.fixture(scope="session")
def teacher_model():
    """A blind grey network with a value scale of its own, whose answers vary by some grey levels."""
    torch.manual_seed(0)
    return Model(randomise(create("dbsnl", channels=1, width=8, modules=1), spread=2).eval(), ValueScale(0.4, 0.1))


@pytest.fixture
def teacher_file(tmp_path, teacher_model):
    path = tmp_path / "teacher.safetensors"
    teacher_model.save(path)
    return path
