"""A run ends with a look at what its model removes."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from bsn.data import ArraySource
from bsn.engine import RunFolder
from bsn.models import HalfPlane, HalfPlaneConfig, InferenceDefaults, Model
from bsn.training import TrainConfig, build_task
from bsn.training.removal import tell_removal
from tests.helpers.networks import randomise


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    fine = np.stack([gaussian_filter(rng.normal(size=(3, 96, 96)), (0, 3, 3)) for _ in range(4)])
    return (0.5 + 0.1 * fine / fine.std() + rng.normal(0, 0.01, fine.shape)).astype(np.float32)


def said_of(tmp_path, images, provenance):
    """What is said of a network with random weights that stands for the result of a run."""
    torch.manual_seed(0)
    network = randomise(HalfPlane(HalfPlaneConfig(channels=3, width=4, levels=1, hole="square:3")))
    Model(network).save(tmp_path / "start.safetensors")
    source = ArraySource(list(images), "CYX")
    task = build_task(source, TrainConfig(start=str(tmp_path / "start.safetensors"), crop=32), 0)
    folder = RunFolder(tmp_path)
    Model(network, task.scale, InferenceDefaults(), provenance).save(folder.final)
    said = []
    tell_removal(folder, task, source, said.append)
    return said


def test_a_network_that_removes_picture_is_told(tmp_path, images):
    (said,) = said_of(tmp_path, images, {"training_images": 2})
    assert said.startswith("warning: the network removes picture from ")
    assert "of 4 regions" in said


def test_nothing_is_said_where_results_are_not_judged(tmp_path, images):
    assert said_of(tmp_path, images, {}) == []
